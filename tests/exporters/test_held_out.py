"""Faces out of a pair folder: which, at what size, and what is missing."""

import numpy as np
import pytest

from mask2face import pair_embeddings
from mask2face.errors import DataError
from mask2face.exporters import held_out
from mask2face.exporters.held_out import Faces, needed, read_faces
from mask2face.extra_input import Extra
from mask2face.pairs import Pair, PairWriter
from mask2face.splits import SPLITS

SIDE = 16


def write(folder, counts):
    """Pairs whose input is its number; every third one has no face mask."""
    writer = PairWriter(folder, SIDE, {})
    for split in SPLITS:
        for index in range(counts.get(split, 0)):
            grey = np.full((SIDE, SIDE, 3), index, np.uint8)
            hole = np.zeros((SIDE, SIDE), np.float32)
            hole[SIDE // 2 :] = 1
            style = "bare" if index % 3 == 2 else "cloth"
            pair = Pair(grey, grey + 100, hole, style, {}, np.zeros((68, 2), np.float32))
            name = f"{split}{index}"
            writer.write(name, pair, identity=name, dataset="none", split=split)
    return writer.finish().folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "pairs", {"train": 9, "validation": 1, "test": 30})


def numbers(crops):
    return [round(float(value) * 255) for value in crops[:, 0, 0, 0]]


def test_masked_faces_of_train_and_test_spread_evenly(folder):
    found = read_faces(folder, SIDE, 5)
    assert numbers(found.calibration) == [0, 1, 3, 6, 7]  # 0 1 3 4 6 7 wear face masks
    assert numbers(found.crops) == [0, 7, 15, 21, 28]
    assert found.crops.dtype == np.float32
    assert found.truth[:, 0, 0, 0].tolist() == [100, 107, 115, 121, 128]
    assert found.holes.min() == 0
    assert found.holes[:, -1].min() == 1
    assert found.vectors is None
    assert len(read_faces(folder, SIDE, 200).crops) == 20


@pytest.mark.parametrize("side", [8, 24])
def test_other_sides_are_resized(folder, side):
    found = read_faces(folder, side, 3)
    assert found.crops.shape == found.calibration.shape == (3, 3, side, side)
    assert found.truth.shape == (3, side, side, 3)
    assert found.holes.shape == (3, side, side)
    assert found.holes[:, -1].min() == 1


def test_noise_is_zeros_to_compare_and_normal_to_calibrate(folder):
    found = read_faces(folder, SIDE, 4, Extra("noise", 3))
    assert found.vectors.shape == found.calibration_vectors.shape == (4, 3)
    assert not found.vectors.any()
    assert found.calibration_vectors.std() > 0.3
    again = read_faces(folder, SIDE, 4, Extra("noise", 3))
    assert np.array_equal(found.calibration_vectors, again.calibration_vectors)


def test_face_embeddings_are_those_of_the_pairs(folder, monkeypatch):
    with pytest.raises(DataError, match=r"has none: run  mask2face dataset embed"):
        read_faces(folder, SIDE, 4, Extra("face", 2))
    rows = np.arange(40, dtype=np.float32)
    vectors = np.stack([np.stack([rows, -rows], 1)] * 2, 1)
    vectors[:, 1] = np.nan  # of the mirror images
    stored = pair_embeddings.PairEmbeddings("dlib", vectors)
    monkeypatch.setattr(pair_embeddings, "read", lambda folder: stored)
    found = read_faces(folder, SIDE, 2, Extra("face", 2))
    assert found.calibration_vectors.tolist() == [[0, 0], [7, -7]]
    assert found.vectors.tolist() == [[10, -10], [38, -38]]  # behind 9 + 1 others
    with pytest.raises(DataError, match="embeddings of 5 numbers"):
        read_faces(folder, SIDE, 2, Extra("face", 5))


def test_nothing_to_compare_on(tmp_path):
    folder = write(tmp_path / "pairs", {"train": 3})
    with pytest.raises(DataError, match=r"no face mask in its test split.*--split all"):
        read_faces(folder, SIDE)


@pytest.mark.parametrize("extra", [None, Extra("noise", 3)])
def test_nothing_to_calibrate_on_is_enough_to_compare(tmp_path, extra, monkeypatch):
    monkeypatch.setattr(held_out, "LEAST", 2)
    found = read_faces(write(tmp_path / "pairs", {"test": 3}), SIDE, extra=extra)
    assert found.calibration.shape == (0, 3, SIDE, SIDE)
    assert len(found.crops) == 2
    with pytest.raises(DataError, match=r"got 0 and 2: .*--split all"):
        needed(found, "onnx-int8")


def test_no_pair_folder(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_faces(tmp_path / "none", SIDE)


def test_int8_needs_enough_of_them(faces, monkeypatch):
    with pytest.raises(DataError, match=r"onnx-int8.*--pairs PAIRS.*mask2face dataset pairs"):
        needed(None, "onnx-int8")
    some = faces(count=12)
    with pytest.raises(DataError, match=r"needs 200 faces.* got 12 and 12: let --faces be 200"):
        needed(some, "onnx-int8")
    monkeypatch.setattr(held_out, "LEAST", 12)
    assert needed(some, "onnx-int8") is some


def test_arrays_that_do_not_fit(faces):
    some = faces(count=3)
    with pytest.raises(ValueError, match="truth must be"):
        Faces(some.calibration, some.crops, some.truth[:2], some.holes)
    with pytest.raises(ValueError, match="no faces"):
        Faces(some.calibration, some.crops[:0], some.truth, some.holes)
