import cv2
import numpy as np
import pytest

from mask2face.facemasks import compositing, garment
from mask2face.facemasks.drape import Hang, drape, sheet_of
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.garment import (
    Cloth,
    Piece,
    Strings,
    folds,
    loop_colour,
    loops,
    put_on,
    straps,
    tinted,
)
from mask2face.facemasks.head import HEAD
from mask2face.facemasks.light import Light
from mask2face.facemasks.outline import Fit, trace, wear_fit

SIDE = 212
SKIN = np.full((SIDE, SIDE, 3), (190, 150, 130), np.uint8)
BLUE, GREEN, RED = np.eye(3)[::-1]


def turned(yaw=0.0, width=90.0):
    """Landmarks of the generic head, `width` px from ear to ear, turned by degrees."""
    angle = np.radians(yaw)
    x, y, z = HEAD.T
    x = x * np.cos(angle) + z * np.sin(angle)
    return np.stack([x, y], axis=1) * width + (106, 75)


def plain(colour, relief=0.0, seen=None):
    """Cloth of one colour, as flat as can be; what it is given goes to the list `seen`."""

    def paint(cloth, rng):
        if seen is not None:
            seen.append(cloth)
        albedo = np.broadcast_to(np.asarray(colour, np.float32), (*cloth.u.shape, 3)).copy()
        return albedo, np.full_like(cloth.u, relief)

    return paint


def lamp(blur=0.0, grain=0.0, x=0.0, y=0.0):
    towards = np.array([x, y, 1.0]) / np.linalg.norm([x, y, 1.0])
    skin = np.array([190.0, 150, 130])
    return Light(1.0, np.ones(3), towards, 0.5, skin, False, blur, grain)


def worn(frame, colour=BLUE, seed=0, wear="over_nose", seen=None):
    """The rim of a face mask and its one piece."""
    rng = np.random.default_rng(seed)
    outline = trace(frame, wear_fit(Fit(), wear, rng), rng)
    return outline, Piece(drape(frame, outline, Hang()), plain(colour, seen=seen))


@pytest.fixture
def covered(monkeypatch):
    """The coverages that holes are made for, in order."""
    found = []

    def recorded(alpha, reach, whole=compositing.hole_of):
        found.append(alpha.copy())
        return whole(alpha, reach)

    monkeypatch.setattr(compositing, "hole_of", recorded)
    return found


@pytest.fixture
def lit(monkeypatch):
    """Fix the light that is found on the face."""

    def fix(light):
        monkeypatch.setattr(garment, "light_on", lambda photo, frame, rng: light)

    fix(lamp())
    return fix


def whole_window(monkeypatch):
    """Work on the whole photo, so that coverage and hole have one size."""
    every = compositing.Window(0, 0, SIDE, SIDE)
    monkeypatch.setattr(compositing, "window_around", lambda points, margin, photo: every)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("yaw", [-45, 0, 45])
def test_the_hole_covers_body_and_strings(yaw, seed, covered, monkeypatch):
    whole_window(monkeypatch)
    frame = Frame(turned(yaw))
    outline, piece = worn(frame, seed=seed)
    strings = straps(frame, outline, GREEN, np.random.default_rng(seed))
    photo, hole = put_on(SKIN, frame, [piece], strings, np.random.default_rng(seed))
    (alpha,) = covered
    assert (hole >= alpha - 1 / 255).all()
    drawn = compositing.stroke(
        [curve[:, :2] for curve in strings.curves],
        strings.width,
        compositing.Window(0, 0, 212, 212),
    )
    assert (hole >= drawn - 1 / 255).all()
    assert drawn.max() > 0.5
    assert not (photo != SKIN).any(axis=2)[hole == 0].any()


def test_the_cloth_has_its_colour_and_strings_theirs(lit):
    frame = Frame(turned())
    _, piece = worn(frame)
    ear = frame.ear(-1, 0)
    line = np.linspace(ear, ear - (12, 30, 0), 5)
    photo, hole = put_on(
        SKIN, frame, [piece], Strings([line], 4.0, GREEN), np.random.default_rng(0)
    )
    x, y = frame.centre[:2].round().astype(int)
    red, green, blue = photo[y, x].astype(int)
    assert blue > 150
    assert max(red, green) < 40
    x, y = line[2, :2].round().astype(int)
    assert hole[y, x] > 0.9
    red, green, blue = photo[y, x].astype(int)
    assert green > 200 > 60 > max(red, blue)


