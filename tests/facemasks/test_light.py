import numpy as np
import pytest

from mask2face.facemasks.camera import LUMA
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import Light, light_on

SKIN = np.array([1.0, 0.76, 0.64])


def mean_over(photo, landmarks, name, seeds=6):
    frame = Frame(landmarks)
    found = [
        getattr(light_on(photo, frame, np.random.default_rng(seed)), name) for seed in range(seeds)
    ]
    return np.mean(found, axis=0)


def lit_head(landmarks, direction, ambient=0.3, level=200.0, side=212):
    """An egg of skin under one lamp (Lambert) and ambient light, where the face is."""
    middle, half = landmarks[28] + (0, 6), 0.5 * np.ptp(landmarks[:17, 0])
    rows, columns = np.mgrid[:side, :side]
    x, y = (columns - middle[0]) / (1.15 * half), (rows - middle[1]) / (1.7 * half)
    inside = x * x + y * y < 1
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    normals = np.stack([x / 1.15, y / 1.7, z / 1.1], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    lit = ambient + (1 - ambient) * np.maximum(normals @ direction, 0)
    photo = np.where(inside[..., None], level * lit[..., None] * SKIN, 60.0)
    return np.clip(photo, 0, 255).astype(np.uint8)


def unit(*parts):
    return np.array(parts) / np.linalg.norm(parts)


@pytest.mark.parametrize(
    "direction",
    [
        unit(0, -0.3, 1),
        unit(0.7, -0.3, 1),
        unit(-0.7, -0.3, 1),
        unit(1.2, -0.1, 1),
        unit(0.3, -0.9, 1),
        unit(-0.5, 0.2, 1),
    ],
)
def test_the_direction_of_one_lamp_is_found(face, direction):
    _, landmarks = face
    photo = lit_head(landmarks, direction)
    found = mean_over(photo, landmarks, "direction")
    cosine = found @ direction / np.linalg.norm(found)
    assert np.degrees(np.arccos(cosine)) < 25


def test_a_mirrored_photo_is_lit_from_the_other_side(face):
    photo, landmarks = face
    lit = np.clip(photo * np.linspace(0.5, 1.2, photo.shape[1])[:, None], 0, 255).astype(np.uint8)
    found = mean_over(lit, landmarks, "direction")
    left_lit = np.clip(photo * np.linspace(1.2, 0.5, photo.shape[1])[:, None], 0, 255)
    other = mean_over(left_lit.astype(np.uint8), landmarks, "direction")
    assert found[0] - other[0] > 0.3


def test_beard_and_glasses_do_not_turn_the_light(face):
    _, landmarks = face
    photo = lit_head(landmarks, unit(0.6, -0.3, 1))
    before = mean_over(photo, landmarks, "direction")
    x, y = landmarks[13].astype(int)
    photo[y - 8 : y + 8, x - 16 : x] = (30, 25, 20)
    after = mean_over(photo, landmarks, "direction")
    assert (
        np.degrees(np.arccos(before @ after / np.linalg.norm(before) / np.linalg.norm(after))) < 8
    )


def test_gain_grows_with_the_light(face):
    photo, landmarks = face
    gains = [
        mean_over((photo * share).astype(np.uint8), landmarks, "gain")
        for share in (0.15, 0.3, 0.6, 1.0)
    ]
    assert (np.diff(gains) > 0.03).all()
    assert gains[0] > 0.15  # a dark face may also be dark skin: white stays visible


def test_tint_follows_a_cast_of_the_whole_photo_only(face):
    photo, landmarks = face

    def red_against_blue(factors):
        cast = np.clip(photo * np.array(factors), 0, 255).astype(np.uint8)
        tint = mean_over(cast, landmarks, "tint")
        return tint[0] - tint[2]

    found = [red_against_blue((1 - cast, 1.0 - 0.15, 1 - 0.3 + cast)) for cast in (0.3, 0.15, 0.0)]
    assert found == sorted(found)
    assert found[2] > found[0] + 0.05
    assert abs(mean_over(photo, landmarks, "tint") - 1).max() < 0.1


def test_a_grey_photo_gives_grey_cloth(face):
    photo, landmarks = face
    grey = np.repeat((photo @ LUMA).astype(np.uint8)[..., None], 3, axis=2)
    light = light_on(grey, Frame(landmarks), np.random.default_rng(0))
    assert light.grey
    assert np.ptp(light.tint) == 0
    assert np.ptp(light.on(np.array([0.1, 0.5, 0.9]))) < 1e-3
    assert not light_on(photo, Frame(landmarks), np.random.default_rng(0)).grey


def test_skin_is_the_mean_of_bare_skin(face):
    _, landmarks = face
    photo = np.empty((212, 212, 3), np.uint8)
    photo[:] = (180, 130, 110)
    light = light_on(photo, Frame(landmarks), np.random.default_rng(0))
    np.testing.assert_allclose(light.skin, (180, 130, 110))
    assert light.blur == 0
    assert light.grain < 1e-6


def test_errors_are_random_but_follow_the_seed(face):
    photo, landmarks = face
    first, again, other = (
        light_on(photo, Frame(landmarks), np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.direction, again.direction)
    assert (first.gain, first.ambient, first.blur) == (again.gain, again.ambient, again.blur)
    assert first.gain != other.gain
    assert abs(first.direction - other.direction).max() > 0.01


@pytest.mark.parametrize("shift", [(-80, 0), (0, 90), (-400, -400), (1000, 0)])
def test_a_face_outside_the_photo_still_has_a_valid_light(face, shift):
    photo, landmarks = face
    light = light_on(photo, Frame(landmarks + shift), np.random.default_rng(0))
    assert np.linalg.norm(light.direction) == pytest.approx(1)
    assert light.direction[2] > 0.25
    assert 0 <= light.ambient <= 1
    assert 0.2 < light.gain <= 1.25
    assert np.isfinite([light.blur, light.grain, *light.tint, *light.skin]).all()


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_photos_have_a_light(face, value):
    _, landmarks = face
    photo = np.full((212, 212, 3), value, np.uint8)
    light = light_on(photo, Frame(landmarks), np.random.default_rng(0))
    assert light.grey
    assert np.isfinite([light.gain, light.blur, light.grain, *light.direction]).all()


def test_grain_is_laid_over_a_drawn_picture():
    light = Light(1, np.ones(3), np.array([0, 0, 1.0]), 0.5, np.full(3, 150.0), False, grain=5.0)
    flat = np.full((80, 80, 3), 100, np.float32)
    grainy = light.grained(flat, np.random.default_rng(0))
    assert grainy.dtype == np.float32
    assert (grainy - flat)[..., 0].std() == pytest.approx(5, rel=0.05)
    np.testing.assert_array_equal(grainy[..., 0], grainy[..., 2])
