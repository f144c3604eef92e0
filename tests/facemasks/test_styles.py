"""Every style on heads turned every way: what it covers, what it leaves, what it takes and says."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mask2face.facemasks import FACEMASKS, draw, fabric
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.head import HEAD

COLOURED = sorted(set(FACEMASKS) - {"bare"})
WORN = sorted(set(COLOURED) - {"polygon"})  # the polygon is as flat as the article's
PLAIN = sorted(set(WORN) - {"shield"})  # without a visor before it
LOOSE = ["cloth", "duckbill", "kn95", "n95", "scarf", "surgical"]
PRINTED = ["cloth", "scarf"]
SIDE = 150
COVERED = 0.25  # a hole above this is no longer the fringe of a shadow
SKIN = np.full((SIDE, SIDE, 3), (190, 150, 130), np.uint8)
OPTIONS = {
    "polygon": {"colour", "texture"},
    "surgical": {"wear", "colour"},
    "cloth": {"wear", "colour", "pattern"},
    "kn95": {"wear", "colour"},
    "n95": {"wear", "colour"},
    "duckbill": {"wear", "colour"},
    "respirator": {"colour"},
    "gas": {"colour"},
    "scarf": {"wear", "colour", "pattern"},
    "bare": set(),
}


def turned(yaw=0.0, pitch=0.0, roll=0.0, width=60.0):
    """Landmarks of the generic head, `width` px from ear to ear, its pose in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    x, y, z = HEAD.T
    y, z = y * np.cos(b) + z * np.sin(b), z * np.cos(b) - y * np.sin(b)
    x, z = x * np.cos(a) + z * np.sin(a), z * np.cos(a) - x * np.sin(a)
    x, y = x * np.cos(c) - y * np.sin(c), x * np.sin(c) + y * np.cos(c)
    flat = np.stack([x, y], axis=1) * width
    return (flat - flat.mean(axis=0) + SIDE / 2).astype(np.float32)


def drawn_on(style, landmarks, seed=0, **options):
    return draw(style, SKIN, landmarks, np.random.default_rng(seed), **options)


def at(layer, point):
    x, y = np.round(point[:2]).astype(int)
    return layer[y, x]


EYES = {-1: slice(36, 42), 1: slice(42, 48)}  # image left, image right


@pytest.mark.parametrize("style", WORN)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    yaw=st.floats(-60, 60),
    pitch=st.floats(-20, 20),
    roll=st.floats(-45, 45),
    seed=st.integers(0, 2**31),
)
def test_every_pose_covers_the_mouth_and_leaves_the_near_eye(style, yaw, pitch, roll, seed):
    landmarks = turned(yaw, pitch, roll)
    result = drawn_on(style, landmarks, seed)
    for place in (landmarks[48:68].mean(axis=0), landmarks[51], landmarks[57], landmarks[33]):
        assert at(result.hole, place) > 0.95
    near = EYES[-1 if yaw > 0 else 1]
    assert at(result.hole, landmarks[near].mean(axis=0)) < COVERED
    assert at(result.hole, landmarks[17:27].mean(axis=0)) < COVERED
    bare = SKIN if result.bare is None else result.bare
    np.testing.assert_array_equal(result.photo[result.hole == 0], bare[result.hole == 0])


@pytest.mark.parametrize("style", WORN)
@pytest.mark.parametrize("yaw", [-45, -25, 25, 45])
def test_a_turned_head_shows_both_eyes(style, yaw):
    landmarks = turned(yaw)
    for seed in range(2):
        hole = drawn_on(style, landmarks, seed).hole
        for eye in EYES.values():
            assert at(hole, landmarks[eye].mean(axis=0)) < 0.5
            assert at(hole, landmarks[eye].min(axis=0)) < COVERED  # above and beside it


@pytest.mark.parametrize("yaw", [-27, 20, 30])
def test_no_end_of_a_scarf_stands_up_beside_the_far_eye(yaw):
    """The cheek hides where it goes on to the far ear."""
    photo = np.repeat(np.repeat(SKIN, 2, axis=0), 2, axis=1)
    landmarks = 2 * turned(yaw, 15)
    far = landmarks[EYES[int(np.sign(yaw))]]
    side = np.sign(yaw)
    columns = np.arange(2 * SIDE) * side > (far[:, 0] * side).min()
    rows = np.arange(2 * SIDE) < far[:, 1].max()
    for seed in range(1, 8):
        hole = draw("scarf", photo, landmarks, np.random.default_rng(seed)).hole
        assert hole[np.ix_(rows, columns)].max() < COVERED


