import numpy as np
import pytest

from mask2face.facemasks.garment import Cloth
from mask2face.facemasks.valve import add_lettering, add_valve, spot_at

OWN = np.array([0.9, 0.9, 0.88])


def cloth_of(unit=150, turned=0.0):
    height, width = round(0.8 * unit), round(1.2 * unit)
    y, x = np.mgrid[-0.4 : 0.4 : height * 1j, -0.6 : 0.6 : width * 1j]
    across = x * np.cos(turned) + y * np.sin(turned)
    down = y * np.cos(turned) - x * np.sin(turned)
    u, v = across / 0.55, down / 0.7 + 0.5
    edge = np.minimum(0.55 - np.abs(across), 0.35 - np.abs(down)).clip(0, None)
    layers = (layer.astype(np.float32) for layer in (u, v, edge))
    return Cloth(*layers, float(unit), 0.7)


def plain(cloth):
    return np.full((*cloth.u.shape, 3), OWN, np.float32)


@pytest.mark.parametrize("add", [add_valve, add_lettering])
def test_parts_change_a_small_share_of_the_cloth(add):
    cloth = cloth_of()
    shares = []
    for seed in range(40):
        before = plain(cloth)
        after = add(cloth, np.random.default_rng(seed), before, OWN)
        np.testing.assert_array_equal(before, plain(cloth))
        assert after.shape == before.shape
        assert after.dtype == np.float32
        assert -0.01 <= after.min() <= after.max() < 1.3
        shares.append((np.abs(after - before).max(axis=2) > 0.02).mean())
    assert 0.003 < np.median(shares) < 0.15
    assert max(shares) < 0.35


@pytest.mark.parametrize("add", [add_valve, add_lettering])
def test_same_state_same_part(add):
    cloth = cloth_of(80)
    first, second = (add(cloth, np.random.default_rng(3), plain(cloth), OWN) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("turned", [0.0, 0.5, -0.8])
def test_a_spot_is_measured_along_the_cloth(turned):
    cloth = cloth_of(150, turned)
    spot = spot_at(cloth, 0.3, 0.6)
    assert spot is not None
    inside = cloth.edge > 0
    np.testing.assert_allclose(spot.x[inside], (cloth.u[inside] - 0.3) * 0.55, atol=2e-3)
    np.testing.assert_allclose(spot.y[inside], (cloth.v[inside] - 0.6) * 0.7, atol=2e-3)
    assert spot.pixel == pytest.approx(1 / 150, rel=0.02)


def test_what_the_camera_cannot_see_bears_nothing():
    cloth = cloth_of()
    part = np.s_[:, : cloth.u.shape[1] // 3]
    side = Cloth(cloth.u[part], cloth.v[part], cloth.edge[part], cloth.unit, cloth.tall)
    assert spot_at(side, 0.5, 0.5) is None
    assert spot_at(side, -0.5, 0.5) is not None


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 1)])
@pytest.mark.parametrize("add", [add_valve, add_lettering])
def test_scraps_of_cloth_are_no_error(add, size):
    rng = np.random.default_rng(0)
    u, v, edge = (rng.random(size, dtype=np.float32) for _ in range(3))
    cloth = Cloth(u, v, edge, 30.0, 0.7)
    for seed in range(10):
        after = add(cloth, np.random.default_rng(seed), plain(cloth), OWN)
        assert np.isfinite(after).all()


def test_no_cloth_at_all_is_no_error():
    cloth = cloth_of(60)
    empty = Cloth(cloth.u, cloth.v, np.zeros_like(cloth.edge), cloth.unit, cloth.tall)
    after = add_valve(empty, np.random.default_rng(0), plain(empty), OWN)
    np.testing.assert_array_equal(after, plain(empty))
