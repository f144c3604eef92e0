"""Crops of several threads in one call: bit-equal results, errors for all who wait."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mask2face import batching
from mask2face.batching import (
    BatchedRestorer,
    Batcher,
    SharedUnmasker,
    share_of_cores,
    unmasker_for,
)
from mask2face.crew import cores
from mask2face.errors import DeviceError, UsageError
from mask2face.pipeline import Unmasker
from mask2face.restorer import INPUT, Restorer, find_model


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


def test_nobody_waits_for_ever_when_what_hears_fails(make):
    def heard(crops):
        raise LookupError(crops)

    def call():
        try:
            batcher(numbers(1, 7))
        except LookupError as error:
            caught.append(error.args)

    caught = []
    batcher = make(lambda inputs: inputs[INPUT], heard=heard)
    for _ in range(2):
        caller = threading.Thread(target=call, daemon=True)
        caller.start()
        caller.join(10)
    assert caught == [(1,), (1,)]


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


@pytest.mark.parametrize("device", [None, "cpu"], ids=["float", "int8"])
def test_the_shipped_net_gives_the_same_bits_in_any_batch(device):
    file = find_model(None, device)
    assert (file.parent.name == "int8") == (device == "cpu")
    alone = Restorer(file, "cpu")
    crops = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    sizes = []
    shared = BatchedRestorer(file, "cpu", sizes.append)
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


@pytest.fixture
def wide(astronaut_photo):
    """A photo of two faces."""
    return np.hstack([astronaut_photo(0, 180), astronaut_photo(1, 180)])


def test_an_unmasker_for_many(tiny_model, wide):
    sizes = []
    shared, alone = (
        SharedUnmasker(tiny_model, "cpu", faces="largest", threshold=0.4, heard=sizes.append),
        Unmasker(tiny_model, "cpu", faces="largest", threshold=0.4),
    )
    result, wanted = shared(wide), alone(wide)
    shared.close()
    np.testing.assert_array_equal(result.photo, wanted.photo)
    np.testing.assert_array_equal(result.hole, wanted.hole)
    assert len(result.faces) == 1
    assert sizes == [1]


def test_an_unmasker_for_workers_on_a_cpu_shares_the_cores(tiny_model, monkeypatch, wide):
    opened = []

    class Noted(Unmasker):
        def __init__(self, *arguments, **options):
            opened.append(options["threads"])
            super().__init__(*arguments, **options)

    monkeypatch.setattr(batching, "Unmasker", Noted)
    found = []
    for workers in (1, 2, 1000):
        with unmasker_for(workers, tiny_model, "cpu", faces="largest") as unmasker:
            found.append(unmasker(wide))
    assert opened == [0, max(1, cores() // 2), 1]
    for one in found:
        np.testing.assert_array_equal(one.photo, found[0].photo)
        assert len(one.faces) == 1


def test_an_unmasker_for_workers_elsewhere_joins_their_crops(tiny_model, monkeypatch):
    monkeypatch.setattr(batching, "provider", lambda _: "CUDAExecutionProvider")
    with unmasker_for(2, tiny_model, "cpu") as unmasker:
        assert isinstance(unmasker, SharedUnmasker)
    with pytest.raises(RuntimeError, match="closed"):
        unmasker._batcher(numbers(1, 0))


def test_an_unmasker_for_workers_refuses_what_an_unmasker_does(tiny_model):
    with pytest.raises(DeviceError, match="'dml' is not available"), unmasker_for(2, device="dml"):
        pass
    with pytest.raises(UsageError, match="threshold"), unmasker_for(2, tiny_model, threshold=2):
        pass


def test_the_shipped_nets_give_the_same_bits_on_any_number_of_threads(wide):
    first, *others = (Unmasker(device="cpu", threads=threads)(wide) for threads in (1, 2, 3))
    assert len(first.faces) == 2
    for other in others:
        np.testing.assert_array_equal(other.photo, first.photo)
        assert [face.box for face in other.faces] == [face.box for face in first.faces]
        assert [face.hole_fraction for face in other.faces] == [
            face.hole_fraction for face in first.faces
        ]


@pytest.mark.parametrize(("workers", "threads"), [(1, 0), (2, 4), (3, 2), (8, 1), (99, 1)])
def test_workers_share_the_cores_of_a_cpu(monkeypatch, workers, threads):
    monkeypatch.setattr("mask2face.batching.cores", lambda: 8)
    assert share_of_cores(workers, "cpu") == threads


def test_other_devices_leave_it_to_onnxruntime(monkeypatch):
    monkeypatch.setattr("mask2face.batching.provider", lambda device: "CUDAExecutionProvider")
    assert share_of_cores(4, "cuda") == 0
