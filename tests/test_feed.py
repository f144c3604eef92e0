import pickle
from collections import Counter

import numpy as np
import pytest

from mask2face.errors import DataError
from mask2face.feed import Batch, DrawnPairs, Feed, StoredPairs
from mask2face.pairs import Pair, PairWriter
from mask2face.recipe import Phase, Recipe

FACES = 5
SIDE = 16


class Numbered:
    """Pairs whose pixels say which face they show and how the dice fell."""

    def __init__(self, faces=FACES):
        self.faces = faces

    def count(self, split):
        return self.faces if split == "train" else 3

    def pair(self, split, index, side, rng):
        picture = np.full((side, side, 3), index + (100 if split == "validation" else 0), np.uint8)
        picture[0, 0] = rng.integers(0, 256, 3)
        return picture, picture // 2, np.tile(np.linspace(0, 1, side, dtype=np.float32), (side, 1))


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


def test_taking_mirrors_input_output_and_hole_together():
    rng = np.random.default_rng(0)
    batch = Batch(
        rng.integers(0, 256, (3, 4, 4, 3), np.uint8),
        rng.integers(0, 256, (3, 4, 4, 3), np.uint8),
        rng.random((3, 4, 4), np.float32),
    )
    got = batch.take(np.array([2, 0]), np.array([True, False]))
    for new, old in zip(vars(got).values(), vars(batch).values(), strict=True):
        assert np.array_equal(new[0], old[2][:, ::-1])
        assert np.array_equal(new[1], old[0])
        assert not np.shares_memory(new, old)


def test_other_processes_draw_the_same(crop_cache, tmp_path):
    asked = recipe(steps=3, wobble=0.02)
    source = DrawnPairs(crop_cache(tmp_path / "cache"), asked)
    here, there = Feed(source, asked, 0), Feed(source, asked, 1)
    try:
        assert same(list(there.batches(0)), list(here.batches(0)))
        assert same(list(there.batches(0, 2)), list(here.batches(0, 2)))
    finally:
        there.close()


def test_drawn_pairs_follow_the_recipe(crop_cache, tmp_path):
    asked = recipe(facemasks={"bare": 1.0})
    source = DrawnPairs(crop_cache(tmp_path / "cache"), asked)
    assert [source.count(name) for name in ("train", "validation")] == [6, 3]
    picture, bare, hole = source.pair("train", 0, 32, np.random.default_rng(0))
    assert picture.shape == bare.shape == (32, 32, 3)
    assert not hole.any()
    masked = DrawnPairs(source.folder, recipe(facemasks={"surgical": 1.0}))
    assert masked.pair("train", 0, 32, np.random.default_rng(0))[2].mean() > 0.1
    again = pickle.loads(pickle.dumps(masked))
    for ours, theirs in zip(
        again.pair("validation", 1, 32, np.random.default_rng(3)),
        masked.pair("validation", 1, 32, np.random.default_rng(3)),
        strict=True,
    ):
        assert np.array_equal(ours, theirs)


@pytest.fixture
def pair_folder(tmp_path):
    rng = np.random.default_rng(0)
    writer = PairWriter(tmp_path / "pairs", SIDE, {})
    for index in range(6):
        pictures = rng.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
        hole = np.tile(np.linspace(0, 1, SIDE, dtype=np.float32), (SIDE, 1))
        pair = Pair(*pictures, hole, "bare", {}, np.zeros((68, 2), np.float32))
        split = "train" if index < 4 else "validation"
        writer.write(f"{index}", pair, identity=str(index), dataset="noise", split=split)
    return writer.finish()


def test_stored_pairs_come_as_they_were_stored_or_mirrored(pair_folder):
    source = StoredPairs(pair_folder.folder)
    assert source.side == SIDE
    assert [source.count(name) for name in ("train", "validation")] == [4, 2]
    inputs, outputs, holes, _ = pair_folder.load("train")
    ways = set()
    for seed in range(8):
        got = source.pair("train", 2, SIDE, np.random.default_rng(seed))
        mirrored = not np.array_equal(got[0], inputs[2])
        ways.add(mirrored)
        turn = slice(None, None, -1 if mirrored else 1)
        for ours, stored in zip(got, (inputs, outputs, holes), strict=True):
            assert np.array_equal(ours, stored[2][:, turn])
    assert ways == {True, False}
    validation = pair_folder.load("validation")
    for seed in range(4):
        got = source.pair("validation", 1, SIDE, np.random.default_rng(seed))
        assert np.array_equal(got[0], validation[0][1])


def test_stored_pairs_are_resized_and_limited(pair_folder):
    source = pickle.loads(pickle.dumps(StoredPairs(pair_folder.folder, limit=3)))
    assert [source.count(name) for name in ("train", "validation")] == [3, 2]
    for side in (8, 32):
        picture, bare, hole = source.pair("train", 0, side, np.random.default_rng(0))
        assert picture.shape == bare.shape == (side, side, 3)
        assert hole.shape == (side, side)
        assert 0 <= hole.min() <= hole.max() <= 1


def test_a_missing_folder_or_picture_is_said(pair_folder, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        StoredPairs(tmp_path / "none")
    with pytest.raises(DataError, match="does not exist"):
        DrawnPairs(tmp_path / "none", recipe())
    source = StoredPairs(pair_folder.folder)
    (pair_folder.folder / "holes" / "0.png").unlink()
    with pytest.raises(DataError, match=r"0\.png"):
        source.pair("train", 0, SIDE, np.random.default_rng(0))
