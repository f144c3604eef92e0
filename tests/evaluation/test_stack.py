"""Pairs drawn for the baselines."""

from collections.abc import Callable
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mask2face.clean import CleanCrop
from mask2face.errors import DataError
from mask2face.evaluation import PairStack
from mask2face.faces import Face, align
from mask2face.mean_face import guess


class Cache:
    """A crop cache of four faces, three of them in train."""

    folder = "cache"

    def __init__(self, photo: Callable[..., np.ndarray]) -> None:
        self.crops = [cv2.resize(photo(seed), (224, 224)) for seed in range(4)]
        self.rows = [{"photo": f"{i}.jpg", "identity": f"p{i}"} for i in range(4)]

    def __getitem__(self, index: int) -> CleanCrop:
        points = np.array([[92, 95], [132, 95], [112, 118], [96, 140], [128, 140]], np.float32)
        face = Face((70, 50, 154, 170), points)
        assert align(points[:2], 120, 224).shape == (2, 3)
        return CleanCrop(self.crops[index], guess(face), points[:2], 120.0)

    def indices(self, split: str) -> np.ndarray:
        return np.array({"train": [0, 1, 3], "test": [2]}.get(split, []), np.int64)


@pytest.fixture
def cache(astronaut_photo) -> SimpleNamespace:
    return Cache(astronaut_photo)


def test_draws_the_same_pairs_again(cache) -> None:
    one, two = (PairStack.draw(cache, side=64) for _ in range(2))
    assert len(one) == 3
    assert one.side == 64
    assert one.identities == ("p0", "p1", "p3")
    np.testing.assert_array_equal(one.inputs, two.inputs)
    other = PairStack.draw(cache, side=64, seed=1)
    assert (one.inputs != other.inputs).any()


def test_spreads_a_smaller_count_over_the_split(cache) -> None:
    assert PairStack.draw(cache, side=64, count=2).identities == ("p0", "p3")
    assert PairStack.draw(cache, "test", side=64, count=9).identities == ("p2",)


def test_empty_split(cache) -> None:
    with pytest.raises(DataError, match="no photo in 'validation'"):
        PairStack.draw(cache, "validation", side=64)
