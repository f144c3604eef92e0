"""How far a run is: on a terminal one line, redrawn; elsewhere a line now and then."""

import sys

import pytest

from mask2face.cli import progress
from mask2face.cli.progress import Progress, _clock


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal(monkeypatch, capsys, clock):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    line = Progress(100)
    line.hide()
    assert capsys.readouterr().err == ""
    clock[0] += 10
    line.show(30, skipped=10)
    assert capsys.readouterr().err == "\r30/100 photos  2.0/s  0:35 left\x1b[K"
    line.hide()
    assert capsys.readouterr().err == "\r\x1b[K"
    clock[0] += 40
    line.show(100)
    line.end()
    assert capsys.readouterr().err.endswith("\r100/100 photos  2.0/s  0:50 taken\x1b[K\n")
    line.end()
    assert capsys.readouterr().err == ""


def test_elsewhere(capsys, clock):
    line = Progress(100, "pairs")
    line.show(1)
    line.hide()
    assert capsys.readouterr().err == ""
    clock[0] += 31
    line.show(62)
    line.show(63)
    line.end()
    assert capsys.readouterr().err == "62/100 pairs  2.0/s  0:19 left\n"


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (20, 200, "20/200 frames  2.0/s  1:30 left"),
        (20, None, "20 frames  2.0/s"),
        (20, 19, "20 frames  2.0/s"),  # files say about how many there are
        (20, 20, "20/20 frames  2.0/s  0:10 taken"),
        (0, 20, "0/20 frames"),
    ],
)
def test_a_total_that_is_known_late_or_not_at_all(monkeypatch, capsys, clock, done, total, words):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    line = Progress(what="frames")
    clock[0] += 10
    line.tell(done, total)
    assert capsys.readouterr().err == f"\r{words}\x1b[K"
    assert line.seconds == 10


def test_nothing_is_said_of_the_rate_while_all_is_skipped(monkeypatch, capsys, clock):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    Progress(9).show(2, skipped=2)
    assert capsys.readouterr().err == "\r2/9 photos\x1b[K"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3723, "1:02:03")]
)
def test_the_clock(seconds, words):
    assert _clock(seconds) == words
