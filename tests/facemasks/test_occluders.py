import numpy as np
import pytest

from mask2face.errors import UnknownNameError
from mask2face.facemasks.compositing import Window
from mask2face.facemasks.drawn import Drawn
from mask2face.facemasks.light import Light
from mask2face.facemasks.occluders import OCCLUDERS, Cover, bones, hand, lay, put_in_front
from mask2face.facemasks.occluders.sprite import Pose, cover, ends_in, place, sprite
from mask2face.facemasks.occluders.stack import stack

NAMES = sorted(OCCLUDERS)


def masked(photo, landmarks):
    """A flat green disc before the mouth, with a soft rim."""
    rows, columns = np.indices(photo.shape[:2])
    middle = landmarks[48:60].mean(axis=0)
    far = np.hypot(columns - middle[0], rows - middle[1])
    hole = np.clip((np.ptp(landmarks[:, 0]) * 0.4 - far) / 3, 0, 1).astype(np.float32)
    green = photo + (np.array([30, 160, 60]) - photo) * hole[..., None]
    return Drawn(np.rint(green).astype(np.uint8), hole, "disc", {"colour": "green"})


def light(direction=(0.0, 0.0, 1.0), skin=(200.0, 150.0, 125.0)):
    unit = np.array(direction) / np.linalg.norm(direction)
    return Light(1.0, np.ones(3), unit, 0.2, np.array(skin), False)


def ball(radius=20):
    rows, columns = np.indices((2 * radius + 5, 2 * radius + 5)) - (radius + 2)
    apart = np.hypot(rows, columns)
    height = np.sqrt(np.maximum(radius**2 - apart**2, 0))
    alpha = np.clip(radius - apart + 0.5, 0, 1)
    paint = np.zeros((*alpha.shape, 3))
    paint[..., 0] = 1
    return sprite(height, alpha, paint, radius, (radius + 2, radius + 2))


