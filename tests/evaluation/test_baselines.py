"""Baselines: known answers, and each worth its place."""

import time

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mask2face import metrics
from mask2face.evaluation import (
    MeanFace,
    PosteriorPCA,
    RidgeMap,
    fit_baselines,
    masked_input,
    telea,
)

SIDE = 48


def faces(count: int, seed: int) -> NDArray[np.uint8]:
    """Pictures from a linear model: four factors, each seen above and below the middle."""
    factors = np.random.default_rng(0).normal(0, 14, (4, 6, 6, 3))
    shapes = np.stack([cv2.resize(f, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for f in factors])
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 1, (count, 4))
    noise = rng.normal(0, 1, (count, SIDE, SIDE, 3))
    return np.clip(128 + np.tensordot(weights, shapes, 1) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def train() -> NDArray[np.uint8]:
    return faces(120, 1)


@pytest.fixture(scope="module")
def test() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    outputs = faces(12, 2)
    holes = np.zeros((12, SIDE, SIDE), np.float32)
    for index in range(12):
        holes[index, SIDE // 2 + index % 3 : -2, 4 + index % 5 : -4] = 1
    inputs = outputs.copy()
    inputs[holes > 0] = (250, 20, 20)
    return inputs, outputs, holes


def mean_psnr(restored, outputs, holes) -> float:
    return float(
        np.mean([metrics.psnr(*three) for three in zip(restored, outputs, holes, strict=False)])
    )


def test_order_of_strength(train, test) -> None:
    inputs, outputs, holes = test
    found = {
        name: mean_psnr(baseline(inputs, holes), outputs, holes)
        for name, baseline in fit_baselines(train, np.resize(holes, train.shape[:3])).items()
    }
    posterior = found.pop("PPCA, hole by hole")
    assert set(found) == {"masked input", "OpenCV Telea", "mean face", "ridge/PCA"}
    assert found["ridge/PCA"] > max(found["mean face"], found["OpenCV Telea"]) + 3
    assert found["mean face"] > found["masked input"] + 3
    assert posterior > max(30, found["ridge/PCA"])  # four factors, all of them visible


@pytest.mark.parametrize("kind", ["map", "posterior"])
def test_ridge_does_not_look_into_the_hole(train, test, kind) -> None:
    inputs, _, holes = test
    known = np.resize(holes, train.shape[:3])
    ridge = RidgeMap(train, known) if kind == "map" else PosteriorPCA(train)
    other = inputs.copy()
    other[holes > 0] = (0, 255, 0)
    np.testing.assert_array_equal(ridge(inputs, holes), ridge(other, holes))


def test_ridge_is_the_textbook_posterior(train, test) -> None:
    """Against the joint Gaussian's conditional mean, computed the long way round."""
    inputs, _, holes = test
    ridge = PosteriorPCA(train, components=3, side=12)
    small = cv2.resize(inputs[0], (12, 12), interpolation=cv2.INTER_AREA).ravel()
    seen = np.repeat(
        cv2.resize(holes[0], (12, 12), interpolation=cv2.INTER_AREA).ravel() < 1 / 32, 3
    )
    axes = ridge.axes.astype(np.float64)
    prior = axes @ np.diag(1 / ridge.ridge) @ axes.T  # in units of the noise
    gain = prior[:, seen] @ np.linalg.inv(prior[np.ix_(seen, seen)] + np.eye(seen.sum()))
    wanted = ridge.mean + gain @ (small[seen] - ridge.mean[seen])
    wanted = cv2.resize(
        wanted.reshape(12, 12, 3).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC
    )
    np.testing.assert_allclose(ridge(inputs[:1], holes[:1])[0], np.clip(wanted, 0, 255), atol=0.6)


def test_whole_crop_covered_gives_the_mean_face(train) -> None:
    inputs = np.zeros((1, SIDE, SIDE, 3), np.uint8)
    holes = np.ones((1, SIDE, SIDE), np.float32)
    mean = MeanFace(train)(inputs, holes)
    np.testing.assert_allclose(PosteriorPCA(train)(inputs, holes)[0], mean[0], atol=4)


def test_mean_face_by_hand() -> None:
    outputs = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (10, 20, 60)])
    restored = MeanFace(outputs)(np.zeros((2, 16, 16, 3), np.uint8), np.zeros((2, 16, 16)))
    assert restored.shape == (2, 16, 16, 3)
    assert (restored == 30).all()


def test_telea_fills_a_flat_crop_flat() -> None:
    inputs = np.full((1, 20, 20, 3), 77, np.uint8)
    holes = np.zeros((1, 20, 20), np.float32)
    holes[0, 8:12, 8:12] = 1
    inputs[holes > 0] = 0
    assert np.abs(telea(inputs, holes).astype(int) - 77).max() <= 3  # OpenCV rounds
    assert masked_input(inputs, holes) is inputs


def test_fit_is_quick_and_repeatable() -> None:
    many = np.random.default_rng(0).integers(0, 256, (600, 64, 64, 3), dtype=np.uint8)
    begin = time.perf_counter()
    one, two = PosteriorPCA(many), PosteriorPCA(many)
    assert time.perf_counter() - begin < 60
    np.testing.assert_array_equal(one.axes, two.axes)


def test_nothing_to_learn_from() -> None:
    assert set(fit_baselines(None)) == {"masked input", "OpenCV Telea"}
    with pytest.raises(ValueError, match="at least 2"):
        PosteriorPCA(np.zeros((1, 8, 8, 3), np.uint8))
