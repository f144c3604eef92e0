import numpy as np
import pytest
import torch

from mask2face.finding.cells import Truth, middles, targets
from mask2face.finding.losses import WEIGHTS, losses, stacked

SIDE = 64


def batch(sure=True):
    box = np.array([[10, 12, 40, 48]], np.float32)
    points = np.array([[[18, 24], [32, 24], [25, 31], [20, 38], [30, 38]]], np.float32)
    return stacked([targets(Truth(box, points, np.ones(1, np.float32), np.array([sure])), SIDE)])


def perfect(wanted):
    """The logits that say exactly what is wanted."""
    _, strides = middles(SIDE, SIDE)
    heat = wanted["heat"].clamp(1e-4, 1 - 1e-4)
    rows = [
        (heat / (1 - heat)).log()[:, None],
        (12 * wanted["masked"] - 6)[:, None],
        (wanted["sides"] / torch.from_numpy(strides)).log(),
        wanted["points"] / torch.from_numpy(strides),
    ]
    cells = torch.cat(rows, 1)
    sizes = [SIDE // stride for stride in (8, 16, 32)]
    parts = cells.split([size * size for size in sizes], 2)
    return [part.reshape(1, 16, size, size) for part, size in zip(parts, sizes, strict=True)]


def test_what_is_wanted_costs_nothing():
    wanted = batch()
    terms = losses(perfect(wanted), wanted)
    assert set(terms) == set(WEIGHTS)
    for name, term in terms.items():
        assert float(term) < 0.01, name


@pytest.mark.parametrize(
    ("row", "name"),
    [(0, "face"), (1, "facemask"), (2, "box"), (5, "box"), (6, "points"), (15, "points")],
)
def test_each_number_costs_in_its_own_term(row, name):
    wanted = batch()
    logits = perfect(wanted)
    before = losses(logits, wanted)
    for part in logits:
        part[:, row] -= 8 if row < 2 else 0.8
    after = losses(logits, wanted)
    for other in WEIGHTS:
        if other == name:
            assert float(after[other]) > float(before[other]) + 0.01
        else:
            assert float(after[other]) == pytest.approx(float(before[other]))


def test_an_eye_costs_more_than_a_mouth():
    wanted = batch()
    costs = []
    for row in (6, 12):
        logits = perfect(wanted)
        for part in logits:
            part[:, row] += 1
        costs.append(float(losses(logits, wanted)["points"]))
    assert costs[0] == pytest.approx(2 * costs[1])


def test_what_nobody_knows_costs_nothing():
    wanted = batch(sure=False)
    logits = perfect(wanted)
    unknown = (wanted["counts"] == 0).nonzero()[0, 1]
    logits[0].flatten(2)[:, 0, unknown] = 9.0  # a view: the part itself changes
    assert float(losses(logits, wanted)["face"]) < 0.01


def test_gradients_are_finite():
    wanted = batch()
    logits = [torch.randn(1, 16, size, size, requires_grad=True) for size in (8, 4, 2)]
    sum(losses(logits, wanted).values()).backward()
    assert all(bool(torch.isfinite(part.grad).all()) for part in logits)
