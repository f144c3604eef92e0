import json

import cv2
import numpy as np
import pytest
from skimage import data

from mask2face import devices
from mask2face.detectors import own
from mask2face.detectors.own import FoundFace, Own
from mask2face.errors import DeviceError, ModelError


@pytest.fixture(scope="module")
def detector():
    return Own("cpu", threads=1)


def test_the_shipped_file_is_small_and_says_what_it_is():
    path = own.weights_file()
    assert path.stat().st_size <= 1_000_000
    session = devices.session(path, "cpu")
    card = json.loads(session.get_modelmeta().custom_metadata_map["mask2face.detector"])
    assert "LFW" in card["data"]
    assert "CenterFace" in card["teacher"]
    assert "research" in card["licence"]


def test_it_says_whether_a_face_mask_is_worn(detector):
    bare = data.astronaut()
    masked = bare.copy()
    points = np.array([(186, 116), (225, 106), (266, 116), (262, 150), (225, 172), (190, 150)])
    cv2.fillConvexPoly(masked, points, (90, 150, 200), cv2.LINE_AA)
    (one, *_), (two, *_) = detector(bare), detector(masked)
    assert isinstance(one, FoundFace)
    assert one.masked < 0.5 < two.masked
    assert np.abs(two.landmarks[:2] - [(202, 102), (245, 103)]).max() < 12


def test_a_missing_file_names_the_fix(monkeypatch, tmp_path):
    monkeypatch.setattr(own, "__file__", str(tmp_path / "detectors" / "own.py"))
    with pytest.raises(ModelError, match="pip install --force-reinstall mask2face"):
        Own("cpu")


def test_another_model_is_refused(tiny_model):
    with pytest.raises(ModelError, match="mask2face detector export"):
        Own("cpu", weights=tiny_model)


def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="'coreml' is not available"):
        Own("coreml")


@pytest.mark.parametrize("shrink", [0, -1, 1.1])
def test_a_share_outside_0_to_1(shrink):
    with pytest.raises(ValueError, match="shrink must be above 0"):
        Own("cpu", shrink=shrink)


def test_it_looks_from_near_and_from_afar(monkeypatch, detector):
    sides = []
    look = Own._look
    monkeypatch.setattr(
        Own, "_look", lambda self, photo, side: sides.append(side) or look(self, photo, side)
    )
    detector(np.zeros((900, 1280, 3), np.uint8))
    detector(np.zeros((200, 100, 3), np.uint8))
    Own("cpu", shrink=0.5, threads=1)(np.zeros((400, 1280, 3), np.uint8))
    assert sides == [640, 160, 200, 640, 160]


def test_cells_become_faces_where_the_contract_says(monkeypatch, detector):
    """One cell of stride 16 speaks: column 2, row 1 of a 64 x 96 input."""
    cells = np.zeros((1, 16, 96 + 24 + 6), np.float32)
    place = 96 + 1 * 6 + 2
    cells[0, :, place] = [0.8, 0.7, 10, 12, 14, 16, -5, -4, 5, -4, 0, 2, -4, 8, 4, 8]

    class Session:
        def run(self, names, feed):
            assert names == ["cells"]
            assert feed["photo"].shape == (1, 3, 64, 96)
            assert feed["photo"].dtype == np.float32
            return [cells]

    monkeypatch.setattr(detector, "_session", Session())
    (face,) = detector(np.full((60, 90, 3), 7, np.uint8))
    assert face.box == pytest.approx((30, 12, 54, 40))
    assert face.landmarks.tolist() == [[35, 20], [45, 20], [40, 26], [36, 32], [44, 32]]
    assert (face.score, face.masked) == pytest.approx((0.8, 0.7))
