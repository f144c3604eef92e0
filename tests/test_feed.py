import os
from collections import Counter

import numpy as np
import pytest

from mask2face.feed import Batch, DrawnPairs, Feed
from mask2face.parallel import WorkerDiedError
from mask2face.recipe import Phase, Recipe

FACES = 5
SIDE = 16


class Numbered:
    """Pairs whose pixels say which face they show and how the dice fell."""

    embedder = ""

    def __init__(self, faces=FACES):
        self.faces = faces

    def count(self, split):
        return self.faces if split == "train" else 3

    def pair(self, split, index, side, rng):
        picture = np.full((side, side, 3), index + (100 if split == "validation" else 0), np.uint8)
        picture[0, 0] = rng.integers(0, 256, 3)
        slope = np.tile(np.linspace(0, 1, side, dtype=np.float32), (side, 1))
        return Batch(picture[None], picture[None] // 2, slope[None])


def recipe(steps=30, batch=4, **changes):
    phase = Phase(SIDE, steps, batch, 1e-3, {"mae": 1.0})
    return Recipe((phase, Phase(2 * SIDE, steps, batch, 1e-3, {"mae": 1.0})), **changes)


def taken(feed, phase=0, start=0, count=10):
    stream = feed.batches(phase, start)
    return [next(stream) for _ in range(count)]


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        np.array_equal(a, b)
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(vars(one).values(), vars(other).values(), strict=True)
    )


def faces(batches):
    return [int(face) for batch in batches for face in batch.inputs[:, 1, 1, 0]]


def test_shapes_and_types():
    batches = list(Feed(Numbered(), recipe(steps=3), 0).batches(1))
    assert len(batches) == 3
    for batch in batches:
        assert batch.inputs.shape == batch.outputs.shape == (4, 32, 32, 3)
        assert batch.inputs.dtype == batch.outputs.dtype == np.uint8
        assert batch.holes.shape == (4, 32, 32)
        assert batch.holes.dtype == np.float32


@pytest.mark.parametrize("chunk", [1, 7, 2048])
@pytest.mark.parametrize("echo", [1, 3])
def test_starting_at_a_step_equals_skipping_to_it(chunk, echo):
    asked = recipe(chunk=chunk, echo=echo)
    whole = list(Feed(Numbered(200), asked, 0).batches(0))
    for start in (1, 13, 29):
        assert same(list(Feed(Numbered(200), asked, 0).batches(0, start)), whole[start:])


def test_batches_are_a_function_of_seed_and_phase():
    first = taken(Feed(Numbered(), recipe(), 0))
    assert same(taken(Feed(Numbered(), recipe(), 0)), first)
    assert not same(taken(Feed(Numbered(), recipe(seed=1), 0)), first)
    feed = Feed(Numbered(), recipe(), 0)
    later = taken(feed, phase=1)
    assert faces(later) != faces(first)
    assert same(taken(feed, phase=0), first), "what was asked before does not matter"


def test_every_face_comes_once_an_epoch():
    # a chunk is 64 pairs here: 64 faces, so that chunks are epochs
    batches = list(Feed(Numbered(64), recipe(steps=48, batch=4, echo=1), 0).batches(0))
    seen = faces(batches)
    for epoch in range(3):
        assert sorted(seen[64 * epoch : 64 * (epoch + 1)]) == list(range(64))
    assert seen[:64] != seen[64:128]


def test_faces_come_equally_often_when_epochs_end_within_chunks():
    counts = Counter(faces(Feed(Numbered(5), recipe(steps=80, echo=1), 0).batches(0)))
    assert set(counts.values()) == {64}


def test_an_echo_shows_the_same_drawings_again_mirrored():
    asked = recipe(steps=48, echo=3)
    batches = list(Feed(Numbered(64), asked, 0).batches(0))
    uses = [batches[16 * use : 16 * (use + 1)] for use in range(3)]

    def drawings(part, corner):
        return sorted(tuple(one[0, corner]) for batch in part for one in batch.inputs)

    assert drawings(uses[0], 0) == drawings(uses[1], -1) == drawings(uses[2], 0)
    assert faces(uses[0]) != faces(uses[1])
    for use, part in enumerate(uses):
        for batch in part:
            slope = np.diff(batch.holes, axis=2)
            assert (slope < 0 if use == 1 else slope > 0).all()


