"""ONNX with halved weights: half the size, the same contract, refusals."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from mask2face.errors import ModelError
from mask2face.exporters import EXPORTERS
from mask2face.restorer import ModelCard, Restorer

SIDE = 32
CARD = ModelCard("tiny", "3", SIDE, "tiny", 1, 0.1, "MIT", "none", "none")


class Wide(nn.Module):
    """A net whose size is its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 4, 3, padding=1)

    def forward(self, crops: Tensor) -> Tensor:
        return torch.sigmoid(self.last(torch.relu(self.first(crops))))


def net() -> Wide:
    torch.manual_seed(0)
    return Wide()


def test_half_the_size_and_nearly_the_same(tmp_path: Path) -> None:
    made = net()
    plain = EXPORTERS["onnx"](made, CARD, tmp_path / "plain.onnx")
    half = EXPORTERS["onnx-fp16"](made, CARD, tmp_path / "half.onnx")
    assert half.size < 0.6 * plain.size
    assert 1e-6 < half.error <= 2 / 255

    one, two = Restorer(plain.path), Restorer(half.path)
    assert one.card == two.card == CARD
    crops = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    (restored, holes), (wanted, truth) = two(crops), one(crops)
    assert np.abs(restored.astype(int) - wanted).max() <= 2
    assert np.abs(holes - truth).max() <= 2 / 255
    assert truth.std() > 0.01


def test_inputs_outputs_and_small_weights_stay_float32(tmp_path: Path) -> None:
    path = EXPORTERS["onnx-fp16"](net(), CARD, tmp_path / "half.onnx").path
    graph = onnx.load(path).graph
    ports = [*graph.input, *graph.output]
    assert {port.type.tensor_type.elem_type for port in ports} == {onnx.TensorProto.FLOAT}
    kinds = {tuple(one.dims): one.data_type for one in graph.initializer}
    assert kinds[64, 3, 3, 3] == onnx.TensorProto.FLOAT16
    assert kinds[64,] == onnx.TensorProto.FLOAT


def test_a_weight_too_large_is_refused(tmp_path: Path) -> None:
    made = net()
    with torch.no_grad():
        made.first.weight[0, 0, 0, 0] = 1e5
    with pytest.raises(ModelError, match="float16 cannot hold: export to 'onnx'"):
        EXPORTERS["onnx-fp16"](made, CARD, tmp_path / "half.onnx")
    assert not list(tmp_path.iterdir())


def test_a_difference_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="differs from the net"):
        EXPORTERS["onnx-fp16"](net(), CARD, tmp_path / "half.onnx", tolerance=1e-7)
    assert not list(tmp_path.iterdir())
