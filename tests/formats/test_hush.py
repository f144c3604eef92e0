"""What a converter says stays inside."""

import logging
import sys
import warnings

import pytest

from mask2face.formats.hush import quiet


def test_quiet_keeps_everything_in(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    before = logging.root.manager.disable
    with quiet():
        print("to stdout")  # noqa: T201
        print("to stderr", file=sys.stderr)  # noqa: T201
        logging.getLogger("x").warning("logged")
        warnings.warn("warned", UserWarning, stacklevel=1)
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    assert logging.root.manager.disable == before


def test_quiet_lets_errors_through() -> None:
    before = logging.root.manager.disable
    with pytest.raises(ValueError, match="that"), quiet():
        raise ValueError("that")
    assert logging.root.manager.disable == before
