"""One battery for every style in the registry: a new style is tested without a new test."""

import numpy as np
import pytest

from mask2face.facemasks import FACEMASKS, WEIGHTS, draw

WORN = sorted(set(FACEMASKS) - {"bare"})
FABRIC = ["cloth", "duckbill", "kn95", "n95", "scarf", "surgical"]
SEEDS = range(5)


def mouth(landmarks):
    x, y = landmarks[48:68].mean(axis=0).round().astype(int)
    return y, x


def drawn_with(style, face, seed=0, **options):
    return draw(style, *face, np.random.default_rng(seed), **options)


def assert_contract(result, photo):
    assert result.photo.dtype == np.uint8
    assert result.photo.shape == photo.shape
    assert result.hole.dtype == np.float32
    assert result.hole.shape == photo.shape[:2]
    assert result.hole.min() >= 0
    assert result.hole.max() <= 1
    outside = result.hole == 0
    bare = photo if result.bare is None else result.bare
    np.testing.assert_array_equal(result.photo[outside], bare[outside])


def test_registry_names_are_module_names():
    for name, style in FACEMASKS.items():
        assert style.__module__ == f"mask2face.facemasks.{name}"
    assert set(WEIGHTS) == set(FACEMASKS)
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@pytest.mark.parametrize("style", FACEMASKS)
def test_same_seed_same_pixels(style, face):
    first, second = drawn_with(style, face, 3), drawn_with(style, face, 3)
    np.testing.assert_array_equal(first.photo, second.photo)
    np.testing.assert_array_equal(first.hole, second.hole)
    assert first.options == second.options
    assert first.style == style


@pytest.mark.parametrize("style", WORN)
def test_other_seed_other_pixels(style, face):
    first, second = drawn_with(style, face, 3), drawn_with(style, face, 4)
    assert (first.photo != second.photo).any()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("style", FACEMASKS)
def test_outside_the_hole_nothing_changes(style, seed, face):
    photo, landmarks = face
    kept_photo, kept_landmarks = photo.copy(), landmarks.copy()
    assert_contract(drawn_with(style, face, seed), photo)
    np.testing.assert_array_equal(photo, kept_photo)
    np.testing.assert_array_equal(landmarks, kept_landmarks)


@pytest.mark.parametrize("width", [40, 60, 600])
@pytest.mark.parametrize("style", WORN)
def test_every_size_is_covered_alike(style, width, face_of_width):
    for seed in SEEDS if width < 100 else (0,):
        photo, landmarks = face = face_of_width(width)
        result = drawn_with(style, face, seed)
        assert_contract(result, photo)
        assert result.hole[mouth(landmarks)] > 0.99
        # a face mask covers between a tenth and twice of the square of the face's width
        assert 0.1 < result.hole.sum() / width**2 < 2


@pytest.mark.parametrize("style", WORN)
def test_eyes_stay_bare(style, face):
    _, landmarks = face
    for seed in range(20):
        result = drawn_with(style, face, seed)
        for eye in (landmarks[36:42], landmarks[42:48]):
            x, y = eye.mean(axis=0).round().astype(int)
            assert result.hole[y, x] == 0


@pytest.mark.parametrize("style", WORN)
def test_the_hole_holds_what_changed(style, face):
    photo, _ = face
    for seed in SEEDS:
        result = drawn_with(style, face, seed)
        bare = photo if result.bare is None else result.bare
        changed = np.abs(result.photo.astype(int) - bare).max(axis=2) > 80
        assert result.hole[changed].min() > 0.2
        solid = result.hole > 0.99
        assert (result.photo[solid] != photo[solid]).any(axis=1).mean() > 0.8


@pytest.mark.parametrize("shift", [(70, 0), (-70, 0), (0, 90), (60, 80), (0, -60)])
@pytest.mark.parametrize("style", FACEMASKS)
def test_landmarks_partly_outside(style, shift, face):
    photo, landmarks = face
    moved = landmarks + np.array(shift, np.float32)
    for seed in SEEDS:
        assert_contract(draw(style, photo, moved, np.random.default_rng(seed)), photo)


@pytest.mark.parametrize("style", FACEMASKS)
def test_a_face_wholly_outside_changes_nothing(style, face):
    photo, landmarks = face
    result = draw(style, photo, landmarks + 5000, np.random.default_rng(0))
    np.testing.assert_array_equal(result.photo, photo)
    assert not result.hole.any()


