import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.facemasks.head import HEAD, lift
from mask2face.landmarks import MIRRORED

ORDER = list(MIRRORED)
seeds = st.integers(0, 2**32 - 1)
yaws, pitches, rolls = st.floats(-60, 60), st.floats(-25, 25), st.floats(-180, 180)


def turned(yaw, pitch=0.0, roll=0.0):
    y, p, r = np.radians([yaw, pitch, roll])
    nod = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    lean = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return lean @ turn @ nod


def seen(yaw, pitch=0.0, roll=0.0, unit=100.0, shape=HEAD, noise=0.0, seed=0):
    """A head in this pose as landmarks, and the pose's rotation."""
    rotation = turned(yaw, pitch, roll)
    points = unit * (shape @ rotation.T)[:, :2] + (150, 120)
    return points + unit * np.random.default_rng(seed).normal(0, noise, (68, 2)), rotation


def slid(points, rotation, yaw, unit=100.0):
    """Slide the far jaw outwards as a detector does."""
    far = slice(9, 17) if yaw > 0 else slice(0, 8)
    moved = points.copy()
    moved[far] += np.sign(yaw) * 0.2 * unit * rotation[:2, 0]
    return moved


def person(seed, sd=0.03):
    """A symmetric head unlike the generic one."""
    moved = np.random.default_rng(seed).normal(0, sd, (68, 3))
    return HEAD + (moved + (moved * (-1, 1, 1))[ORDER]) / 2


class TestHead:
    def test_symmetric(self):
        np.testing.assert_array_equal((HEAD * (-1, 1, 1))[ORDER], HEAD)

    def test_unit_and_origin(self):
        assert np.hypot(*(HEAD[16] - HEAD[0])[:2]) == pytest.approx(1.0)
        np.testing.assert_allclose(HEAD[[36, 45]].mean(axis=0), 0, atol=1e-9)

    def test_read_only(self):
        with pytest.raises(ValueError, match="read-only"):
            HEAD[0] = 0

    def test_anatomy(self):
        depth = HEAD[:, 2]
        assert 0.2 < depth[30] < 0.35  # the nose's tip before the eyes
        assert depth[30] == depth.max()
        assert 0.45 < depth[27] - depth[:3].mean() < 0.75  # the ears behind the nose's bridge
        assert abs(depth[8] - depth[57]) < 0.15  # the chin about level with the lips
        assert (np.diff(depth[2:9]) > 0).all()  # the jaw comes forward
        assert (np.diff(depth[27:31]) > 0).all()  # so does the nose


class TestPose:
    @given(yaws, pitches, rolls, st.floats(20, 2000))
    def test_known_pose(self, yaw, pitch, roll, unit):
        points, rotation = seen(yaw, pitch, roll, unit)
        head = lift(points)
        np.testing.assert_allclose(head.rotation, rotation, atol=0.01)
        assert (head.yaw, head.pitch) == pytest.approx((yaw, pitch), abs=0.5)
        assert (head.roll - roll + 180) % 360 == pytest.approx(180, abs=0.5)
        assert head.unit == pytest.approx(unit, rel=0.01)
        np.testing.assert_allclose(head.origin, (150, 120, 0), atol=0.01 * unit)
        np.testing.assert_allclose(
            head.points - head.origin, unit * HEAD @ rotation.T, atol=unit / 50
        )

    @pytest.mark.parametrize("yaw", [-60, -30, 0, 30, 60])
    def test_noisy_landmarks(self, yaw):
        found = [lift(seen(yaw, noise=0.02, seed=seed)[0]).yaw for seed in range(40)]
        assert np.mean(found) == pytest.approx(yaw, abs=1)
        assert np.std(found) < 2

    @pytest.mark.parametrize("yaw", [-60, -40, -20, 20, 40, 60])
    def test_far_jaw_that_slid_away_hardly_matters(self, yaw):
        points, rotation = seen(yaw)
        assert lift(slid(points, rotation, yaw)).yaw == pytest.approx(yaw, abs=1)

    def test_open_mouth_hardly_matters(self):
        points = seen(20)[0]
        points[48:] += (0, 10)
        points[5:12] += (0, 10)
        head = lift(points)
        assert (head.yaw, head.pitch) == pytest.approx((20, 0), abs=3)

    def test_signs(self):
        points = 100 * HEAD[:, :2]
        nose = points.copy()
        nose[27:36, 0] += 5
        assert lift(nose).yaw > 2
        nose = points.copy()
        nose[27:36, 1] += 5
        assert lift(nose).pitch > 1
        clockwise = points @ np.array([[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]])
        assert lift(clockwise).roll == pytest.approx(np.degrees(0.2))

    def test_columns_are_right_down_out(self):
        rotation = lift(100 * HEAD[:, :2]).rotation
        np.testing.assert_allclose(rotation, np.eye(3), atol=1e-6)
        assert lift(seen(40)[0]).rotation[0, 2] > 0.5  # the nose points to image right

    def test_real_face(self, face):
        head = lift(face[1])
        assert abs(head.yaw) < 15
        assert abs(head.pitch) < 15
        assert abs(head.roll) < 5
        assert head.unit == pytest.approx(90, rel=0.1)
        off = (head.place(HEAD)[:, :2] - face[1])[17:48] / head.unit
        assert np.sqrt((off**2).sum(axis=1).mean()) < 0.04


