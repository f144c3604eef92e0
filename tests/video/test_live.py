"""Live: what is shown, what is recorded, how it ends."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mask2face.errors import OutputError, UsageError, VideoError
from mask2face.faces import Face
from mask2face.video import FaceFiller, read_mark
from mask2face.video.camera import Camera
from mask2face.video.live import LiveReport, lettered, unmask_live

av = pytest.importorskip("av")
_spec = importlib.util.spec_from_file_location("clips", Path(__file__).with_name("conftest.py"))
clips = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(clips)

SIDE = 48


def painted(crops):
    holes = np.zeros(crops.shape[:3], np.float32)
    holes[:, SIDE // 2 : SIDE * 7 // 8, SIDE // 4 : SIDE * 3 // 4] = 1
    return crops[..., ::-1].copy(), holes


def filler(faces=1):
    points = np.array([(98, 107), (130, 107), (112, 128), (100, 148), (128, 148)], np.float32)
    return FaceFiller(lambda _: [Face((70, 60, 160, 175), points, 0.9)] * faces, painted, SIDE)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Six frames of the astronaut, lossless."""
    where = tmp_path_factory.mktemp("camera") / "in.mkv"
    return clips.write_clip(where, clips.frames(6), codec="ffv1", pixels="yuv444p")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_it_is_recorded_with_mark_words_and_times(path, tmp_path, suffix):
    target, shown = tmp_path / f"out{suffix}", []

    def show(pixels, rate):
        shown.append(pixels)
        assert rate > 0
        return True

    with Camera(str(path)) as camera:
        report = unmask_live(camera, filler(), show=show, target=target)
    assert (report.frames, report.changed) == (6, 6)
    frames = clips.rgb(target)
    assert len(frames) == len(shown) == 6
    assert np.abs(frames[2].astype(float) - shown[2]).mean() < 4
    times = [float(frame.pts * frame.time_base) for frame in clips.decoded(target)]
    np.testing.assert_allclose(np.diff(times), 1 / 25, atol=1.1e-3)
    found = read_mark(target)
    assert found.generated
    assert found.by_mask2face
    assert [part.name for part in tmp_path.iterdir()] == [target.name]


def test_only_changed_pictures_say_so(path):
    shown = {}
    for faces in (0, 1):
        with Camera(str(path)) as camera:
            unmask_live(
                camera,
                filler(faces),
                show=lambda pixels, _, faces=faces: shown.update({faces: pixels}) or False,
            )
    still = clips.frames(1)[0]
    corner = (slice(-12, None), slice(0, 60))
    assert np.abs(shown[0][corner].astype(int) - still[corner]).mean() < 3
    assert shown[1][corner].max() > 200, "white letters"
    assert shown[1][corner].min() < 20, "on black"


@pytest.mark.parametrize("end", ["most", "show", "ctrl-c"])
def test_however_it_ends_the_recording_is_whole(path, tmp_path, end):
    count = 0

    def show(_pixels, _rate):
        nonlocal count
        count += 1
        if end == "ctrl-c" and count == 3:
            raise KeyboardInterrupt
        return end != "show" or count < 3

    with Camera(str(path)) as camera:
        most = 3 if end == "most" else None
        target = tmp_path / "out.mp4"
        report = unmask_live(camera, filler(), show=show, target=target, most=most)
    assert report.frames == len(clips.rgb(target)) == 3
    assert read_mark(target).generated


def test_bad_calls_leave_nothing(path, tmp_path):
    (tmp_path / "there.mp4").write_bytes(b"mine")
    with Camera(str(path)) as camera:
        for target, error, words in (
            ("out.gif", UsageError, "name the output so"),
            ("there.mp4", OutputError, "exists"),
            ("none/out.mp4", OutputError, "does not exist"),
        ):
            with pytest.raises(error, match=words):
                unmask_live(camera, filler(), target=tmp_path / target)
        with pytest.raises(OutputError, match="is the input itself"):
            unmask_live(camera, filler(), target=path)
        with pytest.raises(UsageError, match="at least 1"):
            unmask_live(camera, filler(), most=0)
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"
    assert [part.name for part in tmp_path.iterdir()] == ["there.mp4"]


def test_nothing_recorded_is_said(tmp_path):
    class Interrupted:
        source, rate = "0", 25.0

        def __iter__(self):
            raise KeyboardInterrupt

    with pytest.raises(UsageError, match="nothing was recorded"):
        unmask_live(Interrupted(), filler(), target=tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_another_size_is_an_error_and_what_came_before_is_kept(tmp_path):
    class Changing:
        source, rate = "0", 25.0

        def __iter__(self):
            yield 0.0, clips.frames(1)[0]
            yield 0.1, clips.frames(1)[0][:100]

    target = tmp_path / "out.mp4"
    with pytest.raises(VideoError, match="changed from 224 x 240 to 224 x 100"):
        unmask_live(Changing(), filler(0), target=target)
    assert list(tmp_path.iterdir()) == [target]
    assert len(clips.rgb(target)) == 1
    assert read_mark(target).generated


def test_a_camera_without_a_picture_leaves_nothing(tmp_path):
    class Dark:
        source, rate = "0", 25.0

        def __iter__(self):
            raise VideoError("no picture")

    with pytest.raises(VideoError, match="no picture"):
        unmask_live(Dark(), filler(0), target=tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_odd_sizes_are_recorded(tmp_path):
    class Odd:
        source, rate = "0", 25.0

        def __iter__(self):
            yield 0.0, clips.frames(1)[0][:231, :221]

    unmask_live(Odd(), filler(), target=tmp_path / "out.mp4")
    assert clips.rgb(tmp_path / "out.mp4")[0].shape == (231, 221, 3)


def test_letters_stay_in_their_line():
    grey = np.full((480, 640, 3), 128, np.uint8)
    below, above = lettered(grey, "lower face invented"), lettered(grey, "9.5 frames/s", top=True)
    assert (below[:440] == 128).all()
    assert (below[:, 320:] == 128).all()
    assert (above[40:] == 128).all()
    assert (grey == 128).all(), "a copy"
    assert lettered(grey[:16, :16], "wider and higher than the picture").shape == (16, 16, 3)


def test_the_report_says_the_rate():
    assert str(LiveReport(30, 12, 3.0)) == "30 frames, face masks replaced in 12 of them, 10.0/s"
