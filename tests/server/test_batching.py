"""One unmasker for all requests, each with options of its own."""

import numpy as np
import pytest

from mask2face.batching import BatchedRestorer
from mask2face.errors import UnknownNameError
from mask2face.pipeline import Unmasker
from mask2face.server.batching import BatchedUnmasker


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


def test_what_a_browser_would_need(tiny_model, with_extra, tmp_path, monkeypatch):
    monkeypatch.setattr(BatchedRestorer, "prepare", lambda _: None)
    noisy = with_extra(tiny_model, tmp_path / "noisy.onnx")
    knowing = with_extra(tiny_model, tmp_path / "face.onnx", "face", 128, "facenet.onnx")
    for file, portable in ((tiny_model, True), (noisy, True), (knowing, False)):
        shared = BatchedUnmasker(file, "cpu")
        assert (shared.file, shared.portable) == (file, portable)
        shared.close()


def test_it_looks_with_the_detector_that_it_is_told(tiny_model):
    from mask2face.detectors.own import Own

    shared = BatchedUnmasker(tiny_model, "cpu", detector="own")
    assert isinstance(shared._detector, Own)
    shared.close()