class TestEquivariance:
    @given(seeds, yaws, st.floats(-1e4, 1e4), st.floats(0.01, 100), rolls)
    def test_similarity(self, seed, yaw, shift, scale, roll):
        points = seen(yaw, 5, 3, noise=0.02, seed=seed)[0]
        lean = turned(0, 0, roll)
        head, other = lift(points), lift(scale * points @ lean[:2, :2].T + (shift, -shift / 2))
        np.testing.assert_allclose(other.rotation, lean @ head.rotation, atol=1e-6)
        moved = scale * head.points @ lean.T + (shift, -shift / 2, 0)
        np.testing.assert_allclose(other.points, moved, atol=1e-4 * max(scale, 1))
        assert (other.yaw, other.pitch) == pytest.approx((head.yaw, head.pitch), abs=1e-4)
        assert other.unit == pytest.approx(scale * head.unit)

    @given(seeds, yaws, rolls)
    def test_mirror(self, seed, yaw, roll):
        points = seen(yaw, 5, roll, noise=0.02, seed=seed)[0]
        head, other = lift(points), lift((points * (-1, 1))[ORDER])
        np.testing.assert_allclose(other.points, (head.points * (-1, 1, 1))[ORDER], atol=1e-5)
        flip = np.diag([-1, 1, 1])
        np.testing.assert_allclose(other.rotation, flip @ head.rotation @ flip, atol=1e-6)
        assert (other.yaw, other.pitch) == pytest.approx((-head.yaw, head.pitch), abs=1e-5)


class TestShape:
    @given(seeds, yaws)
    def test_all_but_the_far_jaw_lies_on_the_landmarks(self, seed, yaw):
        points = seen(yaw, noise=0.02, seed=seed)[0]
        head = lift(points)
        near = [*range(8, 68)] if head.yaw < 0 else [*range(9), *range(17, 68)]
        np.testing.assert_allclose(head.points[17:, :2], points[17:])
        assert np.abs(head.points[near, :2] - points[near]).max() < 2  # of 100 px

    @given(seeds)
    def test_frontal_jaw_lies_on_the_landmarks(self, seed):
        points = seen(0, noise=0.02, seed=seed)[0]
        assert np.abs(lift(points).points[:, :2] - points).max() < 1

    @pytest.mark.parametrize("yaw", [-60, -45, -30, 30, 45, 60])
    def test_far_jaw_does_not_follow_the_outline(self, yaw):
        points, rotation = seen(yaw)
        found = lift(slid(points, rotation, yaw)).points[:, :2]
        np.testing.assert_allclose(found, points, atol=3)  # of 100 px; it slid by 20

    @pytest.mark.parametrize("yaw", [-25, 25])
    def test_far_jaw_mirrors_the_near_one(self, yaw):
        shape = HEAD + np.outer([0.06] * 8 + [0] + [0.06] * 8 + [0] * 51, (0, 1, 0))  # a long jaw
        points, rotation = seen(yaw, shape=shape)
        head = lift(slid(points, rotation, yaw))
        far = slice(9, 17) if yaw > 0 else slice(0, 8)
        off = np.abs(head.points[far, 1] - points[far, 1]).mean()
        assert off < 0.5 * np.abs(head.place(HEAD)[far, 1] - points[far, 1]).mean()

    @pytest.mark.parametrize("yaw", [-45, -25, -15, 15, 25, 45])
    def test_broad_jaw_is_not_taken_for_a_turn(self, yaw):
        shape = HEAD.copy()
        shape[:17, 0] *= 1.08
        points, rotation = seen(yaw, shape=shape)
        assert lift(slid(points, rotation, yaw)).yaw == pytest.approx(yaw, abs=2)

    @given(seeds, yaws, pitches, rolls)
    def test_jaw_keeps_its_order(self, seed, yaw, pitch, roll):
        shape = person(seed, 0.02)
        head = lift(seen(yaw, pitch, roll, shape=shape, noise=0.01, seed=seed)[0])
        own = (head.points - head.origin) @ head.rotation / head.unit
        angles = np.degrees(np.arctan2(own[:17, 0], own[:17, 1] - 0.2))
        assert (np.diff(angles) > 0).all()

    def test_no_jump_while_the_head_turns(self):
        shape = person(3)
        last = None
        for yaw in np.arange(-60, 60.1, 0.5):
            points, rotation = seen(yaw, 5, shape=shape)
            if abs(yaw) > 4:
                points = points + (slid(points, rotation, yaw) - points) * min(1, abs(yaw) / 40)
            found = lift(points).points
            assert last is None or np.abs(found - last).max() < 3  # of 100 px
            last = found


class TestBadInput:
    @given(seeds)
    @settings(max_examples=200)
    def test_finite_for_any_points(self, seed):
        rng = np.random.default_rng(seed)
        points = rng.normal(0, 50, (68, 2)) * rng.choice([0, 1e-3, 1], 2, p=[0.1, 0.2, 0.7])
        points[0] += 1
        head = lift(points)
        assert all(np.isfinite(part).all() for part in (head.points, head.rotation, head.origin))
        assert np.isfinite([head.unit, head.yaw, head.pitch, head.roll]).all()
        assert head.unit > 0
        np.testing.assert_allclose(head.rotation @ head.rotation.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(head.rotation) == pytest.approx(1)

    @pytest.mark.parametrize("shape", [(67, 2), (68, 3), (136,), (1, 68, 2)])
    def test_wrong_shape(self, shape):
        with pytest.raises(ValueError, match=r"\(68, 2\)"):
            lift(np.zeros(shape))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_not_finite(self, value):
        points = seen(0)[0]
        points[5, 1] = value
        with pytest.raises(ValueError, match="finite"):
            lift(points)

    def test_all_at_one_place(self):
        with pytest.raises(ValueError, match="one place"):
            lift(np.full((68, 2), 7.0))

    def test_takes_float32_and_leaves_it(self):
        points = seen(10)[0].astype(np.float32)
        before = points.copy()
        assert lift(points).points.dtype == np.float64
        np.testing.assert_array_equal(points, before)
