import pickle

import numpy as np
import pytest

from mask2face.errors import ConfigurationError, DataError
from mask2face.pair_embeddings import PairEmbeddings
from mask2face.pairs import Pair, PairWriter
from mask2face.recipe import Phase, Recipe
from mask2face.sources import TURNED_TIMES, Batch, DrawnPairs, StoredPairs, joined

SIDE = 16


def recipe(**changes):
    return Recipe((Phase(SIDE, 30, 4, 1e-3, {"mae": 1.0}),), **changes)


def random_batch(count, extras=0):
    rng = np.random.default_rng(0)
    return Batch(
        rng.integers(0, 256, (count, 4, 4, 3), np.uint8),
        rng.integers(0, 256, (count, 4, 4, 3), np.uint8),
        rng.random((count, 4, 4), np.float32),
        rng.random((count, 2, extras), np.float32) if extras else None,
    )


def pixels(batch):
    """Input, output and hole of the only pair of a batch."""
    assert len(batch) == 1
    return batch.inputs[0], batch.outputs[0], batch.holes[0]


def pixels_of(batch):
    return batch.inputs, batch.outputs, batch.holes


def test_taking_mirrors_input_output_and_hole_together():
    batch = random_batch(3)
    got = batch.take(np.array([2, 0]), np.array([True, False]))
    assert got.extras is None
    for new, old in zip(pixels_of(got), pixels_of(batch), strict=True):
        assert np.array_equal(new[0], old[2][:, ::-1])
        assert np.array_equal(new[1], old[0])
        assert not np.shares_memory(new, old)


def test_taking_mirrored_takes_the_mirrored_face():
    batch = random_batch(3, extras=5)
    got = batch.take(np.array([2, 0]), np.array([True, False])).extras
    assert np.array_equal(got[0], batch.extras[2][::-1])
    assert np.array_equal(got[1], batch.extras[0])
    assert not np.shares_memory(got, batch.extras)


def test_parts_of_a_batch_join_to_it():
    for batch in (random_batch(5), random_batch(5, extras=3)):
        parts = list(batch.parts(2))
        assert [(len(part), share) for part, share in parts] == [(2, 0.4), (3, 0.6)]
        whole = joined([part for part, _ in parts])
        for new, old in zip(vars(whole).values(), vars(batch).values(), strict=True):
            assert np.array_equal(new, old)


def test_drawn_pairs_follow_the_recipe(crop_cache, tmp_path):
    asked = recipe(facemasks={"bare": 1.0})
    source = DrawnPairs(crop_cache(tmp_path / "cache"), asked)
    assert [source.count(name) for name in ("train", "validation")] == [6, 3]
    picture, bare, hole = pixels(source.pair("train", 0, 32, np.random.default_rng(0)))
    assert picture.shape == bare.shape == (32, 32, 3)
    assert not hole.any()
    masked = DrawnPairs(source.folder, recipe(facemasks={"surgical": 1.0}))
    assert masked.pair("train", 0, 32, np.random.default_rng(0)).holes.mean() > 0.1
    again = pickle.loads(pickle.dumps(masked))
    for ours, theirs in zip(
        pixels(again.pair("validation", 1, 32, np.random.default_rng(3))),
        pixels(masked.pair("validation", 1, 32, np.random.default_rng(3))),
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
        got = pixels(source.pair("train", 2, SIDE, np.random.default_rng(seed)))
        mirrored = not np.array_equal(got[0], inputs[2])
        ways.add(mirrored)
        turn = slice(None, None, -1 if mirrored else 1)
        for ours, stored in zip(got, (inputs, outputs, holes), strict=True):
            assert np.array_equal(ours, stored[2][:, turn])
    assert ways == {True, False}
    validation = pair_folder.load("validation")
    for seed in range(4):
        got = pixels(source.pair("validation", 1, SIDE, np.random.default_rng(seed)))
        assert np.array_equal(got[0], validation[0][1])


def test_stored_pairs_are_resized_and_limited(pair_folder):
    source = pickle.loads(pickle.dumps(StoredPairs(pair_folder.folder, limit=3)))
    assert [source.count(name) for name in ("train", "validation")] == [3, 2]
    for side in (8, 32):
        picture, bare, hole = pixels(source.pair("train", 0, side, np.random.default_rng(0)))
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


@pytest.fixture
def vectors(monkeypatch):
    """What `mask2face dataset embed` wrote: row i = row i of pairs.jsonl."""
    found = np.random.default_rng(1).random((6, 2, 8), np.float32)
    embeddings = PairEmbeddings("dlib", found)
    monkeypatch.setattr("mask2face.sources.read_embeddings", lambda folder: embeddings)
    return found


def test_stored_pairs_bring_their_faces(pair_folder, vectors):
    plain = StoredPairs(pair_folder.folder, limit=3)
    assert plain.pair("train", 0, SIDE, np.random.default_rng(0)).extras is None
    assert plain.embedder == ""
    source = pickle.loads(pickle.dumps(plain.with_faces(8)))
    assert source.embedder == "dlib"
    assert source.count("train") == 3
    inputs = pair_folder.load("train")[0]
    ways = set()
    for seed in range(8):
        got = source.pair("train", 2, SIDE, np.random.default_rng(seed))
        mirrored = not np.array_equal(got.inputs[0], inputs[2])
        ways.add(mirrored)
        assert np.array_equal(got.extras[0], vectors[2][:: -1 if mirrored else 1])
    assert ways == {True, False}
    held_out = source.pair("validation", 1, 8, np.random.default_rng(0))
    assert np.array_equal(held_out.extras[0], vectors[5])


def test_faces_of_another_size_are_refused(pair_folder, vectors):
    with pytest.raises(ConfigurationError, match="'face_size' is 128: .*'dlib'.* set it to 8"):
        StoredPairs(pair_folder.folder).with_faces(128)


def test_missing_faces_name_the_command(pair_folder, crop_cache, tmp_path):
    with pytest.raises(DataError, match="run `mask2face dataset embed .*pairs`"):
        StoredPairs(pair_folder.folder).with_faces(8)
    drawn = DrawnPairs(crop_cache(tmp_path / "cache"), recipe())
    with pytest.raises(DataError, match="mask2face dataset pairs.*mask2face dataset embed"):
        drawn.with_faces(8)


def test_faces_turned_to_the_side_come_more_often_in_training_only(crop_cache, tmp_path):
    folder = crop_cache(tmp_path / "cache")
    points = np.load(folder / "landmarks.npy", mmap_mode="r+")
    plain = DrawnPairs(folder, recipe())
    counts = {name: plain.count(name) for name in ("train", "validation")}
    points[:, 30, 0] += 1000
    points.flush()
    turned = DrawnPairs(folder, recipe())
    assert turned.count("train") == counts["train"] * TURNED_TIMES
    assert turned.count("validation") == counts["validation"]


def test_photos_end_inside_some_crops_in_training_only(crop_cache, tmp_path, monkeypatch):
    def ended(pictures, rng):
        return tuple(np.full_like(picture, 1) for picture in pictures)

    monkeypatch.setattr("mask2face.sources.end_photo", ended)
    source = DrawnPairs(crop_cache(tmp_path / "cache"), recipe(facemasks={"bare": 1.0}))

    def how_many(split):
        rngs = map(np.random.default_rng, range(40))
        return sum(bool((source.pair(split, 0, 16, rng).holes == 1).all()) for rng in rngs)

    assert 4 <= how_many("train") <= 20
    assert how_many("validation") == 0
