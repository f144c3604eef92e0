"""Crops of several threads in one call: bit-equal results, errors for all who wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mask2face.errors import UnknownNameError
from mask2face.pipeline import Unmasker
from mask2face.restorer import INPUT, Restorer, find_model
from mask2face.server.batching import BatchedRestorer, BatchedUnmasker, Batcher


@pytest.fixture
def make():
    made = []

    def maker(*arguments, **options):
        made.append(Batcher(*arguments, **options))
        return made[-1]

    yield maker
    for one in made:
        one.close()


def numbers(count, value):
    return {INPUT: np.full((count, 2), value, np.float32)}


def together(batcher, *inputs):
    """Call from a thread each, none of which is answered before all wait."""

    def call(one):
        with batcher.expecting():
            all_here.wait(10)
            return batcher(one)

    all_here = threading.Barrier(len(inputs))
    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(call, inputs))


def test_calls_are_joined_and_split(make):
    sizes = []
    batcher = make(lambda inputs: inputs[INPUT] * 2, window=5, heard=sizes.append)
    found = together(batcher, numbers(1, 1), numbers(3, 2), numbers(2, 3))
    assert sizes == [6]
    for result, (count, value) in zip(found, [(1, 2), (3, 4), (2, 6)], strict=True):
        np.testing.assert_array_equal(result, np.full((count, 2), value))


def test_a_batch_holds_eight_crops(make):
    sizes = []
    batcher = make(lambda inputs: inputs[INPUT], window=5, heard=sizes.append)
    together(batcher, numbers(5, 1), numbers(5, 2))
    assert sizes == [5, 5]
    together(batcher, numbers(5, 1), numbers(3, 2))
    assert sizes[2:] == [8]


def test_one_alone_does_not_wait(make):
    batcher = make(lambda inputs: inputs[INPUT], window=60)
    with batcher.expecting():
        assert batcher(numbers(2, 7)).shape == (2, 2)
    assert batcher(numbers(1, 7)).shape == (1, 2)


def test_the_window_ends_the_waiting(make):
    batcher = make(lambda inputs: inputs[INPUT], window=0.05)
    with batcher.expecting(), batcher.expecting():
        assert batcher(numbers(1, 7)).shape == (1, 2)


def test_an_error_reaches_all_and_the_next_call_works(make):
    def fail_on_three(inputs):
        if len(inputs[INPUT]) == 3:
            raise ValueError("three")
        return inputs[INPUT]

    batcher = make(fail_on_three, window=5)
    with pytest.raises(ValueError, match="three"):
        together(batcher, numbers(1, 0), numbers(2, 0))
    assert batcher(numbers(1, 0)).shape == (1, 2)


def test_a_closed_batcher_says_so(make):
    batcher = make(lambda inputs: inputs[INPUT])
    batcher.close()
    with pytest.raises(RuntimeError, match="closed"):
        batcher(numbers(1, 0))


def test_the_shipped_net_gives_the_same_bits_in_any_batch():
    alone = Restorer(find_model(), "cpu")
    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    sizes = []
    shared = BatchedRestorer(find_model(), "cpu", sizes.append)
    found = []

    def call(crop):
        with shared.batcher.expecting():
            here.wait(10)
            return shared(crop[None])

    here = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(call, crops))
    shared.batcher.close()
    assert sum(sizes) == 3
    for crop, (restored, hole) in zip(crops, found, strict=True):
        wanted, wanted_hole = alone(crop[None])
        np.testing.assert_array_equal(restored, wanted)
        np.testing.assert_array_equal(hole, wanted_hole)


def test_an_unmasker_for_many(tiny_model, portrait):
    shared, alone = BatchedUnmasker(tiny_model, "cpu"), Unmasker(tiny_model, "cpu")
    wide = np.hstack([portrait, portrait[:, ::-1]])
    result, wanted = shared(wide), alone(wide)
    np.testing.assert_array_equal(result.photo, wanted.photo)
    np.testing.assert_array_equal(result.hole, wanted.hole)
    assert len(shared.asked("largest", 0.5)(wide).faces) == 1
    assert shared.faces == "all"
    with pytest.raises(UnknownNameError, match="largest"):
        shared.asked("larges", 0.5)
    shared.close()
