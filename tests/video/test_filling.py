"""Frames filled: nothing else changes, nothing flickers, a missed face stays."""

from itertools import pairwise

import numpy as np
import pytest
from skimage import data

from mask2face import pipeline
from mask2face.faces import Face
from mask2face.video.filling import FaceFiller

SIDE = 64
TIMES = [index / 25 for index in range(40)]


@pytest.fixture(scope="module")
def photo():
    return np.ascontiguousarray(data.astronaut()[:240, 110:334])


def detector(noise=0.0, missing=(), seed=0):
    """The astronaut's face, its eyes noisy; no face in the frames `missing`."""
    rng = np.random.default_rng(seed)
    count = iter(range(10**6))

    def detect(_photo):
        points = np.array([(98, 107), (130, 107), (112, 128), (100, 148), (128, 148)], np.float32)
        points[:2] += noise * rng.standard_normal((2, 2)).astype(np.float32)
        return [] if next(count) in missing else [Face((70, 60, 160, 175), points, 0.9)]

    return detect


def painted(crops):
    """Red and blue swapped; the lower middle is hole."""
    holes = np.zeros(crops.shape[:3], np.float32)
    holes[:, SIDE // 2 : SIDE * 7 // 8, SIDE // 4 : SIDE * 3 // 4] = 1
    return crops[..., ::-1].copy(), holes


def unsure(probability):
    def restore(crops):
        restored, holes = painted(crops)
        return restored, holes * np.float32(probability)

    return restore


def run(filler, frames, times=TIMES, chunk=8):
    done = []
    for start in range(0, len(frames), chunk):
        part = frames[start : start + chunk]
        done += filler(part, times[start : start + len(part)])
    return done


def test_outside_the_hole_every_frame_is_bit_identical(photo):
    frames = [photo.copy() for _ in range(4)]
    for frame, done in zip(
        frames, FaceFiller(detector(), painted, SIDE)(frames, TIMES[:4]), strict=True
    ):
        assert (done.faces, done.masked) == (1, 1)
        outside = done.hole == 0
        assert outside.any()
        assert not outside.all()
        np.testing.assert_array_equal(done.pixels[outside], frame[outside])
        np.testing.assert_array_equal(frame, photo)
        assert (done.pixels != frame).any()


def test_frames_by_themselves_are_what_photos_are(photo, tiny_model):
    """Without smoothing the result is that of `Unmasker`."""
    from mask2face.detectors import CenterFace
    from mask2face.restorer import Restorer

    restorer = Restorer(tiny_model)
    filler = FaceFiller(CenterFace("cpu", 0.4), restorer, restorer.card.side, smoothing=False)
    (done,) = filler([photo], [0.0])
    expected = pipeline.Unmasker(tiny_model, "cpu")(photo)
    difference = np.abs(done.pixels.astype(int) - expected.photo)
    assert difference.max() <= 6  # photos take the eyes to 1/16 px
    assert difference.mean() < 0.1
    np.testing.assert_allclose(done.hole, expected.hole, atol=0.05)


def flicker(done):
    hole = np.min([frame.hole for frame in done], 0) > 0.5
    pairs = pairwise(done[6:])
    return np.mean([np.abs(a.pixels.astype(float) - b.pixels)[hole].mean() for a, b in pairs])


def test_a_still_noisy_clip_does_not_flicker(photo):
    rng = np.random.default_rng(1)
    noisy = photo + 4 * rng.standard_normal((20, *photo.shape))
    frames = list(np.clip(noisy, 0, 255).astype(np.uint8))
    rough, smooth = (
        flicker(run(FaceFiller(detector(0.5), painted, SIDE, smoothing=smoothing), frames))
        for smoothing in (False, True)
    )
    assert smooth < 0.6 * rough, (smooth, rough)


def test_frames_at_once_or_one_by_one_are_the_same(photo):
    frames = [np.roll(photo, index, 1) for index in range(9)]
    together, single = (
        run(FaceFiller(detector(0.5), painted, SIDE), frames, chunk=chunk) for chunk in (4, 1)
    )
    for one, other in zip(together, single, strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_faces_of_several_frames_go_through_the_net_together(photo):
    calls = []
    filler = FaceFiller(detector(), lambda crops: calls.append(len(crops)) or painted(crops), SIDE)
    filler([photo] * 5, TIMES[:5])
    assert calls == [5]


def test_a_face_that_the_detector_misses_does_not_blink(photo):
    frames = [photo] * 12
    done = run(FaceFiller(detector(missing={5, 6}), painted, SIDE), frames)
    assert [frame.masked for frame in done] == [1] * 12
    done = run(FaceFiller(detector(missing={5, 6}), painted, SIDE, smoothing=False), frames)
    assert [frame.masked for frame in done] == [1] * 5 + [0, 0] + [1] * 5


def test_after_a_cut_nothing_stays(photo):
    frames = [photo] * 4 + [255 - photo] * 4
    done = run(FaceFiller(detector(missing=range(4, 8)), painted, SIDE), frames)
    assert [frame.masked for frame in done] == [1] * 4 + [0] * 4
    np.testing.assert_array_equal(done[4].pixels, 255 - photo)


@pytest.mark.parametrize(("probability", "masked"), [(0.75, 0), (0.95, 1)])
def test_a_net_that_is_not_sure_changes_nothing(photo, probability, masked):
    done = run(FaceFiller(detector(), unsure(probability), SIDE), [photo] * 3)
    assert [frame.masked for frame in done] == [masked] * 3


def test_a_net_that_wavers_does_not_blink(photo):
    sure = iter([0.9, 0.78, 0.76, 0.9, 0.77])

    def restore(crops):
        restored, holes = painted(crops)
        return restored, holes * np.array([next(sure) for _ in crops], np.float32)[:, None, None]

    done = run(FaceFiller(detector(), restore, SIDE), [photo] * 5)
    assert [frame.masked for frame in done] == [1] * 5


def test_frames_without_a_face(photo):
    (done,) = FaceFiller(lambda _photo: [], painted, SIDE)([photo], [0.0])
    assert (done.faces, done.masked) == (0, 0)
    np.testing.assert_array_equal(done.pixels, photo)
    assert FaceFiller(detector(), painted, SIDE)([], []) == []
    with pytest.raises(ValueError, match="zip"):
        FaceFiller(detector(), painted, SIDE)([photo], [])


def two(widths):
    """A left face and a right one, as wide as `widths` says, frame by frame."""
    rows = iter(widths)

    def detect(_photo):
        faces = []
        for middle, width in zip((60, 165), next(rows), strict=True):
            eyes = np.array([(-0.18, -0.1), (0.18, -0.1), (0, 0), (-0.15, 0.2), (0.15, 0.2)])
            points = (eyes * width + (middle, 110)).astype(np.float32)
            box = (middle - width / 2, 110 - width / 2, middle + width / 2, 110 + width / 2)
            faces.append(Face(box, points, 0.9))
        return faces

    return detect


def test_largest_fills_one_face_and_stays_with_it(photo):
    widths = [(80, 70)] + [(75, 78)] * 8 + [(60, 100)] * 12
    filler = FaceFiller(two(widths), painted, SIDE, largest=True)
    done = run(filler, [photo.copy() for _ in widths], TIMES[: len(widths)])
    assert [(one.faces, one.masked) for one in done] == [(1, 1)] * len(widths)
    left = [bool(one.hole[:, :112].sum() > one.hole[:, 112:].sum()) for one in done]
    assert all(left[:9]), "a little larger does not count"
    assert not left[-1], "much larger does"
    assert left == sorted(left, reverse=True), "it changes once"
    both = FaceFiller(two(widths), painted, SIDE)([photo], [0.0])[0]
    assert (both.faces, both.masked) == (2, 2)


def test_largest_without_faces_and_without_smoothing(photo):
    empty = FaceFiller(lambda _: [], painted, SIDE, largest=True)([photo], [0.0])[0]
    assert empty.faces == 0
    widths = [(80, 70), (75, 78)]
    filler = FaceFiller(two(widths), painted, SIDE, smoothing=False, largest=True)
    done = filler([photo, photo], [0.0, 0.04])
    assert done[1].hole[:, 112:].sum() > done[1].hole[:, :112].sum(), "each frame by itself"
