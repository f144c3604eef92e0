"""Integers inside, floats at the ends and at the ports; gates; faces that are missing."""

import copy
import dataclasses
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto
from torch import nn

from mask2face.errors import DataError, ModelError
from mask2face.exporters import EXPORTERS, onnx_int8, parity
from mask2face.exporters import onnx as exporter
from mask2face.exporters.parity import Gate
from mask2face.formats import folding
from mask2face.restorer import CARD_KEY, Restorer

SIDE = 32
CONVERTED: list[Any] = []  # the ONNX model of the small net


@pytest.fixture
def quick(filler, few_will_do, monkeypatch):
    """Convert the net to ONNX only once: that takes the longest."""
    convert = exporter._convert

    def once(net, inputs):
        if not CONVERTED:
            CONVERTED.append(convert(net, inputs))
        return copy.deepcopy(CONVERTED[0])

    monkeypatch.setattr(exporter, "_convert", once)


@pytest.fixture
def done(filler, card, faces, quick, tmp_path):
    return EXPORTERS["onnx-int8"](filler, card, tmp_path / "int8.onnx", faces=faces())


def test_a_restorer_opens_it_and_sees_nearly_the_same(done, filler, card, tmp_path, caplog):
    assert [path.name for path in tmp_path.iterdir()] == ["int8.onnx"]
    assert done.size == done.path.stat().st_size
    assert done.parity.faces == 12
    assert 0 < done.parity.mean_error < 0.02
    assert done.error >= done.parity.max_error > 1e-3
    assert not caplog.records, "ONNX Runtime's advice is not for users"

    restorer = Restorer(done.path)
    assert restorer.card == done.parity.within(card)
    assert restorer.card.metrics["hole_psnr"] == 9.5
    crops = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    restored, holes = restorer(crops)
    with torch.no_grad():
        truth = filler.eval()(torch.from_numpy(crops).permute(0, 3, 1, 2) / 255).numpy()
    assert np.abs(restored / 255 - truth[:, :3].transpose(0, 2, 3, 1)).mean() < 0.02
    assert np.abs(holes - truth[:, 3]).mean() < 0.02
    assert truth.std() > 0.05


def test_integers_inside_floats_at_the_ends(done):
    model = onnx.load(done.path)
    graph = model.graph
    assert [one.domain for one in model.opset_import] == [""], "any runtime can open it"
    assert [one.key for one in model.metadata_props] == [CARD_KEY]
    assert model.producer_name == "mask2face"
    ports = [*graph.input, *graph.output]
    assert {port.type.tensor_type.elem_type for port in ports} == {TensorProto.FLOAT}
    kinds = {one.name: one.data_type for one in graph.initializer}
    made_by = {name: node for node in graph.node for name in node.output}
    convs = [node for node in graph.node if node.op_type == "Conv"]
    whole = [node.input[1] in kinds for node in convs]  # else dequantised from integers
    assert whole == [True] + [False] * (len(convs) - 2) + [True]
    assert not any(node.op_type == "BatchNormalization" for node in graph.node)
    weights = {
        one.name: onnx.numpy_helper.to_array(one)
        for one in graph.initializer
        if one.data_type == TensorProto.INT8
    }
    inside = [weights[made_by[node.input[1]].input[0]] for node in convs[1:-1]]
    assert max(int(np.abs(one.astype(int)).max()) for one in inside) == 64, "7 bits"
    scales = [made_by[node.input[1]].input[1] for node in convs[1:-1]]
    known = {one.name: one for one in graph.initializer}
    assert all(known[name].dims[0] == len(one) for name, one in zip(scales, inside, strict=True))


def test_faces_are_needed_and_enough_of_them(filler, card, faces, tmp_path):
    for given, words in ((None, "--pairs"), (faces(), "needs 200 faces")):
        with pytest.raises(DataError, match=words):
            onnx_int8.export(filler, card, tmp_path / "x.onnx", faces=given)
    assert not list(tmp_path.iterdir())


def test_a_loss_too_large_is_refused(filler, card, faces, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(parity, "INT8", Gate(max_error=1e-4))
    with pytest.raises(ModelError, match=r"onnx-int8: the file is too far.*nothing was written"):
        onnx_int8.export(filler, card, tmp_path / "x.onnx", faces=faces())
    assert not list(tmp_path.iterdir())


def test_folding_that_changes_the_net_is_refused(
    filler, card, faces, few_will_do, tmp_path, monkeypatch
):
    def spoilt(net):
        made = folding.folded(net)
        last = [one for one in made.modules() if isinstance(one, nn.Conv2d)][-1]
        with torch.no_grad():
            last.bias += 2
        return made

    monkeypatch.setattr(exporter, "folded", spoilt)
    monkeypatch.setattr(parity, "INT8", Gate(max_error=0.3))
    with pytest.raises(ModelError, match="too far from the net"):
        onnx_int8.export(filler, card, tmp_path / "x.onnx", faces=faces())


def test_a_net_without_an_inside(card, faces, few_will_do, tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.Sigmoid())
    with pytest.raises(ModelError, match=r"no convolution between.*'onnx-fp16'"):
        onnx_int8.export(net, card, tmp_path / "x.onnx", faces=faces())


def test_calibration_sees_the_calibration_faces_only(filler, card, faces, quick, tmp_path):
    found = faces()
    calm = dataclasses.replace(found, calibration=found.calibration * 0.01 + 0.5)
    wide = onnx_int8.export(filler, card, tmp_path / "a.onnx", faces=found).parity
    narrow = onnx_int8.export(filler, card, tmp_path / "b.onnx", faces=calm).parity
    assert narrow.mean_error > 1.5 * wide.mean_error
