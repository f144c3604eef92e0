import sys

from mask2face.progress import track


def test_items_pass_and_a_line_says_how_far(capsys):
    assert list(track(iter("abc"), 3, "crops")) == ["a", "b", "c"]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("crops: 3/3  ")
    assert len(err.splitlines()) == 1


def test_on_a_terminal_there_is_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(track(iter("abc"), 3, "crops")) == ["a", "b", "c"]
    assert "crops" in capsys.readouterr().err
