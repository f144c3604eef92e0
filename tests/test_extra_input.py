"""The second input of a model: who computes it, and what is said where that is missing."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from mask2face.errors import MissingExtraError, ModelError
from mask2face.extra_input import FaceVectors

CROPS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


class Embedder:
    """Gives the mean colour of a crop."""

    name, size = "colours", 3
    asked: ClassVar[list[str | Path]] = []

    @classmethod
    def find(cls, name):
        cls.asked.append(name)
        return cls()

    def __call__(self, crops):
        return crops.mean((1, 2)).astype(np.float32)


@pytest.fixture
def asked(monkeypatch):
    """What is looked for, with an embedder that is always found."""
    stub = SimpleNamespace(FaceEmbedder=Embedder)
    monkeypatch.setitem(sys.modules, "mask2face.face_embedding", stub)
    monkeypatch.setattr(Embedder, "asked", [])
    return Embedder.asked


def test_dlib_is_opened_once_and_late(asked, tmp_path):
    vectors = FaceVectors(tmp_path / "model.onnx", "dlib", 3)
    assert vectors(CROPS[:0]).shape == (0, 3)
    assert asked == []
    for _ in range(2):
        np.testing.assert_allclose(vectors(CROPS), CROPS.mean((1, 2)), rtol=1e-6)
    assert asked == ["dlib"]


@pytest.mark.parametrize("named", ["facenet.onnx", "/somewhere/else/facenet.onnx"])
def test_a_facenet_lies_beside_the_model(asked, tmp_path, named):
    (tmp_path / "facenet.onnx").touch()
    FaceVectors(tmp_path / "model.onnx", named, 3).open()
    assert asked == [tmp_path / "facenet.onnx"]


def test_a_facenet_that_is_not_there(asked, tmp_path):
    with pytest.raises(ModelError, match=r"facenet\.onnx, which is not beside it: copy that file"):
        FaceVectors(tmp_path / "model.onnx", "facenet.onnx", 3)(CROPS)
    assert asked == []


def test_a_card_that_names_nobody(tmp_path):
    with pytest.raises(ModelError, match="does not say whose: export it again"):
        FaceVectors(tmp_path / "model.onnx", "", 3).open()


def test_another_size(asked, tmp_path):
    with pytest.raises(ModelError, match="colours gives 3 numbers a face, .* wants 128"):
        FaceVectors(tmp_path / "model.onnx", "dlib", 128)(CROPS)


def test_without_dlib_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[data\]"):
        FaceVectors(tmp_path / "model.onnx", "dlib", 128).open()


def test_dlib_itself(tmp_path):
    pytest.importorskip("dlib")
    found = FaceVectors(tmp_path / "model.onnx", "dlib", 128)(CROPS)
    assert found.shape == (2, 128)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert (found[0] != found[1]).any()