def test_strings_lie_below_the_cloth(lit):
    frame = Frame(turned())
    _, piece = worn(frame)
    across = frame.centre + np.linspace(-20, 20, 5)[:, None] * frame.right
    drawings = [
        put_on(SKIN, frame, [piece], strings, np.random.default_rng(0))[0]
        for strings in (None, Strings([across], 6.0, GREEN))
    ]
    x, y = frame.centre[:2].round().astype(int)
    np.testing.assert_array_equal(
        drawings[0][y - 5 : y + 5, x - 15 : x + 15], drawings[1][y - 5 : y + 5, x - 15 : x + 15]
    )


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearer_piece_hides_the_other(order, lit):
    frame = Frame(turned())

    def board(colour, z):
        x, y = np.meshgrid(np.linspace(80, 130, 5), np.linspace(90, 140, 5))
        return Piece(sheet_of(np.stack([x, y, 0 * x + z], axis=2)), plain(colour))

    pieces = [board(BLUE, 5.0), board(RED, 30.0)][::order]
    photo, _ = put_on(SKIN, frame, pieces, None, np.random.default_rng(0))
    assert photo[115, 105, 0] > 150 > 60 > photo[115, 105, 2]


@pytest.mark.parametrize("seed", range(6))
def test_a_shadow_lies_only_beside_the_body(seed, covered, monkeypatch, lit):
    whole_window(monkeypatch)
    frame = Frame(turned(10))
    _, piece = worn(frame, (1, 1, 1), seed)
    photo, hole = put_on(SKIN, frame, [piece], None, np.random.default_rng(seed))
    (body,) = covered
    beside = (body == 0) & (photo != SKIN).any(axis=2)
    assert beside.any()
    assert (photo[beside] <= SKIN[beside]).all()
    assert hole[beside].min() > 0
    assert hole[beside & (cv2.dilate(body, np.ones((3, 3))) == 0)].max(initial=0) < 0.5
    # a white face mask on darker skin: the shadow has not greyed the cloth at the rim
    inside = cv2.erode(body, np.ones((5, 5))) == 1
    assert photo[inside].min() > 130


def test_the_shadow_falls_away_from_the_light(lit):
    frame = Frame(turned())
    x, y = np.meshgrid(np.linspace(80, 130, 5), np.linspace(90, 140, 5))
    piece = Piece(sheet_of(np.stack([x, y, 0 * x + 5], axis=2)), plain((1, 1, 1)))
    darker = []
    for side in (-1, 1):
        lit(lamp(x=1.5 * side))
        photos = [
            put_on(SKIN, frame, [piece], None, np.random.default_rng(seed))[0] for seed in range(5)
        ]
        lost = 190 - np.mean(photos, axis=0)[100:130, :, 0]
        darker.append((lost[:, 132:137].mean(), lost[:, 74:79].mean()))  # right and left of it
    (right_of_left, left_of_left), (right_of_right, left_of_right) = darker
    assert right_of_left > left_of_left + 1
    assert left_of_right > right_of_right + 1


@pytest.mark.parametrize("away", [5000, -5000])
def test_a_face_outside_the_photo_changes_nothing(away):
    frame = Frame(turned() + away)
    outline, piece = worn(frame)
    strings = straps(frame, outline, GREEN, np.random.default_rng(0))
    photo, hole = put_on(SKIN, frame, [piece], strings, np.random.default_rng(0))
    np.testing.assert_array_equal(photo, SKIN)
    assert photo is not SKIN
    assert hole.shape == (SIDE, SIDE)
    assert not hole.any()


def test_a_face_partly_outside_is_drawn_as_far_as_it_shows():
    frame = Frame(turned() - (70, 0))
    _, piece = worn(frame)
    photo, hole = put_on(SKIN, frame, [piece], None, np.random.default_rng(0))
    assert hole[:, 0].max() > 0.9
    assert photo.shape == SKIN.shape


def test_paint_is_told_where_it_paints():
    seen = []
    frame = Frame(turned(20))
    _, piece = worn(frame, seen=seen)
    put_on(SKIN, frame, [piece], None, np.random.default_rng(0))
    (cloth,) = seen
    assert cloth.u.shape == cloth.v.shape == cloth.edge.shape
    assert cloth.u.dtype == np.float32
    assert -1.1 <= cloth.u.min() < -0.9
    assert cloth.u.max() <= 1.1
    assert -0.1 <= cloth.v.min() < 0.05
    assert 0.95 < cloth.v.max() <= 1.1
    assert cloth.edge.min() >= 0
    assert 0.1 < cloth.edge.max() < 0.6  # face widths
    assert cloth.unit == frame.unit
    assert 0.5 < cloth.tall < 1.3