@pytest.mark.parametrize("style", WORN)
def test_a_rolled_face_is_covered(style, face):
    photo, landmarks = face
    centre = landmarks.mean(axis=0)
    for angle in (-1.2, 0.8, 3.0):  # radians
        cos, sin = np.cos(angle), np.sin(angle)
        turned = (landmarks - centre) @ np.array([[cos, sin], [-sin, cos]]) + centre
        result = draw(style, photo, turned.astype(np.float32), np.random.default_rng(1))
        assert_contract(result, photo)
        assert result.hole[mouth(turned)] > 0.99


def test_bare_has_an_empty_hole(face):
    photo, _ = face
    result = drawn_with("bare", face)
    np.testing.assert_array_equal(result.photo, photo)
    assert result.photo is not photo
    assert not result.hole.any()


@pytest.mark.parametrize("style", FABRIC)
def test_chin_worn_leaves_nose_and_lips(style, face):
    _, landmarks = face
    for seed in range(12):
        result = drawn_with(style, face, seed, wear="chin")
        assert result.options["wear"] == "chin"
        for index in (30, 33, 62):  # nose tip, nose base, lips
            x, y = landmarks[index].round().astype(int)
            assert result.hole[y, x] == 0
        assert result.hole.any()


@pytest.mark.parametrize("style", FABRIC)
def test_nose_out_leaves_the_tip_of_the_nose(style, face):
    _, landmarks = face
    for seed in range(12):
        result = drawn_with(style, face, seed, wear="nose_out")
        x, y = landmarks[30].round().astype(int)
        assert result.hole[y, x] == 0
        assert result.hole[mouth(landmarks)] > 0.99


@pytest.mark.parametrize("style", [*FABRIC, "gas", "respirator"])
def test_the_height_on_the_nose_is_taken(style, face):
    _, landmarks = face
    x, y = landmarks[28].round().astype(int)
    high, low = (drawn_with(style, face, 4, height=height).hole for height in (0.95, 0.1))
    assert high[y, x] > 0.9
    assert low[y, x] < 0.5


@pytest.mark.parametrize("style", sorted({*FABRIC, "gas", "respirator"} - {"scarf"}))
def test_the_reach_below_the_chin_is_taken(style, face):
    far, near = (drawn_with(style, face, 4, below=below).hole for below in (0.4, 0.0))
    ends = [np.flatnonzero((hole > 0.5).any(axis=1)).max() for hole in (far, near)]
    assert ends[0] > ends[1] + 15  # of 75 px from the bridge of the nose to the chin


@pytest.mark.parametrize("style", ["cloth", "surgical"])
def test_a_loose_one_is_larger_than_a_tight_one(style, face):
    loose, tight = (drawn_with(style, face, 4, tight=tight).hole.sum() for tight in (0.0, 1.0))
    assert loose > 1.03 * tight


@pytest.mark.parametrize("style", [*FABRIC, "polygon"])
def test_a_colour_is_taken(style, face):
    result = drawn_with(style, face, 1, colour="#0a0aff")
    assert result.options["colour"] == "#0a0aff"


@pytest.mark.parametrize("style", FACEMASKS)
@pytest.mark.parametrize(
    ("photo", "landmarks"),
    [
        (np.zeros((64, 64, 3), np.float32), np.arange(136.0).reshape(68, 2)),
        (np.zeros((64, 64), np.uint8), np.arange(136.0).reshape(68, 2)),
        (np.zeros((64, 64, 4), np.uint8), np.arange(136.0).reshape(68, 2)),
        (np.zeros((0, 64, 3), np.uint8), np.arange(136.0).reshape(68, 2)),
        (np.zeros((64, 64, 3), np.uint8), np.zeros((5, 2))),
        (np.zeros((64, 64, 3), np.uint8), np.full((68, 2), np.nan)),
        (np.zeros((64, 64, 3), np.uint8), np.full((68, 2), 10.0)),
    ],
    ids=["float", "grey", "rgba", "empty", "five points", "nan", "one spot"],
)
def test_wrong_input_is_refused(style, photo, landmarks):
    with pytest.raises(ValueError, match=r"photo must|landmarks"):
        draw(style, photo, landmarks, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"wear": "on the head"}, "over_nose"),
        ({"colour": "blue"}, "#0473e2"),
        ({"pattern": "zigzagged"}, "stripes"),
        ({"colour": "#ff0000", "colour_weight": 1.5}, "0 to 1"),
        ({"height": 1.5}, "0 to 1"),
        ({"below": 2.0}, "-0.2 to 0.6"),
        ({"tight": -1.0}, "0 to 1"),
    ],
)
def test_wrong_options_name_what_is_accepted(options, named, face):
    with pytest.raises(ValueError, match=named):
        drawn_with("cloth", face, 0, **options)
