"""Limits, keys, and who may reach a server."""

import pytest

from mask2face.errors import UsageError
from mask2face.server.settings import (
    KEY_VARIABLE,
    Settings,
    check_exposure,
    find_key,
    is_local,
)

KEY = "0123456789abcdef"


@pytest.mark.parametrize(
    "wrong",
    [
        {"workers": -1},
        {"queue": -1},
        {"max_bytes": 0},
        {"max_pixels": 0},
        {"read_seconds": 0},
        {"idle_seconds": float("nan")},
        {"api_key": "short"},
        {"api_key": "has a space in the key"},
        {"api_key": "größer als sechzehn"},
    ],
)
def test_wrong_settings(wrong):
    with pytest.raises(UsageError) as caught:
        Settings(**wrong)
    assert str(wrong.get("api_key", "?")) not in str(caught.value)


def test_workers():
    assert Settings(workers=3).threads == 3
    assert 2 <= Settings().threads <= 8


def test_where_the_key_comes_from(tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    assert find_key(None) is None
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    assert find_key(None) == KEY
    file = tmp_path / "key"
    file.write_text(f"{KEY}2\nmore\n")
    assert find_key(file) == KEY + "2"
    file.write_text("")
    with pytest.raises(UsageError, match="at least 16"):
        find_key(file)
    monkeypatch.setenv(KEY_VARIABLE, "")
    with pytest.raises(UsageError, match="at least 16"):
        find_key(None)
    with pytest.raises(UsageError, match="cannot be read"):
        find_key(tmp_path / "none")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not text"):
        find_key(file)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_local_hosts(host, local):
    assert is_local(host) is local


def test_exposure():
    check_exposure("127.0.0.1", None, False)
    check_exposure("0.0.0.0", KEY, False)
    check_exposure("0.0.0.0", None, True)
    with pytest.raises(UsageError, match="--api-key-file"):
        check_exposure("0.0.0.0", None, False)
    with pytest.raises(UsageError, match="contradict"):
        check_exposure("0.0.0.0", KEY, True)
