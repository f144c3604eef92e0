"""A window: only where one can be shown; what ends it."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from mask2face.errors import UsageError
from mask2face.video import window
from mask2face.video.window import Window, check_display


@pytest.fixture
def no_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.skipif(sys.platform != "linux", reason="about X11 and Wayland")
def test_without_a_display_the_way_without_a_window_is_named(no_display, monkeypatch):
    with pytest.raises(UsageError, match="neither DISPLAY nor .* give --no-window"):
        check_display()
    monkeypatch.setenv("DISPLAY", ":no-such-display")
    with pytest.raises(UsageError, match="no window can be shown here .*could not|status"):
        check_display()


def test_a_display_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")

    def hang(*_arguments, **_options):
        raise subprocess.TimeoutExpired("python", 30)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(UsageError, match="nothing came within 30 s"):
        check_display()


@pytest.mark.parametrize(
    ("key", "visible", "goes_on"),
    [
        (-1, 1.0, True),
        (ord("x"), 1.0, True),
        (ord("q"), 1.0, False),
        (27, 1.0, False),
        (-1, 0.0, False),
    ],
)
def test_q_escape_and_a_click_end_it(monkeypatch, key, visible, goes_on):
    shown = []
    monkeypatch.setattr(window, "check_display", lambda: None)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, pixels: shown.append(pixels))
    monkeypatch.setattr(cv2, "waitKey", lambda _: key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: visible)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: shown.append("closed"))
    red = np.zeros((240, 320, 3), np.uint8)
    red[..., 0] = 255
    view = Window()
    assert view(red, 12.3) is goes_on
    assert tuple(shown[0][200, 200]) == (0, 0, 255), "OpenCV takes BGR"
    assert (shown[0][:20] != shown[0][200, 200]).any(), "the rate, above"
    view.close()
    assert shown[-1] == "closed"
