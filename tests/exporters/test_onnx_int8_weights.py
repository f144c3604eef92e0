"""ONNX with weights of one byte: nearly the same outputs, a scale for each channel, refusals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from mask2face.errors import DataError, ModelError
from mask2face.exporters import EXPORTERS, Faces, parity
from mask2face.exporters.parity import Gate
from mask2face.restorer import ModelCard, Restorer

SIDE = 32
CARD = ModelCard("tiny", "3", SIDE, "tiny", 1, 0.1, "MIT", "none", "none")
TARGET = "onnx-int8-weights"

Make = Callable[..., Faces]


class Wide(nn.Module):
    """A net whose size is its weights, with a constant that is no layer's weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 64, 3, padding=1), nn.Conv2d(64, 4, 3, padding=1)
        self.map = nn.Parameter(torch.rand(1, 64, SIDE, SIDE))

    def forward(self, crops: Tensor) -> Tensor:
        return torch.sigmoid(self.last(torch.relu(self.first(crops)) + self.map))


def net() -> Wide:
    torch.manual_seed(0)
    made = Wide()
    with torch.no_grad():  # channels of very different sizes: one scale for all would lose them
        made.first.weight *= torch.logspace(-2, 1, 64)[:, None, None, None]
        made.last.weight[2] = 0
    return made


def initializers(path: Path) -> dict[str, np.ndarray]:
    graph = onnx.load(path).graph
    return {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}


@pytest.fixture(autouse=True)
def _few(few_will_do: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise has no truth: how far the file is from the net is what counts here."""
    monkeypatch.setattr(parity, "INT8_WEIGHTS", Gate(max_error=0.02))


def test_nearly_the_same_outputs(faces: Make, tmp_path: Path) -> None:
    made = net()
    plain = EXPORTERS["onnx"](made, CARD, tmp_path / "plain.onnx")
    small = EXPORTERS[TARGET](made, CARD, tmp_path / "small.onnx", faces=faces())
    assert 1e-6 < small.parity.max_error <= 0.02
    assert small.size < plain.size
    one, two = Restorer(plain.path), Restorer(small.path)
    assert replace(two.card, metrics={}) == one.card == CARD
    assert two.card.metrics["parity_faces"] == 12
    crops = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    (restored, holes), (wanted, truth) = two(crops), one(crops)
    assert np.abs(restored.astype(int) - wanted).max() <= 4
    assert np.abs(holes - truth).max() <= 0.02
    assert truth.std() > 0.01


def test_each_output_channel_has_its_scale_and_the_rest_stays_float32(
    faces: Make, tmp_path: Path
) -> None:
    made = net()
    stored = initializers(
        EXPORTERS[TARGET](made, CARD, tmp_path / "small.onnx", faces=faces()).path
    )
    integers, scale = stored["first.weight.int8"], stored["first.weight.scale"]
    assert integers.dtype == np.int8
    assert scale.shape == (64, 1, 1, 1)
    assert (np.abs(integers.astype(int)).max(axis=(1, 2, 3)) == 127).all()
    weights = made.first.weight.detach().numpy()
    assert (np.abs(integers * scale - weights) <= 0.5001 * scale).all()
    assert not stored["last.weight.int8"][2].any()
    assert np.isfinite(stored["last.weight.scale"]).all()
    rest = [one for name, one in stored.items() if not name.endswith(".int8")]
    assert {one.dtype for one in rest if one.size > 4} == {np.dtype(np.float32)}
    assert any(one.size == 64 * SIDE * SIDE for one in rest)


def test_weights_are_floats_again_once_the_file_is_open(faces: Make, tmp_path: Path) -> None:
    path = EXPORTERS[TARGET](net(), CARD, tmp_path / "small.onnx", faces=faces()).path
    assert {"Cast", "Mul"} <= {node.op_type for node in onnx.load(path).graph.node}
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "open.onnx")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    opened = {node.op_type for node in onnx.load(tmp_path / "open.onnx").graph.node}
    assert not {"Cast", "Mul"} & opened
    assert "Conv" in opened


def test_nothing_large_enough_is_refused(faces: Make, tmp_path: Path) -> None:
    small = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Sigmoid())
    with pytest.raises(ModelError, match="to store as int8: export to 'onnx-fp16' instead"):
        EXPORTERS[TARGET](small, CARD, tmp_path / "x.onnx", faces=faces())
    assert not list(tmp_path.iterdir())


def test_a_loss_too_large_is_refused(
    faces: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parity, "INT8_WEIGHTS", Gate(psnr_drop=-90))
    with pytest.raises(ModelError, match=r"onnx-int8-weights: the file is too far.*nothing was w"):
        EXPORTERS[TARGET](net(), CARD, tmp_path / "x.onnx", faces=faces())
    assert not (tmp_path / "x.onnx").exists()


def test_without_faces_it_says_what_to_give(faces: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"onnx-int8-weights must be compared on faces.*--pairs"):
        EXPORTERS[TARGET](net(), CARD, tmp_path / "x.onnx")
    with pytest.raises(DataError, match="to compare on"):
        EXPORTERS[TARGET](net(), CARD, tmp_path / "x.onnx", faces=faces(count=2))
    assert not list(tmp_path.iterdir())
