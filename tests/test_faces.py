import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from mask2face.faces import (
    EYE_DISTANCE,
    EYES_X,
    EYES_Y,
    SIDE_PER_HEIGHT,
    Face,
    align,
    alignment,
    cut,
    paste,
    transform,
)

FIVE = np.array([[202, 102], [245, 103], [225, 122], [208, 141], [240, 141]], np.float32)
BOX = (182.0, 70.0, 266.0, 184.0)


def face(landmarks=FIVE, box=BOX, score=0.9):
    return Face(box, np.asarray(landmarks, np.float32), score)


def smooth(height, width, seed=0):
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def checkerboard(side):
    rows, columns = np.indices((side, side))
    board = ((rows + columns) % 2 * 255).astype(np.uint8)
    return np.repeat(board[..., None], 3, axis=2)


class TestFace:
    @pytest.mark.parametrize(
        "box", [(5, 0, 5, 9), (0, 9, 9, 9), (9, 0, 0, 9), (0, 0, float("nan"), 9)]
    )
    def test_a_box_without_extent(self, box):
        with pytest.raises(ValueError, match="box must have"):
            face(box=box)

    @pytest.mark.parametrize("points", [np.zeros((4, 2)), np.full((5, 2), np.nan), np.zeros(10)])
    def test_points_that_are_none(self, points):
        with pytest.raises(ValueError, match="5 finite points"):
            face(points)

    @pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
    def test_a_score_outside_0_to_1(self, score):
        with pytest.raises(ValueError, match="score must lie"):
            face(score=score)


class TestAlign:
    def test_eyes_in_place_need_no_move(self):
        eyes = np.array([[128 - 34.56, 94.72], [128 + 34.56, 94.72]])
        assert np.allclose(align(eyes, 100, 256), [[1, 0, 0], [0, 1, 0]])

    @pytest.mark.parametrize("side", [64, 128, 200])
    def test_known_points(self, side):
        matrix = alignment(face(), side)
        left, right = transform(FIVE[:2], matrix)
        assert np.allclose((left + right) / 2, [EYES_X * side, EYES_Y * side], atol=1e-3)
        assert left[1] == pytest.approx(right[1], abs=1e-3)
        # this box asks for more than the eyes do: 1.15 x 114 px against 43.01 px / 0.27
        wanted = np.hypot(43, 1) / max(np.hypot(43, 1) / EYE_DISTANCE, SIDE_PER_HEIGHT * 114)
        assert right[0] - left[0] == pytest.approx(wanted * side, rel=1e-4)

    def test_the_box_takes_over_on_a_head_turned_away(self):
        eyes = np.array([[100.0, 100], [110, 100]])
        assert np.hypot(*align(eyes, 200, 128)[:, 0]) == pytest.approx(128 / 230)
        assert np.hypot(*align(eyes, 1, 128)[:, 0]) == pytest.approx(128 * 0.27 / 10)
        same = np.array([[100.0, 100], [100, 100]])
        assert np.allclose(align(same, 100, 115)[:, :2], np.eye(2))

    def test_nothing_to_go_by(self):
        with pytest.raises(ValueError, match="eyes coincide"):
            align(np.zeros((2, 2)), 0, 64)

    @given(
        turn=st.floats(-3, 3), scale=st.floats(0.2, 5), x=st.floats(-500, 500), y=st.floats(-99, 99)
    )
    @settings(deadline=None)
    def test_a_photo_moved_turned_and_scaled_gives_the_same_crop(self, turn, scale, x, y):
        a, b = scale * np.cos(turn), scale * np.sin(turn)
        move = np.array([[a, -b, x], [b, a, y]])
        points = np.array([[210.0, 95], [250, 99], [231, 140]])
        first = transform(points, align(points[:2], 90, 128))
        moved = points @ move[:, :2].T + move[:, 2]
        second = transform(moved, align(moved[:2], 90 * scale, 128))
        assert np.allclose(first, second, atol=0.02)

    @given(st.integers(0, 2**32 - 1))
    @settings(deadline=None)
    def test_it_is_a_similarity_without_a_mirror(self, seed):
        eyes = np.random.default_rng(seed).uniform(-300, 300, (2, 2))
        linear = align(eyes, 50, 96)[:, :2]
        scale = np.linalg.det(linear)
        assert scale > 0
        assert np.allclose(linear @ linear.T, scale * np.eye(2))


