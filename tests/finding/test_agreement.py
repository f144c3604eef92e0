"""Which faces a file and its net both find: numbers by hand, gates, scenes to compare on."""

import math

import numpy as np
import pytest

from mask2face.errors import DataError, ModelError
from mask2face.finding import agreement
from mask2face.finding.agreement import Agreement, Gate

SIZE = (64, 96)
COUNT = 96 + 24 + 6  # cells


def cells(*faces):
    """Cells that speak of faces, (cell, score, box, shift of the points) each."""
    made = np.zeros((1, 16, COUNT), np.float32)
    for cell, score, box, shift in faces:
        points = np.array([-5, -4, 5, -4, 0, 0, -4, 5, 4, 5], np.float32) + shift
        made[0, :, cell] = [score, 0.7, *box, *points]
    return made


BOX = (10, 12, 14, 16)
NET = cells((8, 0.8, BOX, 0), (94, 0.9, BOX, 0))  # far from each other


def runs(made):
    return lambda photo: made


def compare(made, times=1):
    photos = np.zeros((times, 3, *SIZE), np.uint8)
    return agreement.compare(runs(NET), runs(made), photos)


def test_the_same_faces():
    assert compare(NET, 3) == Agreement(6, 0.0, 0.0, 0.0)


def test_one_missed_one_added_and_eyes_that_moved():
    made = cells((8, 0.7, BOX, 1), (0, 0.6, (3, 3, 3, 3), 0), (94, 0.4, BOX, 0))
    found = compare(made)
    assert (found.faces, found.missed, found.added) == (2, 0.5, 0.5)
    assert found.eyes == pytest.approx(math.sqrt(2) / 10)


def test_boxes_that_overlap_by_less_than_half_are_other_faces():
    made = cells((8, 0.8, (10, 0, 3, 16), 0), (94, 0.9, BOX, 0))
    assert compare(made).missed == compare(made).added == 0.5


def test_without_any_face():
    nothing = np.zeros((1, 3, *SIZE), np.uint8)
    assert agreement.compare(runs(cells()), runs(cells()), nothing).added == 0
    assert agreement.compare(runs(cells()), runs(NET), nothing).added == math.inf
    lost = compare(cells())
    assert (lost.missed, lost.eyes) == (1.0, math.inf)


def test_gates():
    gate = Gate(differ=0.1, eyes=0.01)
    gate.check(Agreement(200, 0.05, 0.05, 0.01), "onnx-int8")
    for bad in ((0.06, 0.05, 0.0), (0.0, 0.0, 0.02), (0.0, math.inf, 0.0), (0.0, 0.0, math.nan)):
        with pytest.raises(ModelError, match=r"onnx-int8.*allowed: 10%.*nothing was written"):
            gate.check(Agreement(200, *bad), "onnx-int8")


def test_numbers_that_are_not_finite():
    with pytest.raises(ModelError, match="not finite"):
        compare(NET * np.nan)


TWO = cells((8, 0.8, BOX, 0), (60, 0.9, BOX, 0))[:, :, : 64 + 16 + 4]  # of a scene of 64 px


def test_scenes_until_there_are_enough_faces(lesson_folder, monkeypatch):
    monkeypatch.setattr(agreement, "LEAST", 5)
    monkeypatch.setattr(agreement, "_CALIBRATED", 3)
    shown = agreement.show(lesson_folder.folder, 64, runs(TWO))  # two faces a scene
    assert shown.calibration.shape == (3, 3, 64, 64)
    assert shown.compared.shape == (3, 3, 64, 64)
    assert shown.compared.max() > 100
    assert not np.array_equal(shown.calibration, shown.compared)


def test_a_net_that_finds_too_little(lesson_folder, monkeypatch):
    monkeypatch.setattr(agreement, "_MOST", 3)
    monkeypatch.setattr(agreement, "_CALIBRATED", 1)
    with pytest.raises(DataError, match="6 faces in 3 scenes.*train it longer"):
        agreement.show(lesson_folder.folder, 64, runs(TWO))
