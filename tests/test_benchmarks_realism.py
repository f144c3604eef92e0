import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SOURCE = Path(__file__).parents[1] / "benchmarks" / "realism.py"


@pytest.fixture(scope="module")
def realism():
    pytest.importorskip("torch")
    pytest.importorskip("scipy")
    spec = importlib.util.spec_from_file_location("benchmarks_realism", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def half_covered(side):
    inside = np.zeros((side, side), bool)
    inside[side // 2 :, side // 4 : -side // 4] = True
    return inside


def test_auc_of_known_orders(realism):
    truth = np.array([False, False, True, True])
    assert realism.auc(np.array([1.0, 2, 3, 4]), truth) == 1
    assert realism.auc(np.array([4.0, 3, 2, 1]), truth) == 0
    assert realism.auc(np.array([1.0, 1, 1, 1]), truth) == 0.5
    assert realism.auc(np.array([1.0, 3, 2, 4]), truth) == 0.75


def test_classifier_finds_a_difference_and_invents_none(realism):
    rng = np.random.default_rng(0)
    truth = np.arange(300) >= 100
    names = [f"person {index // 2}" for index in range(300)]
    noise = rng.standard_normal((300, 20))
    assert 0.35 < realism.measured(noise, truth, names, 2)["auc"] < 0.65
    noise[:, 3] += 3 * truth
    assert realism.measured(noise, truth, names, 2)["auc"] > 0.95


def test_folds_share_no_name(realism, monkeypatch):
    trained = []

    def spy(x, truth):
        trained.append(set(x[:, 0].astype(int)))
        return lambda new: np.array([float(int(row[0]) in trained[-1]) for row in new])

    monkeypatch.setattr(realism, "fitted", spy)
    who = np.repeat(np.arange(20), 3)
    x = who[:, None].astype(float)
    scores = realism.cross_scores(x, who >= 10, [str(name) for name in who], seed=1)
    assert len(trained) == realism.FOLDS
    assert not scores.any()


def test_control_sees_no_pixel_of_a_face_mask_and_whole_only_those(realism):
    side = realism.SIDE
    rng = np.random.default_rng(0)
    crop = rng.integers(0, 120, (side, side, 3), dtype=np.uint8)
    inside = half_covered(side)
    changed = crop.copy()
    changed[inside] = 255
    for one, two in zip(
        realism.control(crop, inside), realism.control(changed, inside), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    changed = crop.copy()
    changed[~inside] = 255
    np.testing.assert_array_equal(realism.whole(crop, inside)[0], realism.whole(changed, inside)[0])


def test_statistics_tell_where_the_rim_is(realism):
    side = realism.SIDE
    crop = np.full((side, side, 3), 200, np.uint8)
    inside = half_covered(side)
    crop[inside] = 40
    values = realism.statistics(crop, inside.astype(np.float32))
    assert values["shape: top, middle"] == pytest.approx((side / 2 - realism.EYES) / realism.APART)
    assert values["shape: area"] == pytest.approx(inside.sum() / realism.APART**2)
    assert values["colour: lightness over skin"] < -50
    assert values["colour: chroma"] == pytest.approx(0, abs=0.1)