class TestCut:
    def test_the_identity_cuts_the_photo_itself(self):
        photo = smooth(64, 64)
        assert np.array_equal(cut(photo, np.array([[1.0, 0, 0], [0, 1, 0]]), 64), photo)

    def test_points_land_where_the_matrix_says(self):
        photo = np.zeros((400, 400, 3), np.uint8)
        cv2.circle(photo, (230, 180), 5, (255, 0, 0), -1)
        for side in (300, 128, 40):  # larger, smaller and much smaller than in the photo
            matrix = align(np.array([[180.0, 170], [260, 190]]), 100, side)
            crop = cut(photo, matrix, side)[..., 0].astype(float)
            rows, columns = np.indices(crop.shape)
            middle = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
            wanted = transform(np.array([[230.0, 180.0]]), matrix)[0]
            assert np.abs(middle - wanted).max() < 0.15

    @pytest.mark.parametrize("reduction", [1.8, 3.3, 8.1])
    @pytest.mark.parametrize("turn", [0.0, 0.3])
    def test_a_checkerboard_becomes_grey(self, reduction, turn):
        board = checkerboard(500)
        middle = np.array([250.0, 250])
        half = np.array([np.cos(turn), np.sin(turn)]) * 40 * reduction * EYE_DISTANCE / 2
        crop = cut(board, align(np.stack([middle - half, middle + half]), 1, 40), 40)
        inner = crop[4:-4, 4:-4].astype(float)
        assert abs(inner.mean() - 127.5) < 3
        assert inner.std() < 25, "aliasing"
        plain = board[:: round(reduction) * 2, :: round(reduction) * 2]
        assert plain.std() == 0
        assert abs(plain.mean() - 127.5) > 100, "taking every nth pixel would not be grey"

    def test_past_the_edge_the_last_pixels_go_on(self):
        photo = smooth(60, 80)
        shift = np.array([[1.0, 0, 10], [0, 1, 0]])
        crop = cut(photo, shift, 60)
        assert np.array_equal(crop[:, 10:], photo[:, :50])
        assert np.array_equal(crop[:, :10], np.repeat(photo[:, :1], 10, axis=1))

    @pytest.mark.parametrize("scale", [0.1, 0.45, 1.0, 3.0])
    def test_reduced_past_the_edge_it_looks_as_if_padded_before(self, scale):
        photo = smooth(160, 160)
        padded = cv2.copyMakeBorder(photo, 80, 80, 80, 80, cv2.BORDER_REPLICATE)
        matrix = np.array([[scale, 0, 20 * scale], [0, scale, 15 * scale]])
        moved = matrix.copy()
        moved[:, 2] -= 80 * scale
        side = max(8, round(170 * scale))
        ours, theirs = cut(photo, matrix, side), cut(padded, moved, side)
        difference = np.abs(ours.astype(int) - theirs.astype(int))
        assert difference.mean() < 2
        assert difference.mean((0, 2)).max() < 10

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=40, deadline=None)
    def test_any_face_in_or_beside_any_photo_gives_a_crop(self, seed):
        rng = np.random.default_rng(seed)
        height, width = rng.integers(1, 120, 2)
        photo = rng.integers(0, 256, (height, width, 3), np.uint8)
        eyes = rng.uniform(-200, 300, (2, 2))
        crop = cut(photo, align(eyes, float(rng.uniform(1, 300)), 32), 32)
        assert crop.shape == (32, 32, 3)
        assert crop.dtype == np.uint8


def disc(side, radius=0.3):
    rows, columns = (np.indices((side, side)) + 0.5) / side - 0.5
    far = np.hypot(rows, columns)
    return np.clip((radius - far) * side / 6 + 0.5, 0, 1).astype(np.float32)


