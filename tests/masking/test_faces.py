"""Drawing window by window: the same pixels as on the whole photo, without a copy of it a face."""

import numpy as np
import pytest
from skimage import data

from mask2face import mean_face
from mask2face.facemasks import FACEMASKS, Drawn
from mask2face.facemasks.compositing import Window
from mask2face.faces import Face
from mask2face.masking.choice import Choice, Drawer, drawer
from mask2face.masking.faces import Located, draw_on
from mask2face.masking.wardrobe import Own

FIVE = [(36, 42), (42, 48), (30, 31), (48, 49), (54, 55)]  # of 68, for a detector's face


def located(points, index=0):
    five = np.array([points[a:b].mean(0) for a, b in FIVE], np.float32)
    low, high = points.min(0), points.max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Located(index, Face(box, five, 0.9), points)


@pytest.fixture(scope="module")
def face():
    """The astronaut, 220 x 220 px, and her 68 landmarks."""
    five = np.array([(203.3, 102), (246.8, 103.5), (225, 127), (201, 139), (246, 141)], np.float32)
    shifted = Face((60.0, 10.0, 160.0, 150.0), five - np.float32((115, 30)))
    return np.ascontiguousarray(data.astronaut()[30:250, 115:335]), mean_face.guess(shifted)


@pytest.fixture
def crowd(face):
    """A photo of 900 x 1200 with three faces of 90 px, and the faces.

    White all around: the highlights are the same in every window.
    """
    portrait, points = face
    side = portrait.shape[0]
    photo = np.full((900, 1200, 3), 255, np.uint8)
    places = [(20, 30), (520, 320), (1200 - side - 10, 900 - side - 10)]
    for x, y in places:
        photo[y : y + side, x : x + side] = portrait
    return photo, [located(points + np.float32(place), n) for n, place in enumerate(places)]


def on_the_whole_photo(monkeypatch):
    def whole(photo, _one):
        yield Window(0, 0, photo.shape[1], photo.shape[0])

    monkeypatch.setattr("mask2face.masking.faces._windows", whole)


@pytest.mark.parametrize(
    ("style", "in_front"),
    [(name, None) for name in FACEMASKS if name != "bare"]
    + [("surgical", name) for name in ("hand", "cup", "glasses", "microphone")],
)
def test_windows_give_the_pixels_of_the_whole_photo(crowd, style, in_front, monkeypatch):
    photo, faces = crowd
    plain = {"pattern": "plain"} if "pattern" in Own().takes(style) else {}  # "collage" may differ
    drawing = drawer(style, in_front=in_front, **plain)
    cut = draw_on(photo, faces, drawing, 7)
    on_the_whole_photo(monkeypatch)
    whole = draw_on(photo, faces, drawing, 7)
    assert len(cut.faces) == 3
    off = np.abs(cut.photo.astype(int) - whole.photo.astype(int)).max(2)
    assert (off > 0).mean() < 1e-4, "coordinates are rounded differently, 1/16 px at most"
    assert (np.abs(cut.hole - whole.hole) > 0.02).mean() < 1e-4
    assert [one.options for one in cut.faces] == [one.options for one in whole.faces]


def test_what_leaves_its_window_is_drawn_on_a_larger_one(crowd):
    photo, faces = crowd
    seen = []

    class Wide(Own):
        def draw(self, name, part, landmarks, rng, **options):
            seen.append(part.shape)
            out, hole = part.copy(), np.zeros(part.shape[:2], np.float32)
            x, y = landmarks[30].astype(int)
            out[y : y + 5, max(x - 400, 0) : x + 400] = 255
            hole[y : y + 5, max(x - 400, 0) : x + 400] = 1
            return Drawn(out, hole, name, options)

    drawn = draw_on(photo, faces[1:2], Drawer(Wide(), (Choice("cloth", {}),)), 0)
    assert len(seen) > 1
    assert drawn.hole.sum() == 5 * 800
    assert seen[0][0] * seen[0][1] < seen[-1][0] * seen[-1][1]


