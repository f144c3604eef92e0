"""A clip in the place of a camera, and a camera that is quicker than the work."""

import importlib.util
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from mask2face.errors import VideoError
from mask2face.video import camera as module
from mask2face.video.camera import Camera
from mask2face.video.filling import FaceFiller
from mask2face.video.live import unmask_live

av = pytest.importorskip("av")
_spec = importlib.util.spec_from_file_location("clips", Path(__file__).with_name("conftest.py"))
clips = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clips)


class Quick:
    """A camera that gives a frame every 2 ms, `count` in all; each is as bright as its number."""

    def __init__(self, _source, count=100):
        self.left, self.released = list(range(count)), False

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def get(self, _what):
        return 0.0

    def read(self):
        time.sleep(0.002)
        if not self.left:
            return False, None
        return True, np.full((20, 30, 3), self.left.pop(0), np.uint8)

    def release(self):
        self.released = True


def test_a_file_gives_every_frame_in_rgb(tmp_path):
    path = clips.write_clip(tmp_path / "in.mkv", clips.frames(4), codec="ffv1", pixels="yuv444p")
    with Camera(str(path)) as camera:
        assert not camera.live
        assert camera.rate == 25
        moments = list(camera)
    assert [seconds for seconds, _ in moments] == [0, 1 / 25, 2 / 25, 3 / 25]
    for (_, frame), expected in zip(moments, clips.frames(4), strict=True):
        assert frame.dtype == np.uint8
        assert np.abs(frame.astype(int) - expected).mean() < 3, "red and blue in their places"


def test_of_a_camera_only_the_newest_frame_counts(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", Quick)
    seen, times = [], []
    with Camera("3") as camera:
        assert camera.live
        assert camera.rate == 30, "it does not say"
        for seconds, frame in camera:
            seen.append(int(frame[0, 0, 0]))
            times.append(seconds)
            time.sleep(0.03)
    assert seen == sorted(seen)
    assert seen[-1] == 99, "the last one is shown"
    assert len(seen) < 50, "those that came meanwhile are left out"
    assert times[0] == 0
    assert all(np.diff(times) > 0)
    assert not [thread for thread in threading.enumerate() if thread.name == "camera"]


def test_leaving_early_lets_the_camera_go(monkeypatch):
    opened = []

    def quick(source):
        opened.append(Quick(source, 10**6))
        return opened[0]

    monkeypatch.setattr(cv2, "VideoCapture", quick)
    with Camera("0") as camera:
        for _ in camera:
            break
    assert opened[0].released
    until = time.monotonic() + 5
    while any(thread.name == "camera" for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_is_no_camera_is_said(tmp_path, capfd):
    for source in ("97", "/dev/video97", str(tmp_path / "none.mp4")):
        with pytest.raises(VideoError, match="cannot be opened: check that the camera"):
            Camera(source)
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"no clip" * 99)
    with pytest.raises(VideoError, match="cannot be opened"):
        Camera(str(junk))


def test_a_camera_without_a_picture_is_an_error(monkeypatch):
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: Quick(source, 0))
    with Camera("0") as camera, pytest.raises(VideoError, match="gives no picture"):
        list(camera)


@pytest.mark.parametrize("gives_up", [False, True])
def test_a_camera_that_stalls_is_no_success(monkeypatch, tmp_path, gives_up):
    monkeypatch.setattr(module, "_PATIENCE", 0.3)
    hanging = threading.Event()

    class Stalled(Quick):
        def read(self):
            if not self.left:
                hanging.wait(0.29 if gives_up else 5)  # V4L2 waits 10 s, then says no
            return super().read()

    monkeypatch.setattr(cv2, "VideoCapture", lambda source: Stalled(source, 40))
    target = tmp_path / "out.mp4"
    nobody = FaceFiller(lambda _: [], lambda crops: (crops, crops[..., 0] * 0.0), 48)
    words = r"'0' gives no picture for 0\.3 s: check that it is still plugged in"
    with Camera("0") as camera, pytest.raises(VideoError, match=words):
        unmask_live(camera, nobody, target=target)
    hanging.set()
    assert clips.rgb(target), "what was recorded is whole"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_camera_that_hangs_ends(monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    hanging = threading.Event()

    class Hung(Quick):
        def read(self):
            hanging.wait(5)
            return False, None

    monkeypatch.setattr(cv2, "VideoCapture", Hung)
    with Camera("0") as camera, pytest.raises(VideoError, match="gives no picture"):
        list(camera)
    hanging.set()