def test_a_piece_that_is_wholly_hidden_is_not_painted(lit):
    seen = []
    frame = Frame(turned())
    _, piece = worn(frame)
    x, y = np.meshgrid(np.linspace(100, 110, 3), np.linspace(110, 118, 3))
    behind = Piece(sheet_of(np.stack([x, y, 0 * x - 90], axis=2)), plain(RED, seen=seen))
    put_on(SKIN, frame, [piece, behind], None, np.random.default_rng(0))
    assert not seen


def soft_pixels(alpha):
    return int(((alpha > 0.05) & (alpha < 0.95)).sum())


def steepest(photo):
    """The steepest brightness steps of a photo, 8-bit levels a pixel: those of the rim."""
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rise, run = (cv2.Sobel(grey, cv2.CV_32F, *axis, scale=0.125) for axis in ((0, 1), (1, 0)))
    return float(np.percentile(np.hypot(rise, run), 99))


def test_the_rim_is_as_soft_as_the_light_says(covered, lit):
    frame = Frame(turned())
    _, piece = worn(frame)
    steps, widths = [], []
    for blur in (0.0, 2.5, 6.0):
        lit(lamp(blur))
        covered.clear()
        photos = [
            put_on(SKIN, frame, [piece], None, np.random.default_rng(seed))[0] for seed in range(5)
        ]
        steps.append(np.mean([steepest(photo) for photo in photos]))
        widths.append(np.mean([soft_pixels(alpha) for alpha in covered]))
    assert widths[2] > 1.3 * widths[1] > 1.3 * 1.1 * widths[0]
    assert steps[0] > 1.05 * steps[1] > 1.05 * 1.2 * steps[2]


def test_the_rim_of_a_blurred_photo_is_softer(face_of_width, covered):
    photo, landmarks = face_of_width(200)
    frame = Frame(landmarks)
    _, piece = worn(frame)
    for source in (photo, cv2.GaussianBlur(photo, (0, 0), 4.0)):
        for seed in range(3):
            put_on(source, frame, [piece], None, np.random.default_rng(seed))
    widths = [soft_pixels(alpha) for alpha in covered]
    assert np.mean(widths[3:]) > 1.4 * np.mean(widths[:3])


def test_cloth_is_as_grainy_as_the_light_says(lit):
    frame = Frame(turned())
    _, piece = worn(frame, (0.5, 0.5, 0.5))
    x, y = frame.centre[:2].round().astype(int)
    patches = []
    for grain in (0.0, 4.0, 10.0):
        lit(lamp(0.0, grain))
        photo, _ = put_on(SKIN, frame, [piece], None, np.random.default_rng(1))
        patches.append(photo[y - 8 : y + 8, x - 8 : x + 8].astype(float).mean(axis=2))
    fine, coarse = ((patch - patches[0]).std() for patch in patches[1:])
    assert fine == pytest.approx(4, rel=0.25)
    assert coarse == pytest.approx(10, rel=0.25)


@pytest.mark.parametrize("hung", [loops, straps])
@pytest.mark.parametrize("side", [-1, 1])
def test_strings_of_a_turned_head_are_on_the_side_that_shows(hung, side):
    frame = Frame(turned(45 * side))
    outline, _ = worn(frame)
    ends = []
    for seed in range(8):
        strings = hung(frame, outline, GREEN, np.random.default_rng(seed))
        assert strings.curves
        ends += [(curve[-1] - frame.centre) @ frame.right * side for curve in strings.curves]
    assert max(ends) < -0.3 * frame.unit  # none on the side where the nose points


