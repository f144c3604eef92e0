import cv2
import numpy as np
import pytest

from mask2face.facemasks import fabric, prints
from mask2face.facemasks.garment import Cloth

GROUND = np.array([0.2, 0.4, 0.7])
UNPRINTED = ("plain", "skin", "collage")  # without a photo a collage has nothing to show


@pytest.fixture
def cloth():
    v, u = np.mgrid[0:1:60j, -1:1:90j].astype(np.float32)
    edge = np.minimum(np.minimum(v, 1 - v), 1 - np.abs(u))
    return Cloth(u, v, edge, 80.0, 0.7)


def photo():
    return np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", fabric.PRINTS)
def test_a_tile_is_printed_and_repeatable(name):
    tiles = [
        prints.print_tile(name, GROUND, np.random.default_rng(seed), photo()) for seed in range(8)
    ]
    again = prints.print_tile(name, GROUND, np.random.default_rng(3), photo())
    np.testing.assert_array_equal(tiles[3], again)
    for tile in tiles:
        assert tile.shape == (prints.TILE, prints.TILE, 3)
        assert tile.dtype == np.float32
        assert tile.min() >= 0
        assert tile.max() <= 1
    off = [np.abs(tile - GROUND).max() for tile in tiles]
    if name == "plain":
        assert max(off) < 1 / 255
    else:
        assert min(off) > (0.005 if name == "skin" else 0.08)
        assert not np.array_equal(tiles[0], tiles[1])


@pytest.mark.parametrize("name", fabric.PRINTS)
def test_the_same_print_at_every_size(name):
    small, large = (
        prints.print_tile(name, GROUND, np.random.default_rng(5), photo(), side=side)
        for side in (48, 192)
    )
    assert small.shape == (48, 48, 3)
    assert large.shape == (192, 192, 3)
    shrunk = cv2.resize(large, (12, 12), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(small, (12, 12), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - coarse).mean() < 0.06


@pytest.mark.parametrize("name", ["dots", "florals", "tartan", "camouflage", "hearts", "batik"])
def test_tiles_repeat_without_a_seam(name):
    seam, inside = [], []
    for seed in range(12):
        tile = prints.print_tile(name, GROUND, np.random.default_rng(seed))
        steps = np.abs(np.diff(tile, axis=1)).mean(axis=(0, 2))
        inside.append(steps.max())
        seam.append(np.abs(tile[:, 0] - tile[:, -1]).mean())
    assert np.mean(seam) <= np.mean(inside)


def test_weight_is_the_share_of_the_print():
    tiles = [
        prints.print_tile("dots", GROUND, np.random.default_rng(1), weight=weight)
        for weight in (0.0, 0.5, 1.0)
    ]
    np.testing.assert_allclose(tiles[0], np.broadcast_to(GROUND, tiles[0].shape), atol=1e-6)
    np.testing.assert_allclose(tiles[1], (tiles[0] + tiles[2]) / 2, atol=1e-6)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_weights_outside_0_to_1_are_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        prints.print_tile("dots", GROUND, np.random.default_rng(0), weight=weight)


def test_a_picture_file_is_a_print_in_rgb(tmp_path):
    path = tmp_path / "cloth.png"
    picture = np.zeros((60, 120, 3), np.uint8)
    picture[:, :60] = (10, 20, 200)  # BGR: red
    cv2.imwrite(str(path), picture)
    tile = prints.print_tile(str(path), GROUND, np.random.default_rng(0), side=40)
    assert tile.shape == (20, 40, 3)
    np.testing.assert_allclose(tile[10, 5] * 255, (200, 20, 10), atol=2)
    half = prints.print_tile(str(path), GROUND, np.random.default_rng(0), weight=0.5, side=40)
    np.testing.assert_allclose(half, (tile + GROUND) / 2, atol=1e-5)


def test_unknown_prints_name_what_there_is():
    with pytest.raises(ValueError, match="paisley.*picture file"):
        prints.print_tile("paisly", GROUND, np.random.default_rng(0))


def test_broken_and_missing_pictures_say_what_to_do(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    for path in (broken, tmp_path / "missing.jpg"):
        with pytest.raises(ValueError, match="cannot be read.*JPEG or PNG"):
            prints.print_tile(str(path), GROUND, np.random.default_rng(0))


@pytest.mark.parametrize("name", fabric.PRINTS)
def test_cloth_is_printed(cloth, name):
    albedo = prints.printed(cloth, name, GROUND, np.random.default_rng(2), photo())
    assert albedo.shape == (60, 90, 3)
    assert albedo.dtype == np.float32
    assert albedo.min() >= 0
    assert albedo.max() <= 1
    if name not in UNPRINTED:
        assert albedo.std(axis=(0, 1)).max() > 0.003
    same = prints.printed(cloth, name, GROUND, np.random.default_rng(2), photo())
    np.testing.assert_array_equal(albedo, same)


def test_a_mouth_is_printed_once_about_the_middle(cloth):
    weights = np.zeros((60, 90))
    for seed in range(40):
        albedo = prints.printed(cloth, "grin", GROUND, np.random.default_rng(seed))
        weights += np.abs(albedo - GROUND).max(axis=2) > 0.1
    rows, columns = np.mgrid[:60, :90]
    assert (weights * columns).sum() / weights.sum() == pytest.approx(44.5, abs=3)
    assert 25 < (weights * rows).sum() / weights.sum() < 42
    assert weights[:, :9].mean() < 0.1 * weights[20:45, 30:60].mean()


def test_lay_keeps_proportions_and_wraps():
    tile = np.zeros((40, 40, 3), np.float32)
    tile[:20, :20] = 1
    v, u = np.mgrid[0:1:141j, -1:1:111j].astype(np.float32)  # 100 px a face width both ways
    laid = prints.lay(tile, u, v, 1.4, 0.4, 0.0)
    assert laid.shape == (141, 111, 3)
    np.testing.assert_allclose(laid[:, 40:], laid[:, :-40], atol=0.02)
    np.testing.assert_allclose(laid[40:], laid[:-40], atol=0.02)
    assert np.abs(laid[:, 20:] - laid[:, :-20]).mean() > 0.3
    assert laid.mean() == pytest.approx(0.25, abs=0.05)


def test_any_print_is_plain_as_often_as_asked():
    rng = np.random.default_rng(0)
    names = [prints.any_print(rng, 0.4) for _ in range(2000)]
    assert names.count("plain") / 2000 == pytest.approx(0.4, abs=0.04)
    assert set(names) == set(fabric.PRINTS)
