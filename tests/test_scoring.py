import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.feed import Batch
from mask2face.nets.extras import Extra
from mask2face.scoring import score

CPU = torch.device("cpu")
SIDE = 32


def batch(count=3):
    inputs = np.full((count, SIDE, SIDE, 3), 51, np.uint8)
    holes = np.zeros((count, SIDE, SIDE), np.float32)
    holes[:, SIDE // 2 :] = 1
    return Batch(inputs, np.full_like(inputs, 102), holes)


def net(colour, rows):
    """A net that paints all in one grey and finds a hole below row `rows`."""

    def predict(crops):
        out = torch.full((len(crops), 4, SIDE, SIDE), colour)
        out[:, 3] = 0.25
        out[:, 3, rows:] = 0.75
        return out

    return predict


def test_known_numbers():
    scores, _ = score(net(0.5, SIDE // 2), batch(), CPU)
    assert scores["hole_l1"] == pytest.approx(0.1, rel=1e-5)
    assert scores["hole_psnr"] == pytest.approx(20, abs=1e-3)
    assert scores["hole_iou"] == 1
    assert score(net(0.5, 3 * SIDE // 4), batch(), CPU)[0]["hole_iou"] == pytest.approx(0.5)
    assert score(net(0.5, 0), batch(), CPU)[0]["hole_iou"] == pytest.approx(0.5)


def test_psnr_is_averaged_over_pairs_with_a_hole():
    pairs = batch(3)
    pairs.holes[0] = 0
    pairs.outputs[2] = 127.5 * 1.0  # 127: a hair off the net's grey
    scores, _ = score(net(0.5, SIDE // 2), pairs, CPU)
    exact = 20 * math.log10(1 / (0.5 - 127 / 255))
    assert scores["hole_psnr"] == pytest.approx((20 + exact) / 2, abs=0.02)


def test_parts_of_a_batch_make_no_difference():
    few, _ = score(net(0.4, 20), batch(2), CPU)
    many, _ = score(net(0.4, 20), batch(70), CPU)
    assert many == pytest.approx(few)


def test_only_bare_faces_or_no_pairs():
    pairs = batch(2)
    pairs.holes[:] = 0
    scores, panel = score(net(0.5, SIDE), pairs, CPU)
    assert scores == {"hole_psnr": 0.0, "hole_l1": 0.0, "hole_iou": 0.0}
    assert panel is not None
    assert score(net(0.5, SIDE), batch(0), CPU) == ({}, None)


def test_the_panel_shows_input_output_prediction_and_composite():
    _, panel = score(net(1.0, SIDE // 2), batch(10), CPU)
    assert panel is not None
    assert panel.dtype == np.uint8
    assert panel.shape == (4 * 96, 8 * 96, 3)
    cells = panel.reshape(4, 96, 8, 96, 3)[:, :, 5]
    assert [int(cell[10, 50, 0]) for cell in cells] == [51, 102, 255, 102]
    assert int(cells[3][90, 50, 0]) == 204, "the composite is soft: 0.75 of the way to white"


class Toned(nn.Module):
    """Paints each crop in the grey that its second input says."""

    extra = Extra("face", 2)

    def forward(self, crops, extra):
        return extra[:, :1, None, None].expand(-1, 4, SIDE, SIDE)


def test_a_second_input_comes_from_the_pairs_as_they_are():
    pairs = batch(40)
    extras = np.zeros((40, 2, 2), np.float32)
    extras[:, 0, 0] = 0.5
    extras[:, 1, 0] = 0.9  # of the mirrored faces, which validation never shows
    scores, _ = score(Toned(), replace(pairs, extras=extras), CPU)
    assert scores["hole_l1"] == pytest.approx(0.1, rel=1e-5)
    without, _ = score(Toned(), pairs, CPU)
    assert without["hole_l1"] == pytest.approx(0.4, rel=1e-5), "zeros"
