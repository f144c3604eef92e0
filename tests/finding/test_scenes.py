import numpy as np
import pytest

from mask2face.finding.backgrounds import Backgrounds
from mask2face.finding.scenes import Scenes, _joined, _moved, _parts, _placed


@pytest.fixture(scope="module")
def scenes(lesson_folder):
    return Scenes(lesson_folder, "train", Backgrounds(lesson_folder), 128)


def test_a_scene_and_its_faces(scenes):
    counts = []
    for seed in range(12):
        scene = scenes.scene(np.random.default_rng(seed))
        assert scene.picture.shape == (128, 128, 3)
        assert scene.picture.dtype == np.uint8
        truth = scene.truth
        count = len(truth.boxes)
        counts.append(count)
        assert truth.points.shape == (count, 5, 2)
        assert truth.masked.shape == truth.sure.shape == (count,)
        assert (truth.boxes[:, :2] < truth.boxes[:, 2:]).all()
        eyes = truth.points[truth.sure][:, :2].mean(1)
        assert ((eyes > 0) & (eyes < 128)).all()
    assert max(counts) > 1
    assert sum(counts) > 8


def test_the_same_seed_gives_the_same_scene(scenes):
    first, again, other = (scenes.scene(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.truth.points, again.truth.points)
    assert not np.array_equal(first.picture, other.picture)


def test_the_parts_cover_the_scene_once():
    for seed in range(20):
        seen = np.zeros((256, 256), int)
        for x, y, size in _parts(256, np.random.default_rng(seed)):
            seen[y : y + size, x : x + size] += 1
        assert (seen == 1).all()


def test_points_follow_the_pixels(lesson_folder):
    """The eyes of the moved face lie where the warped photo shows them."""
    import cv2

    lesson = lesson_folder.lessons[0]
    photo = lesson_folder.picture(lesson, masked=False)
    marked = np.zeros_like(photo)
    for channel, (x, y) in enumerate(lesson.faces[0].points[:3]):
        cv2.circle(marked[:, :, channel : channel + 1].copy(), (0, 0), 1, 255)
        marked[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3, channel] = 255
    mirrored = set()
    for seed in range(12):
        matrix = _placed(lesson.faces[0], 256, np.random.default_rng(seed))
        mirrored.add(np.linalg.det(matrix[:, :2]) < 0)
        truth = _moved(lesson, matrix, 256, True)
        if not len(truth.boxes) or not truth.sure[0]:
            continue
        warped = cv2.warpAffine(marked, matrix, (256, 256)).astype(float)
        flipped = np.linalg.det(matrix[:, :2]) < 0
        for channel, point in ((0, 1 if flipped else 0), (1, 0 if flipped else 1), (2, 2)):
            layer = warped[:, :, channel]
            if layer.sum() < 1e4:
                continue  # outside the leaf
            y, x = (float((layer * grid).sum() / layer.sum()) for grid in np.mgrid[:256, :256])
            assert np.hypot(*(truth.points[0, point] - (x, y))) < 2.5
    assert mirrored == {True, False}


def test_a_turned_head_keeps_its_size(lesson_folder):
    lesson = lesson_folder.lessons[0]
    x0, y0, x1, y1 = lesson.faces[0].box
    quarter = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 250.0]])
    truth = _moved(lesson, quarter, 250, True)
    width, height = truth.boxes[0, 2:] - truth.boxes[0, :2]
    assert (width, height) == pytest.approx((y1 - y0, x1 - x0))


def test_a_face_cut_in_half_is_neither_taught_nor_denied(lesson_folder):
    lesson = lesson_folder.lessons[0]
    x0, _, x1, _ = lesson.faces[0].box
    half = np.array([[1.0, 0.0, -(x0 + x1) / 2], [0.0, 1.0, 0.0]])
    truth = _moved(lesson, half, 250, True)
    assert truth.sure.tolist() == [False]
    assert truth.boxes[0, 0] == 0
    gone = np.array([[1.0, 0.0, -x1 - 5], [0.0, 1.0, 0.0]])
    assert len(_moved(lesson, gone, 250, True).boxes) == 0


def test_a_bare_photo_shows_no_face_mask(lesson_folder):
    identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    for shown in (True, False):
        assert _moved(lesson_folder.lessons[0], identity, 250, shown).masked.tolist() == [shown]


def test_no_parts_are_no_faces():
    empty = _joined([])
    assert empty.boxes.shape == (0, 4)
    assert empty.points.shape == (0, 5, 2)
