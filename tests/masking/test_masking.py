"""A photo -> the same photo with a face mask on every face."""

import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from mask2face import masking, mean_face
from mask2face.errors import MissingExtraError, PhotoError, UnknownNameError, UsageError
from mask2face.facemasks import FACEMASKS
from mask2face.masking.wardrobe import Own

COLORED = [name for name in FACEMASKS if "colour" in Own().takes(name)]


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


@pytest.mark.parametrize("style", COLORED)
def test_the_colour_reaches_every_style_that_takes_one(masker, astronaut, style):
    drawn = masker(astronaut, style, color="#ff0000")
    (face,) = drawn.faces
    assert face.options["color"] == "#ff0000"
    change = drawn.photo[drawn.hole > 0.9].astype(int).mean(0)
    assert change[0] > change[1:].max() + 25, "it is red"


def test_random_with_a_colour_takes_a_style_that_has_one(masker, astronaut):
    styles = {masker(astronaut, seed=seed, color="#00ff00").faces[0].style for seed in range(6)}
    assert styles <= set(COLORED)
    assert len(styles) > 1


def test_random_always_covers_something(masker, astronaut):
    assert all(masker(astronaut, seed=seed).hole.max() > 0.9 for seed in range(6))


def test_what_is_said_of_a_face(masker, astronaut):
    (face,) = masker(astronaut, "surgical", color="#ff0000", wear="nose_out").faces
    assert 0.5 < face.score <= 1
    assert abs(face.pose.roll) < 15
    assert abs(face.pose.yaw) < 25
    assert face.options["wear"] == "nose_out"
    assert not {"colour", "colour_weight"} & set(face.options)
    upside_down = np.ascontiguousarray(np.rot90(astronaut))
    turned = masker(upside_down, "surgical").faces
    assert all(abs(one.pose.roll) > 45 for one in turned)


def test_the_largest_face_alone_is_drawn_as_among_all(masker, astronaut):
    small = cv2.resize(astronaut, (160, 150), interpolation=cv2.INTER_AREA)
    two = np.hstack([np.vstack([small, small[::-1]]), astronaut])
    every = masker(two, "cloth", 5)
    (alone,) = masker(two, "cloth", 5, faces="largest").faces
    (same,) = (face for face in every.faces if face.box == alone.box)
    assert len(every.faces) > 1
    assert same.options == alone.options
    x0, y0, x1, y1 = (int(value) for value in alone.box)
    assert x0 > 160, "at the right"
    drawn = masker(two, "cloth", 5, faces="largest").photo
    np.testing.assert_array_equal(drawn[y0:y1, x0:x1], every.photo[y0:y1, x0:x1])
    assert not (drawn[:, :150] != two[:, :150]).any(), "the small face stays bare"


def test_a_code_is_dealt_to_the_faces_of_a_photo(masker, astronaut):
    two = np.hstack([astronaut, astronaut[:, ::-1]])
    for seed in range(4):
        styles = [face.style for face in masker(two, seed=seed, code="n95, cloth-#00ff00").faces]
        assert sorted(styles) == ["cloth", "n95"]
    one = {masker(astronaut, seed=seed, code="n95, cloth").faces[0].style for seed in range(8)}
    assert one == {"n95", "cloth"}


def test_without_a_face_nothing_is_drawn(masker):
    blank = np.full((120, 120, 3), 90, np.uint8)
    drawn = masker(blank, "cloth")
    assert drawn.faces == ()
    assert not drawn.hole.any()
    np.testing.assert_array_equal(drawn.photo, blank)


def test_a_face_too_small_to_draw_on_is_left_alone(astronaut):
    spot = masking.Masker(lambda _photo, _face: np.zeros((68, 2), np.float32), device="cpu")
    drawn = spot(astronaut, "cloth")
    assert drawn.faces == ()
    assert len(drawn.undrawn) == 1, "but counted"
    np.testing.assert_array_equal(drawn.photo, astronaut)


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
        ({"style": "bare", "color": "#0473e2"}, UsageError, "takes no color"),
        ({"style": "all"}, UsageError, "call once for each"),
        ({"seed": -1}, UsageError, "0 or more"),
        ({"seed": 1.5}, UsageError, "whole number"),
        ({"seed": True}, UsageError, "whole number"),
        ({"seed": None}, UsageError, "whole number"),
        ({"faces": "some"}, UsageError, "'all' or 'largest'"),
        ({"color_weight": 0.5}, UsageError, "give a color too"),
        ({"code": "n95", "style": "cloth"}, UsageError, "or the code"),
    ],
)
def test_bad_arguments(astronaut, options, error, words, monkeypatch):
    monkeypatch.setattr(masking, "_shared", lambda: pytest.fail("something was loaded"))
    with pytest.raises(error, match=words):
        masking.mask(astronaut, **options)


def test_a_negative_seed_is_refused_by_the_masker_too(masker, astronaut):
    with pytest.raises(UsageError, match="give a whole number, 0 or more"):
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
    assert set(masking.STYLES) == {"random", "all", *FACEMASKS}