@pytest.mark.parametrize("hung", [loops, straps])
def test_strings_run_from_the_corners_to_the_ears(hung):
    frame = Frame(turned(10))
    outline, _ = worn(frame)
    corners = np.array([outline.left[0], outline.left[-1], outline.right[0], outline.right[-1]])
    sides = set()
    for seed in range(10):
        strings = hung(frame, outline, GREEN, np.random.default_rng(seed))
        assert 0.005 * frame.unit < strings.width < 0.04 * frame.unit
        np.testing.assert_array_equal(strings.colour, GREEN)
        for curve in strings.curves:
            assert np.linalg.norm(corners - curve[0], axis=1).min() < 1e-6
            way = curve[-1] - curve[0]
            side = int(np.sign((curve[-1] - frame.centre) @ frame.right))
            assert side * (way @ frame.right) > 0  # outwards
            assert way @ frame.out < 0  # and back
            sides.add(side)
    assert sides == {-1, 1}


def test_wider_loops_when_asked():
    frame = Frame(turned())
    outline, _ = worn(frame)
    for widest in (0.014, 0.1):
        widths = [
            loops(frame, outline, GREEN, np.random.default_rng(seed), widest).width / frame.unit
            for seed in range(10)
        ]
        assert 0.5 * widest <= min(widths) <= max(widths) <= widest


def test_what_hangs_from_one_ear_has_no_string_to_the_other():
    frame = Frame(turned(5))
    for seed in range(10):
        outline, _ = worn(frame, seed=seed, wear="one_ear")
        strings = loops(frame, outline, GREEN, np.random.default_rng(seed))
        assert all(
            outline.ear * ((curve[-1] - frame.centre) @ frame.right) > 0 for curve in strings.curves
        )


def test_tinted_takes_a_share_of_the_colour():
    own = np.array([0.2, 0.4, 0.6])
    np.testing.assert_allclose(tinted(own, "#ff0000", 0.0), own)
    np.testing.assert_allclose(tinted(own, "#ff0000", 1.0), (1, 0, 0))
    np.testing.assert_allclose(tinted(own, "#ff0000", 0.5), (0.6, 0.2, 0.3))
    np.testing.assert_array_equal(tinted(own, "", 1.0), own)


@pytest.mark.parametrize("weight", [-0.01, 1.01, float("nan"), float("inf")])
@pytest.mark.parametrize("colour", ["#ff0000", ""])
def test_a_weight_out_of_range_is_refused(weight, colour):
    with pytest.raises(ValueError, match="colour_weight must be 0 to 1"):
        tinted(np.zeros(3), colour, weight)


@pytest.mark.parametrize("colour", ["red", "#ff00", "ff0000x", "#gg0000"])
def test_a_colour_that_cannot_be_read_is_refused(colour):
    with pytest.raises(ValueError, match="#0473e2"):
        tinted(np.zeros(3), colour, 1.0)


def test_loops_are_white_black_or_of_the_cloth():
    rng = np.random.default_rng(0)
    kinds = {"white": 0, "black": 0, "own": 0}
    for _ in range(200):
        found = loop_colour(RED, rng)
        if (found == RED).all():
            kinds["own"] += 1
        else:
            assert np.ptp(found) == 0
            kinds["white" if found[0] > 0.5 else "black"] += 1
    assert kinds["white"] > kinds["black"] > 0
    assert kinds["own"] > 20


def cloth_of(size=80, unit=100.0):
    u, v = np.meshgrid(*(np.linspace(low, 1, size, dtype=np.float32) for low in (-1, 0)))
    edge = np.minimum.reduce([(1 - np.abs(u)) / 2, v, 1 - v]).astype(np.float32)
    return Cloth(u, v, edge, unit, 1.0)


def test_a_border_is_a_band_along_the_rim():
    cloth = cloth_of()
    band = cloth.border(0.1)
    assert band.min() == 0
    assert band.max() == 1
    assert (band[cloth.edge < 0.1] == 1).all()
    assert (band[cloth.edge > 0.12] == 0).all()
    assert band.mean() < cloth.border(0.2).mean()


def test_folds_are_as_high_as_they_are_strong():
    cloth = cloth_of()
    flat, low, high = (
        folds(cloth, np.random.default_rng(2), strength) for strength in (0, 0.01, 0.03)
    )
    assert low.shape == cloth.u.shape
    np.testing.assert_allclose(high - flat, 3 * (low - flat), rtol=1e-3, atol=1e-6)
    assert 0.002 < (low - flat).std() < 0.02
    assert flat.std() < 0.005  # crumples only


def test_the_same_state_puts_on_the_same_garment():
    frame = Frame(turned(15))
    _, piece = worn(frame)
    one, two, other = (
        put_on(SKIN, frame, [piece], None, np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    assert (SKIN == (190, 150, 130)).all()