def test_without_echo_drawings_are_new():
    batches = list(Feed(Numbered(64), recipe(steps=32, echo=1), 0).batches(0))
    drawn = [tuple(one[0, 0]) for batch in batches for one in batch.inputs]
    assert len(set(drawn)) == len(drawn) == 128


def test_validation_is_frozen_and_of_its_own_faces():
    feed = Feed(Numbered(), recipe(validation=2), 0)
    before = feed.validation(SIDE)
    taken(feed)
    assert same([feed.validation(SIDE)], [before])
    assert same([Feed(Numbered(), recipe(validation=2), 0).validation(SIDE)], [before])
    assert len(before.inputs) == 2
    assert (before.inputs[:, 1, 1, 0] >= 100).all()
    assert len(Feed(Numbered(), recipe(), 0).validation(SIDE).inputs) == 3


def test_other_processes_draw_the_same(crop_cache, tmp_path):
    asked = recipe(steps=3, wobble=0.02)
    source = DrawnPairs(crop_cache(tmp_path / "cache"), asked)
    here, there = Feed(source, asked, 0), Feed(source, asked, 1)
    try:
        assert same(list(there.batches(0)), list(here.batches(0)))
        assert same(list(there.batches(0, 2)), list(here.batches(0, 2)))
    finally:
        there.close()


class Counting(Numbered):
    """Says how many pairs it was asked for."""

    drawn = 0

    def pair(self, split, index, side, rng):
        self.drawn += 1
        return super().pair(split, index, side, rng)


def shares(asked, count, faces=200):
    """The feeds of `count` processes, run to the end of phase 0: their batches and sources."""
    sources = [Counting(faces) for _ in range(count)]
    feeds = [Feed(source, asked, 0, (rank, count)) for rank, source in enumerate(sources)]
    return [list(feed.batches(0)) for feed in feeds], sources


def content(*batches):
    """What is in some batches, in no order."""
    return sorted(
        (one.inputs.tobytes(), one.outputs.tobytes(), one.holes.tobytes())
        for batch in batches
        for one, _ in batch.parts(len(batch))
    )


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("chunk", "echo"), [(7, 1), (64, 3), (64, 1)])
def test_processes_share_the_batches_of_one(count, chunk, echo):
    asked = recipe(steps=40, batch=8, chunk=chunk, echo=echo)
    whole = list(Feed(Numbered(200), asked, 0).batches(0))
    split, _ = shares(asked, count)
    for step, batch in enumerate(whole):
        parts = [batches[step] for batches in split]
        assert content(*parts) == content(batch)
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("echo", "most"), [(1, 0.5), (2, 0.7), (3, 0.75)])
def test_each_process_draws_little_but_what_it_uses(echo, most):
    # 192 pairs in chunks of 64: by chance each of two processes would use 75 % or 88 % of them
    asked = recipe(steps=192 * echo // 16, batch=16, chunk=64, echo=echo)
    _, sources = shares(asked, 2)
    for source in sources:
        assert source.drawn <= most * 192


def test_nothing_is_drawn_for_after_the_end():
    source = Counting(200)
    list(Feed(source, recipe(steps=3, batch=4, chunk=64, echo=2), 0).batches(0))
    assert source.drawn == 12


def test_a_share_can_start_at_a_step_too():
    asked = recipe(chunk=7, echo=3, batch=5)
    whole = list(Feed(Numbered(200), asked, 0, (1, 2)).batches(0))
    assert same(list(Feed(Numbered(200), asked, 0, (1, 2)).batches(0, 13)), whole[13:])


class Killed(Numbered):
    """Ends the process that draws, as the kernel does where memory runs out."""

    def pair(self, split, index, side, rng):
        os._exit(9)


def test_a_process_that_dies_is_said():
    feed = Feed(Killed(), recipe(), 1)
    try:
        for _ in range(2):  # when it dies, and when it is asked again
            with pytest.raises(WorkerDiedError, match="died"):
                next(feed.batches(0))
    finally:
        feed.close()
