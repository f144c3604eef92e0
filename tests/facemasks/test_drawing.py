import numpy as np
import pytest

from mask2face.errors import UnknownNameError
from mask2face.facemasks import (
    FACEMASKS,
    IN_FRONT,
    OCCLUDERS,
    WEIGHTS,
    WORN_WRONGLY,
    draw,
    draw_random,
)


def test_unknown_style_names_the_nearest(face):
    with pytest.raises(UnknownNameError, match="surgical"):
        draw("surgicle", *face, np.random.default_rng(0))


def test_every_style_and_wear_is_drawn(face_of_width):
    face = face_of_width(40)
    rng = np.random.default_rng(0)
    drawn = [draw_random(*face, rng) for _ in range(700)]
    styles = [one.style for one in drawn]
    assert set(styles) == set(FACEMASKS)
    assert {one.options.get("wear") for one in drawn} >= {"over_nose", *WORN_WRONGLY}
    assert {one.options.get("in_front") for one in drawn} >= {None, *IN_FRONT}
    for style, share in WEIGHTS.items():
        assert styles.count(style) / 700 == pytest.approx(share, abs=0.07)
    wrongly = [one.options.get("wear") in WORN_WRONGLY for one in drawn]
    assert 0.06 < np.mean(wrongly) < 0.19


def test_every_thing_in_front_has_a_share():
    assert set(IN_FRONT) == set(OCCLUDERS)
    assert sum(IN_FRONT.values()) == pytest.approx(1)


def test_same_seed_same_pixels(face):
    first, second = (draw_random(*face, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first.photo, second.photo)
    assert first.style == second.style


def test_weights_choose(face):
    rng = np.random.default_rng(0)
    weights = {"polygon": 2.0, "bare": 2.0, "cloth": 0.0}
    styles = {draw_random(*face, rng, weights).style for _ in range(30)}
    assert styles == {"polygon", "bare"}


@pytest.mark.parametrize("weights", [{}, {"cloth": 0.0}, {"cloth": -1.0, "bare": 2.0}])
def test_weights_without_a_choice_are_refused(face, weights):
    with pytest.raises(ValueError, match="weights"):
        draw_random(*face, np.random.default_rng(0), weights)


def test_weights_for_unknown_styles_are_refused(face):
    with pytest.raises(UnknownNameError, match="helmet"):
        draw_random(*face, np.random.default_rng(0), {"helmet": 1.0})


@pytest.mark.parametrize("style", ["surgical", "cloth", "n95"])
def test_a_grey_photo_stays_grey(face, style):
    photo, landmarks = face
    grey = np.repeat(photo[..., :1], 3, axis=2)
    result = draw(style, grey, landmarks, np.random.default_rng(0))
    assert np.ptp(result.photo.astype(int), axis=2).max() <= 1


def test_a_darker_photo_gets_a_darker_face_mask(face):
    photo, landmarks = face
    bright = draw("surgical", photo, landmarks, np.random.default_rng(0), colour="#e0e0e0")
    dark = draw("surgical", photo // 4, landmarks, np.random.default_rng(0), colour="#e0e0e0")
    solid = bright.hole > 0.99
    assert dark.photo[solid].mean() < 0.8 * bright.photo[solid].mean()
