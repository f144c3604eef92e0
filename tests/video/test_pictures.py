"""Frames and pictures: what is outside the hole is never converted."""

import numpy as np
import pytest
from skimage import data

from mask2face.video.pictures import picture, planar, planar_format, put

av = pytest.importorskip("av")

PHOTO = np.ascontiguousarray(data.astronaut()[:120, 150:310])
X264 = ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p10le", "gray", "gray10le"]


def frame_of(format, photo=PHOTO, colour_range=1):
    frame = av.VideoFrame.from_ndarray(photo, "rgb24")
    return frame.reformat(format=format, dst_colorspace=1, dst_color_range=colour_range)


def samples(frame):
    return [np.frombuffer(plane, np.uint8).copy() for plane in frame.planes]


@pytest.mark.parametrize(
    ("format", "shape", "expected"),
    [
        ("yuv420p", (120, 160), "yuv420p"),
        ("yuvj420p", (120, 160), "yuv420p"),
        ("nv12", (120, 160), "yuv420p"),
        ("yuv422p", (120, 160), "yuv422p"),
        ("yuv420p10le", (120, 160), "yuv420p10le"),
        ("p010le", (120, 160), "yuv420p10le"),
        ("yuv420p", (119, 159), "yuv444p"),
        ("rgb24", (120, 160), "yuv444p"),
        ("gray", (119, 159), "gray"),
    ],
)
def test_the_format_that_is_filled(format, shape, expected):
    frame = av.VideoFrame(shape[1], shape[0], format)
    assert planar_format(frame, X264) == expected


def test_an_encoder_that_accepts_little_gets_what_it_accepts():
    frame = av.VideoFrame(160, 120, "yuv444p")
    assert planar_format(frame, ["yuv420p", "yuv420p10le"]) == "yuv420p"


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("format", ["yuv420p", "yuv444p", "yuv420p10le", "gray"])
@pytest.mark.parametrize("colour_range", [1, 2])
def test_only_the_hole_is_written(format, turns, colour_range):
    frame = frame_of(format, colour_range=colour_range)
    before = samples(frame)
    upright = picture(frame, turns)
    hole = np.zeros(upright.shape[:2], np.float32)
    hole[40:70, 50:90] = 0.5
    put(frame, 255 - upright, hole, turns)
    after = picture(frame, turns)
    depth = 1 if format == "gray" else 3
    near = np.zeros(hole.shape, bool)
    near[38:72, 48:92] = True  # colour of a half-size plane is shared by neighbours
    np.testing.assert_array_equal(after[~near], upright[~near])
    wanted = 255 - upright[44:66, 54:86].astype(int)
    assert np.abs(after[44:66, 54:86] - wanted).mean() < (4 if depth == 3 else 8)
    changed = [(old != new).mean() for old, new in zip(before, samples(frame), strict=True)]
    assert 0 < changed[0] < 0.1


def test_a_colour_sample_is_replaced_where_one_of_its_pixels_is_in_the_hole():
    frame = frame_of("yuv420p")
    before = [plane.reshape(-1, frame.planes[0].width // 2) for plane in samples(frame)[1:]]
    hole = np.zeros((120, 160), np.float32)
    hole[41:70, 51:90] = 1
    put(frame, 255 - picture(frame), hole)
    inside = hole.reshape(60, 2, 80, 2).max((1, 3)) > 0
    for old, new in zip(before, samples(frame)[1:], strict=True):
        changed = old != new.reshape(old.shape)
        assert not changed[:, :80][~inside].any()
        assert changed[:, :80][inside].mean() > 0.9


def test_full_range_said_by_the_format_stays_full_range():
    grey = np.full((32, 32, 3), 250, np.uint8)
    frame = planar(frame_of("yuvj420p", grey, 2), "yuv420p")
    assert frame.format.name == "yuv420p"
    assert frame.color_range == 2
    assert samples(frame)[0][0] == 250
    assert abs(int(picture(frame)[0, 0, 0]) - 250) <= 1


def test_times_survive_another_format():
    frame = frame_of("nv12")
    frame.pts = 77
    assert planar(frame, "yuv420p").pts == 77
    assert planar(frame, "nv12") is frame
