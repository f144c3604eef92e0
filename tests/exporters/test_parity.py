"""Known differences, gates, and what the card keeps."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mask2face import metrics
from mask2face.errors import ModelError
from mask2face.exporters.parity import FLOAT16, FLOAT32, INT8, Gate, Parity, compare, of_net
from mask2face.nets.extras import Extra

FINE = Parity(200, 1e-5, 1e-6, 0.0, 0.0)


def flat(value, hole):
    """A model that paints every picture grey and finds the hole below a line."""

    def run(crops, vectors):
        made = np.full((len(crops), 4, *crops.shape[2:]), value, np.float32)
        made[:, 3] = 0
        made[:, 3, hole:] = 1
        return made

    return run


def test_known_numbers(faces):
    found = faces(count=10)
    grey = dataclasses.replace(found, truth=np.full_like(found.truth, 128))
    parity = compare(flat(0.5, 16), flat(0.6, 24), grey)
    assert parity.faces == 10
    assert parity.max_error == 1
    assert parity.mean_error == pytest.approx((3 * 0.1 + 8 / 32) / 4)
    same, other = (np.full((32, 32, 3), value, np.uint8) for value in (128, 153))
    assert metrics.psnr(same, same) == np.inf
    assert parity.psnr_drop == pytest.approx(80 - metrics.psnr(other, same))
    assert parity.iou_drop == pytest.approx(0.5)
    back = compare(flat(0.6, 24), flat(0.5, 16), grey)
    assert (back.psnr_drop, back.iou_drop) == (-parity.psnr_drop, -parity.iou_drop)


def test_only_the_hole_counts_and_faces_without_one_do_not(faces):
    found = faces(count=4)
    truth = np.full_like(found.truth, 128)
    truth[:, :16] = 0
    holes = found.holes.copy()
    holes[2:] = 0
    parity = compare(flat(0.5, 16), flat(0.5, 16), dataclasses.replace(found, truth=truth))
    assert parity == Parity(4, 0, 0, 0, 0)
    some = dataclasses.replace(found, truth=truth, holes=holes)
    assert compare(flat(0.5, 16), flat(0.5, 24), some).iou_drop == pytest.approx(0.5)
    none = dataclasses.replace(found, truth=truth, holes=np.zeros_like(holes))
    assert compare(flat(0.5, 16), flat(0.6, 24), none).psnr_drop == 0


def test_numbers_that_are_none_never_pass(faces):
    parity = compare(flat(0.5, 16), flat(np.nan, 16), faces(count=9))
    assert np.isnan(parity.max_error)
    for gate in (FLOAT32, FLOAT16, INT8, Gate()):
        with pytest.raises(ModelError, match="too far"):
            gate.check(parity, "ncnn")


@pytest.mark.parametrize(
    ("gate", "worse"),
    [
        (FLOAT32, {"max_error": 1.1e-4}),
        (FLOAT16, {"max_error": 2.1 / 255}),
        (INT8, {"psnr_drop": 0.31}),
        (INT8, {"iou_drop": 0.011}),
    ],
)
def test_gates(gate, worse):
    gate.check(FINE, "x")
    with pytest.raises(ModelError, match=r"onnx-int8: the file is too far.*export to 'onnx'"):
        gate.check(dataclasses.replace(FINE, **worse), "onnx-int8")


def test_integers_may_differ_where_it_costs_nothing():
    INT8.check(dataclasses.replace(FINE, max_error=0.5, psnr_drop=-0.1), "x")


def test_the_card_keeps_it(card):
    made = Parity(200, 0.123456, 0.0123456, 0.123456, 0.0123456).within(card)
    assert dict(made.metrics) == {
        "hole_psnr": 9.5,
        "parity_faces": 200,
        "parity_max_error": 0.12,
        "parity_mean_error": 0.012,
        "parity_psnr_drop": 0.1235,
        "parity_iou_drop": 0.01235,
    }
    assert dict(card.metrics) == {"hole_psnr": 9.5}
    assert "200 faces" in str(FINE)


class Tinted(nn.Module):
    """A net with a second input."""

    extra = Extra("noise", 2)

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        tint = noise[:, :1, None, None]
        return torch.cat([crops + tint, crops[:, :1]], 1).clamp(0, 1)


def test_a_second_input_goes_to_both(faces):
    found = faces(count=10, extra=2)
    net = of_net(Tinted())
    assert compare(net, net, found).max_error == 0
    assert compare(net, lambda crops, vectors: net(crops, vectors * 2), found).max_error > 0.1