class TestPaste:
    @pytest.mark.parametrize("side", [64, 128, 256])
    def test_what_was_cut_is_pasted_back_in_place(self, side):
        photo = data.astronaut()
        matrix = alignment(face(), side)
        back, hole = paste(photo, cut(photo, matrix, side), disc(side), matrix)
        assert hole.shape == (512, 512)
        assert hole.max() == pytest.approx(1, abs=0.01)
        difference = np.abs(back.astype(int) - photo)[hole > 0.99]
        assert difference.mean() < (9 if side == 64 else 3)
        # a paste that is a pixel off is worse
        off = matrix.copy()
        off[:, 2] += side / 150  # about 1 px of the photo
        moved, _ = paste(photo, cut(photo, matrix, side), disc(side), off)
        assert np.abs(moved.astype(int) - photo)[hole > 0.99].mean() > difference.mean() * 1.1

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=60, deadline=None)
    def test_outside_the_hole_not_a_bit_changes(self, seed):
        rng = np.random.default_rng(seed)
        height, width = rng.integers(1, 160, 2)
        photo = rng.integers(0, 256, (height, width, 3), np.uint8)
        before = photo.copy()
        side = int(rng.choice([16, 32, 64]))
        crop = rng.integers(0, 256, (side, side, 3), np.uint8)
        hole = np.clip(rng.normal(0, 1, (side, side)), 0, 1).astype(np.float32)
        eyes = rng.uniform(-40, 200, (2, 2))
        result, full = paste(photo, crop, hole, align(eyes, float(rng.uniform(1, 150)), side))
        assert np.array_equal(photo, before), "the photo itself is left alone"
        assert result.shape == photo.shape
        assert full.shape == (height, width)
        assert full.dtype == np.float32
        assert 0 <= full.min() <= full.max() <= 1
        assert np.array_equal(result[full == 0], photo[full == 0])

    def test_no_hole_no_change(self):
        photo = data.astronaut()
        crop = np.full((64, 64, 3), 255, np.uint8)
        result, hole = paste(photo, crop, np.zeros((64, 64), np.float32), alignment(face(), 64))
        assert np.array_equal(result, photo)
        assert not hole.any()
        assert result is not photo

    def test_a_full_hole_replaces_and_half_a_hole_blends(self):
        photo = np.full((100, 100, 3), 40, np.uint8)
        crop = np.full((50, 50, 3), 200, np.uint8)
        matrix = np.array([[1.0, 0, -20], [0, 1, -30]])
        for weight, value in ((1.0, 200), (0.5, 120), (0.25, 80), (1 / 600, 40)):
            result, hole = paste(photo, crop, np.full((50, 50), weight, np.float32), matrix)
            assert (result[32:78, 22:68] == value).all()
            assert hole[50, 50] == (pytest.approx(weight) if value != 40 else 0)
        assert (result[:29] == 40).all()

    @pytest.mark.parametrize("corner", [(0, 0), (60, 0), (0, 60), (60, 60)])
    def test_a_face_at_the_border_of_the_photo(self, corner):
        photo = np.full((80, 80, 3), 30, np.uint8)
        eyes = np.array([[5.0, 8], [17, 8]]) + corner
        matrix = align(eyes, 40, 64)
        crop = np.full((64, 64, 3), 220, np.uint8)
        result, hole = paste(photo, crop, np.ones((64, 64), np.float32), matrix)
        assert result.shape == photo.shape
        middle = tuple(np.clip(np.add(corner, (11, 12)), 0, 79))
        assert (result[middle[1], middle[0]] == 220).all()
        assert np.array_equal(result[hole == 0], photo[hole == 0])

    def test_a_face_outside_the_photo_changes_nothing(self):
        photo = smooth(50, 50)
        matrix = align(np.array([[500.0, 500], [520, 500]]), 50, 32)
        result, hole = paste(
            photo, np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), np.float32), matrix
        )
        assert np.array_equal(result, photo)
        assert not hole.any()

    @pytest.mark.parametrize("zoom", [2.3, 4.7, 9.0])
    def test_a_small_face_gets_a_crop_without_aliasing(self, zoom):
        side = 128
        photo = np.full((100, 100, 3), 50, np.uint8)
        matrix = np.array([[zoom, 0, -20 * zoom], [0, zoom, -20 * zoom]])
        result, hole = paste(photo, checkerboard(side), np.ones((side, side), np.float32), matrix)
        inner = result[hole > 0.999].astype(float)
        assert len(inner) > 20
        assert abs(inner.mean() - 127.5) < 4
        assert inner.std() < 25

    @pytest.mark.parametrize("zoom", [2.0, 5.0])
    def test_a_small_face_stays_in_place(self, zoom):
        side = 120
        photo = np.zeros((100, 100, 3), np.uint8)
        crop = np.zeros((side, side, 3), np.uint8)
        cv2.circle(crop, (70, 40), 12, (255, 255, 255), -1)
        matrix = np.array([[zoom, 0, -10 * zoom], [0, zoom, -30 * zoom]])
        result, _ = paste(photo, crop, np.ones((side, side), np.float32), matrix)
        bright = result[..., 0].astype(float)
        rows, columns = np.indices(bright.shape)
        middle = np.array([(bright * columns).sum(), (bright * rows).sum()]) / bright.sum()
        assert np.abs(middle - [70 / zoom + 10, 40 / zoom + 30]).max() < 0.2


def test_area_of_a_face():
    assert Face((10.0, 20.0, 40.0, 25.0), np.zeros((5, 2), np.float32)).area == 150