def test_a_face_is_drawn_the_same_whatever_happens_to_the_others(crowd):
    photo, faces = crowd
    every = draw_on(photo, faces, drawer(), 3)
    for one, drawn in zip(faces, every.faces, strict=True):
        alone = draw_on(photo, [one], drawer(), 3)
        assert alone.faces[0].options == drawn.options
        near = alone.hole > 0
        np.testing.assert_array_equal(alone.photo[near], every.photo[near])
    backwards = draw_on(photo, faces[::-1], drawer(), 3)
    np.testing.assert_array_equal(backwards.photo, every.photo)
    assert [one.box for one in backwards.faces] == [one.box for one in every.faces]


def test_the_input_stays_and_so_does_what_is_outside_the_hole(crowd):
    photo, faces = crowd
    before = photo.copy()
    drawn = draw_on(photo, faces, drawer("surgical"), 0)
    np.testing.assert_array_equal(photo, before)
    np.testing.assert_array_equal(drawn.photo[drawn.hole == 0], photo[drawn.hole == 0])


def test_something_in_front_is_seen_and_not_in_the_hole(crowd):
    photo, faces = crowd
    plain = draw_on(photo, faces, drawer("surgical"), 2)
    held = draw_on(photo, faces, drawer("surgical", in_front="cup"), 2)
    assert {face.options.get("in_front") for face in held.faces} == {"cup"}
    assert held.hole.sum() < plain.hole.sum(), "the cup stays"
    assert (held.hole <= plain.hole + 1e-6).all()
    same = held.hole > 0.999
    kept = (held.photo[same] == plain.photo[same]).mean()
    assert kept > 0.6, "the face mask is the same, but for the cup's shadow on it"


def test_any_hand(crowd):
    photo, faces = crowd
    names = {
        face.options["in_front"]
        for seed in range(4)
        for face in draw_on(photo, faces, drawer("n95", in_front="hand"), seed).faces
    }
    assert names == {"hand_at_rim", "hand_over_mouth"}


@pytest.mark.parametrize("shift", [(0, 5000), (-5000, 0)])
def test_a_face_outside_the_photo_is_counted_as_undrawn(crowd, shift):
    photo, faces = crowd
    away = located(faces[0].landmarks + np.float32(shift), 3)
    drawn = draw_on(photo, [*faces, away], drawer("surgical"), 0)
    assert len(drawn.faces) == 3
    assert drawn.undrawn == (away.face.box,)


def test_bare_is_drawn_though_it_covers_nothing(crowd):
    photo, faces = crowd
    drawn = draw_on(photo, faces, drawer("bare"), 0)
    assert [face.style for face in drawn.faces] == ["bare"] * 3
    assert drawn.undrawn == ()


def test_a_large_photo_is_not_copied_for_each_face(face):
    portrait, points = face
    photo = np.tile(portrait, (5, 7, 1))
    shapes = []

    class Noting(Own):
        def draw(self, name, part, landmarks, rng, **options):
            shapes.append(part.shape)
            return super().draw(name, part, landmarks, rng, **options)

    side = portrait.shape[0]
    places = [(side * x, side * 2) for x in range(1, 6)]
    faces = [located(points + np.float32(place), n) for n, place in enumerate(places)]
    drawn = draw_on(photo, faces, Drawer(Noting(), (Choice("surgical", {}),)), 0)
    assert len(drawn.faces) == 5
    assert len(shapes) == 5, "no face mask of this kind leaves the first window"
    assert max(height * width for height, width, _ in shapes) < photo[..., 0].size / 6


def test_the_light_of_a_window_is_near_that_of_the_whole_photo(crowd, monkeypatch):
    photo, faces = crowd
    photo[:450] = 40  # half of it dark: highlights differ from window to window
    cut = draw_on(photo, faces, drawer("surgical"), 7)
    on_the_whole_photo(monkeypatch)
    whole = draw_on(photo, faces, drawer("surgical"), 7)
    # where the light differs, so do the reach of the shadow and the softness of the rim
    assert (np.abs(cut.hole - whole.hole) > 0.02).mean() < 0.002
    covered = cut.hole > 0.5
    off = np.abs(cut.photo[covered].astype(int) - whole.photo[covered].astype(int))
    assert off.mean() < 25
