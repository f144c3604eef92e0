"""A photo -> the same photo with a face mask on every face."""

import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data

from mask2face import masking, mean_face
from mask2face.errors import MissingExtraError, PhotoError, UnknownNameError, UsageError
from mask2face.facemasks import FACEMASKS


@pytest.fixture(scope="module")
def astronaut():
    return np.ascontiguousarray(data.astronaut()[:300, 80:400])


@pytest.fixture(scope="module")
def masker():
    return masking.Masker(lambda _photo, face: mean_face.guess(face), device="cpu")


def test_every_face_gets_a_face_mask_and_the_rest_stays(masker, astronaut):
    two = np.hstack([astronaut, astronaut[:, ::-1]])
    drawn = masker(two, "surgical", 1)
    assert len(drawn.faces) == 2
    assert drawn.photo.shape == two.shape
    assert drawn.photo.dtype == np.uint8
    assert drawn.hole.shape == two.shape[:2]
    assert drawn.hole.dtype == np.float32
    untouched = drawn.hole == 0
    np.testing.assert_array_equal(drawn.photo[untouched], two[untouched])
    for face in drawn.faces:
        assert face.style == "surgical"
        assert face.landmarks.shape == (68, 2)
        x, y = face.landmarks[48:68].mean(0).astype(int)
        assert drawn.hole[y, x] > 0.9, "the mouth is covered"
    assert not np.array_equal(drawn.faces[0].options, drawn.faces[1].options)


def test_the_same_seed_draws_the_same_and_the_input_is_not_touched(masker, astronaut):
    before = astronaut.copy()
    first, again, other = (masker(astronaut, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.photo, again.photo)
    np.testing.assert_array_equal(first.hole, again.hole)
    assert not np.array_equal(first.photo, other.photo)
    np.testing.assert_array_equal(astronaut, before)


@pytest.mark.parametrize("style", masking.COLORED)
def test_the_colour_reaches_every_style_that_takes_one(masker, astronaut, style):
    drawn = masker(astronaut, style, color="#ff0000")
    (face,) = drawn.faces
    if "colour" in face.options:
        assert face.options["colour"] == "#ff0000"
    change = drawn.photo[drawn.hole > 0.99].astype(int).mean(0)
    assert change[0] > change[1:].max() + 25, "it is red"


def test_random_with_a_colour_takes_a_style_that_has_one(masker, astronaut):
    styles = {masker(astronaut, seed=seed, color="#00ff00").faces[0].style for seed in range(6)}
    assert styles <= set(masking.COLORED)
    assert len(styles) > 1


def test_random_always_covers_something(masker, astronaut):
    assert all(masker(astronaut, seed=seed).hole.max() > 0.9 for seed in range(6))
    assert "bare" not in masking._DRAWN


def test_without_a_face_nothing_is_drawn(masker):
    blank = np.full((120, 120, 3), 90, np.uint8)
    drawn = masker(blank, "cloth")
    assert drawn.faces == ()
    assert not drawn.hole.any()
    np.testing.assert_array_equal(drawn.photo, blank)


def test_a_face_too_small_to_draw_on_is_left_alone(astronaut):
    spot = masking.Masker(lambda _photo, _face: np.zeros((68, 2), np.float32), device="cpu")
    assert spot(astronaut, "cloth").faces == ()


def test_the_public_function_uses_dlibs_landmarks(astronaut):
    pytest.importorskip("dlib")
    drawn = masking.mask(Image.fromarray(astronaut), "n95", seed=2)
    (face,) = drawn.faces
    assert face.style == "n95"
    guessed = mean_face.guess(masking._shared()._detector(astronaut)[0])
    apart = np.hypot(*(face.landmarks - guessed).T)
    assert 0 < apart.mean() < 15, "near the guess, but not the guess"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"style": "surgicall"}, UnknownNameError, "did you mean 'surgical'"),
        ({"color": "blue"}, UsageError, "#0473e2"),
        ({"color": "#12345"}, UsageError, "#0473e2"),
        ({"style": "hand", "color": "#0473e2"}, UsageError, "takes no color"),
        ({"seed": -1}, UsageError, "0 or more"),
    ],
)
def test_bad_arguments(astronaut, options, error, words):
    with pytest.raises(error, match=words):
        masking.mask(astronaut, **options)


def test_a_negative_seed_is_refused_by_the_masker_too(masker, astronaut):
    with pytest.raises(UsageError, match="give 0 or more"):
        masker(astronaut, "cloth", -1)


def test_bad_photos(masker):
    with pytest.raises(PhotoError):
        masker(b"not a photo")
    with pytest.raises(PhotoError, match="no such file"):
        masker("nowhere.jpg")


def test_without_dlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
        masking.Masker()


def test_every_style_is_offered():
    assert set(masking.STYLES) == {"random", *FACEMASKS}