@pytest.mark.parametrize("name", NAMES)
def test_photo_equals_bare_where_the_hole_is_zero(face, name):
    photo, landmarks = face
    before = photo.copy(), landmarks.copy()
    for seed in range(4):
        drawn = masked(photo, landmarks)
        result = put_in_front(drawn, photo, landmarks, np.random.default_rng(seed), name)
        outside = result.hole == 0
        assert result.photo.dtype == np.uint8
        assert result.hole.dtype == np.float32
        assert (result.photo[outside] == result.bare[outside]).all()
        assert (result.hole <= drawn.hole).all()
        assert result.hole.min() >= 0
        assert result.options == {"colour": "green", "in_front": name}
        assert np.array_equal(drawn.hole, masked(photo, landmarks).hole)
    assert np.array_equal(photo, before[0])
    assert np.array_equal(landmarks, before[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_thing_is_seen_in_the_bare_photo_too(face, name):
    photo, landmarks = face
    shares = []
    for seed in range(4):
        drawn = masked(photo, landmarks)
        result = put_in_front(drawn, photo, landmarks, np.random.default_rng(seed), name)
        shares.append((result.bare != photo).any(axis=2).mean())
    assert min(shares) > 0.002


def test_most_things_cover_some_of_the_face_mask(face):
    photo, landmarks = face
    drawn = masked(photo, landmarks)
    for name in ("hand_over_mouth", "cup", "microphone", "card", "finger_on_lips"):
        lost = []
        for seed in range(6):
            result = put_in_front(drawn, photo, landmarks, np.random.default_rng(seed), name)
            lost.append(1 - result.hole.sum() / drawn.hole.sum())
        assert 0.05 < np.median(lost) < 1, name


@pytest.mark.parametrize("name", NAMES)
def test_same_state_same_pixels(face, name):
    photo, landmarks = face
    drawn = masked(photo, landmarks)
    first, again = (
        put_in_front(drawn, photo, landmarks, np.random.default_rng(7), name) for _ in range(2)
    )
    assert np.array_equal(first.photo, again.photo)
    assert np.array_equal(first.bare, again.bare)
    assert np.array_equal(first.hole, again.hole)


@pytest.mark.parametrize("name", NAMES)
def test_a_face_far_outside_changes_nothing(face, name):
    photo, landmarks = face
    drawn = masked(photo, landmarks)
    away = landmarks + np.float32(5000)
    assert put_in_front(drawn, photo, away, np.random.default_rng(0), name) is drawn


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [9.0, 300.0])
def test_small_large_and_cut_off_faces(face_of_width, name, width):
    photo, landmarks = face_of_width(width)
    for shift in (0.0, -0.6, 0.8):
        moved = landmarks + np.float32(shift * width)
        drawn = Drawn(photo.copy(), np.zeros(photo.shape[:2], np.float32), "none")
        result = put_in_front(drawn, photo, moved, np.random.default_rng(1), name)
        assert result.photo.shape == photo.shape
        assert np.array_equal(result.photo, photo if result.bare is None else result.bare)


def test_two_things_are_both_named(face):
    photo, landmarks = face
    rng = np.random.default_rng(0)
    once = put_in_front(masked(photo, landmarks), photo, landmarks, rng, "glasses")
    twice = put_in_front(once, photo, landmarks, rng, "cup")
    assert twice.options["in_front"] == "glasses+cup"
    outside = twice.hole == 0
    assert (twice.photo[outside] == twice.bare[outside]).all()


def test_refuses_bad_input(face):
    photo, landmarks = face
    drawn, rng = masked(photo, landmarks), np.random.default_rng(0)
    with pytest.raises(UnknownNameError, match="cup"):
        put_in_front(drawn, photo, landmarks, rng, "cupp")
    with pytest.raises(ValueError, match="uint8"):
        put_in_front(drawn, photo.astype(float), landmarks, rng, "cup")
    with pytest.raises(ValueError, match="68"):
        put_in_front(drawn, photo, landmarks[:5], rng, "cup")
    with pytest.raises(ValueError, match="use the same one"):
        put_in_front(drawn, photo[:-4], landmarks, rng, "cup")


def test_lay_blends_and_shades():
    photo = np.full((4, 4, 3), 100, np.uint8)
    alpha = np.array([[1.0, 0.5], [0.0, 0.0]], np.float32)
    shade = np.array([[0.5, 0.0], [0.25, 0.0]], np.float32)
    picture = np.full((2, 2, 3), 200, np.float32)
    result = lay(Cover(picture, alpha, Window(1, 1, 3, 3), shade), photo)
    assert result[1:3, 1:3, 0].tolist() == [[200, 150], [75, 100]]
    assert (result[0] == 100).all()
    assert (photo == 100).all()


def test_stack_lays_the_last_in_front():
    window = Window(0, 0, 2, 1)
    ones, half = np.ones((1, 2), np.float32), np.array([[1.0, 0.5]], np.float32)
    behind = Cover(np.full((1, 2, 3), 40, np.float32), ones, window)
    before = Cover(np.full((1, 2, 3), 80, np.float32), half, window)
    both = stack([behind, None, before])
    np.testing.assert_allclose(both.picture[..., 0], [[80, 60]], atol=1e-4)
    np.testing.assert_allclose(both.alpha, 1)
    assert stack([None, before]) is before
    assert stack([None]) is None


def test_stack_equals_laying_one_by_one(face):
    photo, landmarks = face
    rng = np.random.default_rng(3)
    parts = [OCCLUDERS[name](photo, landmarks, rng) for name in ("cup", "fist")]
    one_by_one = lay(parts[1], lay(parts[0], photo)).astype(int)
    at_once = lay(stack(parts), photo).astype(int)
    assert np.abs(one_by_one - at_once).max() <= 2


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("up", [(0.0, -1.0), (1.0, 0.0), (-0.6, 0.8)])
def test_light_keeps_its_side_however_a_thing_is_turned(mirrored, up):
    photo = np.zeros((80, 80, 3), np.uint8)
    pose = Pose(np.array([40.0, 40.0]), np.array(up), 20.0, mirrored=mirrored)
    placed = place(ball(), pose, photo)
    made = cover(placed, np.full((3, 3), 150.0), light((-1.0, 0.0, 1.0)), 1.0)
    whole = lay(made, photo)[..., 0].astype(int)
    assert whole[40, 28] > whole[40, 52] + 40
    assert abs(whole[28, 40] - whole[52, 40]) <= 4
    rows, columns = np.nonzero(made.alpha > 0.5)
    centre = columns.mean() + made.window.x0, rows.mean() + made.window.y0
    np.testing.assert_allclose(centre, 40, atol=0.6)
    assert abs(np.ptp(columns) + 1 - 40) <= 1


def test_a_hand_has_the_skin_of_the_face():
    for skin in ((225.0, 180.0, 160.0), (90.0, 60.0, 45.0), (120.0, 120.0, 120.0)):
        colours = hand.palette(np.array(skin))
        np.testing.assert_array_equal(colours[0], skin)
        if np.ptp(skin) == 0:
            np.testing.assert_allclose(np.ptp(colours, axis=1), 0, atol=1e-9)


def test_fingers_have_the_proportions_of_a_hand():
    straight = bones.Shape(((0.0, 0.0, 0.0),) * 4, (0.0,) * 4, (30.0, 0.0, 0.0))
    ends = bones.tips(straight)
    assert ends[2, 1] == ends[:, 1].max()  # the middle finger is the longest
    assert 0.9 < ends[2, 1] < 1.0
    assert ends[0, 0] < ends[1, 0] < ends[2, 0] < ends[3, 0] < ends[4, 0]
    bent = bones.Shape(((60.0, 90.0, 50.0),) * 4, (0.0,) * 4, (30.0, 0.0, 0.0))
    assert (bones.tips(bent)[1:, 1] < ends[1:, 1] - 0.2).all()


def test_models_do_not_depend_on_what_was_drawn_before():
    _, first = hand.modelled("fist", 3)
    hand.modelled.cache_clear()
    hand.modelled("flat", 1)
    _, again = hand.modelled("fist", 3)
    assert np.array_equal(first.form[0], again.form[0])
    assert np.array_equal(first.paint[0], again.paint[0])


@pytest.mark.parametrize("name", ["flat", "fist", "grip"])
@pytest.mark.parametrize("degrees", [-90, -40, 0, 60])
def test_an_arm_runs_on_to_the_border_of_a_large_photo(name, degrees):
    photo = np.zeros((400, 400, 3), np.uint8)
    _, model = hand.modelled(name, 0)
    angle = np.deg2rad(degrees)
    up = np.array([np.sin(angle), -np.cos(angle)])
    form, _, window = place(model, Pose(np.array([200.0, 200.0]), up, 40.0), photo)
    covered = np.zeros(photo.shape[:2], np.float32)
    window.of(covered)[:] = form[..., 3]
    for far in (30, 80, 150, 190):
        x, y = np.rint(200 - up * far).astype(int)
        assert covered[y - 4 : y + 5, x - 4 : x + 5].max() > 0.99
        beside = 200 - up * far + np.array([-up[1], up[0]]) * 25
        assert covered[int(beside[1]), int(beside[0])] == 0
    tip = np.rint(200 + up * 60).astype(int)
    assert covered[tip[1], tip[0]] == 0


def test_what_ends_in_the_photo_is_known():
    photo = np.zeros((100, 80, 3), np.uint8)
    up = np.array([0.0, -1.0])
    assert ends_in(ball(), Pose(np.array([40.0, 60.0]), up, 30.0), photo)
    assert not ends_in(ball(), Pose(np.array([40.0, 80.0]), up, 30.0), photo)
    assert not ends_in(ball(), Pose(np.array([90.0, 60.0]), up, 30.0), photo)