@pytest.mark.parametrize("style", PLAIN)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_turned_head_shows_less_of_the_far_side(style, side):
    landmarks = turned(45 * side)
    frame = Frame(landmarks)
    middle = at(np.indices((SIDE, SIDE))[1], frame.nose(30))
    shares = []
    for seed in range(3):
        hole = drawn_on(style, landmarks, seed).hole
        left, right = hole[:, :middle].sum(), hole[:, middle:].sum()
        shares.append((right if side > 0 else left) / (left + right))
    assert np.mean(shares) < 0.42


@pytest.mark.parametrize("style", PLAIN)
def test_a_face_mask_keeps_its_height_when_the_head_turns(style):
    tall = []
    for yaw in (0, 40):
        holes = [drawn_on(style, turned(yaw), seed).hole for seed in range(3)]
        tall.append(np.mean([np.ptp(np.nonzero(hole > 0.5)[0]) for hole in holes]))
    assert tall[1] == pytest.approx(tall[0], rel=0.2)


@pytest.mark.parametrize("style", sorted(OPTIONS))
def test_options_say_what_was_drawn(style):
    for seed in range(2):
        options = drawn_on(style, turned(), seed).options
        assert set(options) == OPTIONS[style]
        if "colour" in options:
            assert fabric.text(fabric.parse(options["colour"])) == options["colour"]
        assert options.get("wear", "over_nose") == "over_nose"


def test_every_style_is_listed_here():
    assert set(OPTIONS) | {"shield"} == set(FACEMASKS)


@pytest.mark.parametrize("wear", ["nose_out", "chin", "one_ear"])
@pytest.mark.parametrize("style", LOOSE)
def test_options_say_how_it_was_worn(style, wear):
    for yaw in (-35, 20):
        landmarks = turned(yaw)
        result = drawn_on(style, landmarks, 3, wear=wear)
        assert result.options["wear"] == wear
        assert at(result.hole, landmarks[30]) == 0  # the nose's tip shows
        assert (at(result.hole, landmarks[62]) > 0.9) == (wear == "nose_out")
        assert result.hole.max() > 0.99


@pytest.mark.parametrize("style", COLOURED)
def test_a_weight_mixes_the_colours(style):
    asked = np.array([1.0, 0.0, 0.5])
    own, none, half, whole = (
        fabric.parse(drawn_on(style, turned(), 1, **options).options["colour"])
        for options in (
            {},
            {"colour": "#ff0080", "colour_weight": 0.0},
            {"colour": "#ff0080", "colour_weight": 0.5},
            {"colour": "#ff0080"},
        )
    )
    np.testing.assert_array_equal(none, own)
    np.testing.assert_allclose(half, (own + asked) / 2, atol=0.004)
    np.testing.assert_allclose(whole, asked, atol=0.004)


def hue(result, places):
    """Mean colour of a drawn face mask over that of the skin around it."""
    colours = np.array([at(result.photo, place) for place in places], float)
    return colours.mean(axis=0)


@pytest.mark.parametrize("style", sorted(set(PLAIN) - {"cloth", "scarf", "respirator", "gas"}))
def test_an_asked_colour_is_seen(style):
    landmarks = turned(15)
    cheeks = [(landmarks[a] + landmarks[b]) / 2 for a, b in ((5, 48), (11, 54), (6, 59), (10, 55))]
    for seed in range(3):
        red = hue(drawn_on(style, landmarks, seed, colour="#ff0000"), cheeks)
        blue = hue(drawn_on(style, landmarks, seed, colour="#0000ff"), cheeks)
        assert red[0] > blue[0] + 60
        assert blue[2] > red[2] + 60


@pytest.mark.parametrize("style", PRINTED)
def test_a_pattern_is_taken_and_named(style):
    plain = drawn_on(style, turned(), 2, pattern="plain", colour="#ffffff")
    printed = drawn_on(style, turned(), 2, pattern="stripes", colour="#ffffff")
    assert (plain.options["pattern"], printed.options["pattern"]) == ("plain", "stripes")
    assert (plain.photo != printed.photo).any()


@pytest.mark.parametrize("style", COLOURED)
@pytest.mark.parametrize(
    ("options", "named"),
    [({"colour": "blue"}, "#0473e2"), ({"colour": "#ff0000", "colour_weight": -0.1}, "weight")],
)
def test_wrong_colours_are_refused(style, options, named):
    with pytest.raises(ValueError, match=named):
        drawn_on(style, turned(), 0, **options)


@pytest.mark.parametrize("style", sorted(FACEMASKS))
def test_options_it_does_not_know_are_refused(style):
    with pytest.raises(TypeError, match="size"):
        drawn_on(style, turned(), 0, size=3)
