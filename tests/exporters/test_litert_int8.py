"""LiteRT in integers: small, near, calibrated, refusals."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import DataError, ModelError
from mask2face.exporters import Faces, litert, litert_int8, parity
from mask2face.exporters.contract import PORTS
from mask2face.exporters.litert import read_card
from mask2face.exporters.parity import Gate
from mask2face.formats.litert_file import Session
from mask2face.formats.litert_int8 import quantised
from mask2face.nets import FaceFiller
from mask2face.restorer import ModelCard

for needed in ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"):
    pytest.importorskip(needed, reason="the extra `litert` is not installed")

SIDE = 32
CARD = ModelCard("tiny", "3", SIDE, "face_filler", 1, 0.1, "MIT", "none", "none")


def net() -> nn.Module:
    torch.manual_seed(0)
    made = FaceFiller([24, 32], [1])
    with torch.no_grad():
        for _ in range(20):
            made(torch.rand(4, 3, SIDE, SIDE))
    return made


@pytest.fixture(scope="module")
def converted() -> tuple[nn.Module, bytes]:
    made = net().eval()
    return made, litert.converted(made, CARD, litert.TOLERANCE)[0]


@pytest.fixture
def quick(
    monkeypatch: pytest.MonkeyPatch, few_will_do: None, converted: tuple[nn.Module, bytes]
) -> nn.Module:
    """Let 8 faces do, and convert once."""
    monkeypatch.setattr(litert, "converted", lambda *_: (converted[1], 0.0))
    return converted[0]


def test_small_near_and_with_float_ports(
    quick: nn.Module,
    converted: tuple[nn.Module, bytes],
    faces: Callable[..., Faces],
    tmp_path: Path,
) -> None:
    done = litert_int8.export(quick, CARD, tmp_path / "x.tflite", faces=faces(8))
    assert done.parity is not None
    assert 1e-4 < done.parity.max_error < 0.2
    assert done.error == done.parity.max_error
    assert done.parity.psnr_drop <= 0.3
    data = done.path.read_bytes()
    assert done.size == len(data) < 0.5 * len(converted[1])
    assert read_card(data) == done.parity.within(CARD)

    from ai_edge_litert.interpreter import Interpreter

    opened = Interpreter(model_content=data)
    kinds = [one["dtype"] for one in opened.get_tensor_details()]
    assert kinds.count(np.int8) > 20
    weights = [one for one in opened.get_tensor_details() if list(one["shape"]) == [24, 3, 3, 12]]
    assert len(weights[0]["quantization_parameters"]["scales"]) == 24, "a scale a channel"
    ports = (*opened.get_input_details(), *opened.get_output_details())
    assert {port["dtype"] for port in ports} == {np.float32}


def test_calibration_sets_the_ranges(quick: nn.Module, faces: Callable[..., Faces]) -> None:
    bright = faces(8)
    dark = Faces(bright.calibration / 8, bright.crops, bright.truth, bright.holes)
    one, two = (
        quantised(litert.converted(quick, CARD, 1)[0], litert_int8._samples(found, None))
        for found in (bright, dark)
    )
    wanted = parity.of_net(quick)
    good, bad = (parity.compare(wanted, Session(data, PORTS), bright) for data in (one, two))
    assert bad.mean_error > 2 * good.mean_error


def test_samples_are_the_calibration_faces_with_their_vectors(faces: Callable[..., Faces]) -> None:
    found = faces(3, extra=4)
    first, *others = litert_int8._samples(found, "noise")
    assert len(others) == 2
    assert list(first) == ["crops", "noise"]
    assert np.array_equal(first["crops"], found.calibration[:1].transpose(0, 2, 3, 1))
    assert np.array_equal(first["noise"], found.calibration_vectors[:1])
    assert list(litert_int8._samples(faces(3), None)[0]) == ["crops"]


class TestRefusals:
    def test_no_faces(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="litert-int8.*--pairs"):
            litert_int8.export(net(), CARD, tmp_path / "x.tflite")

    def test_too_few_faces(self, faces: Callable[..., Faces], tmp_path: Path) -> None:
        with pytest.raises(DataError, match="200 faces"):
            litert_int8.export(net(), CARD, tmp_path / "x.tflite", faces=faces(199))

    def test_too_far_from_the_net(
        self,
        quick: nn.Module,
        faces: Callable[..., Faces],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(parity, "INT8", Gate(psnr_drop=-9.0))
        with pytest.raises(ModelError, match=r"litert-int8.*psnr drop.*'onnx'"):
            litert_int8.export(quick, CARD, tmp_path / "x.tflite", faces=faces(8))
        assert not list(tmp_path.iterdir())
