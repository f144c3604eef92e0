"""`mask2face serve`: refusals, and a whole life from start to signal."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner

from mask2face.cli import app
from mask2face.errors import UsageError
from mask2face.server.settings import KEY_VARIABLE

KEY = "0123456789abcdef"


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def refused(*arguments):
    result = CliRunner().invoke(app, ["serve", *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    return result.output


def test_a_host_for_others_needs_a_key():
    words = refused("--host", "0.0.0.0")
    assert KEY_VARIABLE in words
    assert "--api-key-file" in words
    assert "--no-auth" in words


def test_help_says_whose_the_detector_is():
    words = " ".join(CliRunner().invoke(app, ["serve", "--help"]).stdout.split())
    assert all(word in words for word in ("centerface", "own:", "Browsers"))


def test_keys_that_are_not_accepted(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("short")
    assert "at least 16" in refused("--api-key-file", str(file))
    file.write_text(KEY)
    assert "contradict" in refused("--api-key-file", str(file), "--no-auth")
    monkeypatch.setenv(KEY_VARIABLE, "short")
    assert "at least 16" in refused()


def test_a_host_that_is_not_here():
    assert "cannot listen" in refused("--host", "1.2.3.4", "--no-auth")


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ((), (True, "centerface")),
        (("--no-page",), (False, "centerface")),
        (("--detector", "own"), (True, "own")),
    ],
)
def test_page_and_detector_may_be_chosen(monkeypatch, arguments, settings):
    told = []

    def stop(given):
        told.append((given.page, given.detector))
        raise UsageError("stop")

    monkeypatch.setattr("mask2face.server.create_app", stop)
    assert "stop" in refused("--port", "0", *arguments)
    assert told == [settings]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM")
def test_from_start_to_signal(tiny_model):
    command = [sys.executable, "-m", "mask2face", "serve", "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(
        [*command, "--model", str(tiny_model)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, KEY_VARIABLE: KEY},
    )
    with process:
        try:
            lines = [process.stderr.readline(), process.stderr.readline()]
            assert lines[0] == "using CPUExecutionProvider, model tiny\n"
            url = lines[1].removeprefix("listening on ").strip()
            asked = urllib.request.Request(url, headers={"X-API-Key": KEY})
            with contextlib.closing(urllib.request.urlopen(asked, timeout=60)) as reply:
                assert json.load(reply)["name"] == "mask2face"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            rest = process.stderr.read()
            assert "Traceback" not in rest
            assert KEY not in rest
        finally:
            process.kill()
