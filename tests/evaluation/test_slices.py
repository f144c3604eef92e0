from dataclasses import replace

import numpy as np
import pytest

from mask2face.errors import DataError
from mask2face.evaluation.slices import slices
from mask2face.evaluation.stack import PairStack

SIDE = 20


def stack(levels, covers, noses=None):
    count = len(levels)
    outputs = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    holes = np.zeros((count, SIDE, SIDE), np.float32)
    for index, (level, cover) in enumerate(zip(levels, covers, strict=True)):
        outputs[index] = level
        holes[index, : round(cover * SIDE)] = 1
    points = None
    if noses is not None:
        points = np.zeros((count, 68, 2), np.float32)
        points[:, 36:42], points[:, 42:48] = (5, 8), (15, 8)
        points[:, 30] = [(nose, 12) for nose in noses]
    names = tuple("abc"[:count])
    return PairStack(outputs, outputs, holes, names, ("cloth",) * count, points)


def test_every_pair_has_one_label_of_each_kind():
    found = slices(stack([20, 120, 220], [0.1, 0.2, 0.5], [10, 13, 15]))
    assert found == {
        "style": ["cloth"] * 3,
        "head": ["frontal", "turned", "turned far"],
        "light": ["dark", "medium", "bright"],
        "hole": ["under 15%", "between", "over 25%"],
        "colour": ["grey photo"] * 3,
    }


def test_without_landmarks_heads_are_not_told_apart():
    assert "head" not in slices(stack([20], [0.1]))


def test_how_the_face_mask_is_worn():
    options = ({"wear": "over_nose", "in_front": "cup"}, {"wear": "chin"}, {"colour": "#fff"})
    pairs = replace(stack([20, 20, 20], [0.1, 0.2, 0.3]), options=options)
    assert slices(pairs)["worn"] == [
        "something in front",
        "lower, or on one ear",
        "over nose and mouth",
    ]
    assert slices(pairs.first(2))["worn"] == ["something in front", "lower, or on one ear"]
    with pytest.raises(DataError, match="3 pairs need as many"):
        replace(pairs, options=options[:2])


def test_colour_is_seen():
    pairs = stack([100], [0.1])
    pairs.outputs[0, 3:9, 3:9, 0] = 200
    assert slices(pairs)["colour"] == ["colour photo"]


def test_light_is_that_of_the_upper_face():
    pairs = stack([100], [0.1])
    pairs.outputs[0, 12:] = 255
    assert slices(pairs)["light"] == ["medium"]
