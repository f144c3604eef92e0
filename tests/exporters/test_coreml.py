"""Core ML's package, read again and worked out in torch: the net's numbers; ports, card, refusals.

`worked_out` knows the operations that `face_filler` is written with, and computes in float32 from
the file's float16 weights.
"""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters import EXPORTERS
from mask2face.exporters import coreml as exporter
from mask2face.formats import coreml as package_format
from mask2face.formats.hush import quiet
from mask2face.nets.extras import Extra
from mask2face.restorer import CARD_KEY, ModelCard

pytest.importorskip("coremltools")

SIDE = 32
KINDS = {10: np.float16, 33: np.uint32}  # by MIL's number of the type


def worked_out(package: Path, inputs: dict[str, Tensor]) -> Tensor:
    """Return what the package's program gives for `inputs` by name."""
    from coremltools.libmilstoragepython import _BlobStorageReader

    program = spec_of(package).mlProgram.functions["main"]
    block = program.block_specializations[program.opset]
    reader = _BlobStorageReader(str(package / "Data/com.apple.CoreML/weights/weight.bin"))
    values: dict[str, Any] = dict(inputs)
    for operation in block.operations:
        given = {
            name: _value(one.arguments[0].value, reader)
            if one.arguments[0].WhichOneof("binding") == "value"
            else values[one.arguments[0].name]
            for name, one in operation.inputs.items()
        }
        name = operation.outputs[0].name
        if operation.type == "const":
            values[name] = _value(operation.attributes["val"], reader)
        else:
            values[name] = OPERATIONS[operation.type](**given)
    return values[block.outputs[0]]


def _value(value: Any, reader: Any) -> Any:
    shape = [one.constant.size for one in value.type.tensorType.dimensions]
    if value.WhichOneof("value") == "blobFileValue":
        bits = np.array(reader.read_fp16_data(value.blobFileValue.offset), np.uint16)
        return torch.from_numpy(bits.view(np.float16).astype(np.float32).reshape(shape))
    tensor = value.immediateValue.tensor
    kind = tensor.WhichOneof("value")
    if kind == "bytes":
        numbers = np.frombuffer(tensor.bytes.values, KINDS[value.type.tensorType.dataType])
        if numbers.dtype == np.uint32:
            return int(numbers[0])
        return torch.from_numpy(numbers.astype(np.float32).reshape(shape))
    found = list(getattr(tensor, kind).values)
    return found if shape else found[0]


def _conv(x, weight, strides, pad_type, pad, dilations, groups, bias=None):
    assert pad_type in ("custom", "valid")
    padding = (pad[0], pad[2]) if pad_type == "custom" else 0
    assert pad[0] == pad[1]
    assert pad[2] == pad[3]
    return functional.conv2d(x, weight, bias, strides, padding, dilations, groups)


def _enlarged(x, scale_factor_height, scale_factor_width):
    return functional.interpolate(
        x, scale_factor=(float(scale_factor_height), float(scale_factor_width)), mode="nearest"
    )


OPERATIONS = {
    "add": lambda x, y: x + y,
    "cast": lambda x, dtype: x,  # float16 <-> float32: all is float32 here
    "conv": _conv,
    "mul": lambda x, y: x * y,
    "pixel_shuffle": lambda x, upscale_factor: functional.pixel_shuffle(x, upscale_factor),
    "pixel_unshuffle": lambda x, downscale_factor: functional.pixel_unshuffle(x, downscale_factor),
    "relu": lambda x: x.relu(),
    "sigmoid": lambda x: x.sigmoid(),
    "sub": lambda x, y: x - y,
    "upsample_nearest_neighbor": _enlarged,
}


def spec_of(package: Path) -> Any:
    with quiet():
        from coremltools.models.utils import load_spec

        return load_spec(str(package))


def test_the_package_gives_what_the_net_gives(filler, card, faces, tmp_path, capfd):
    done = EXPORTERS["coreml"](filler, card, tmp_path / "tiny.mlpackage", faces=faces())
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.mlpackage"]
    assert done.size == sum(p.stat().st_size for p in done.path.rglob("*") if p.is_file())
    assert (done.error, done.parity) == (None, None), "nothing here runs it"
    assert "not measured on this platform" in done.note

    modes = [
        {one.stat().st_mode for one in done.path.rglob("*") if one.is_dir() is k}
        for k in (False, True)
    ]
    assert [len(one) for one in modes] == [1, 1], "who may read one file may read them all"

    spec = spec_of(done.path)
    about = spec.description
    assert ModelCard.from_json(about.metadata.userDefined[CARD_KEY]) == card
    assert about.metadata.license == "MIT"
    assert not any("date" in key for key in about.metadata.userDefined)
    assert [port.name for port in (*about.input, *about.output)] == ["crops", "restored"]
    assert str(tmp_path) not in str(spec)
    crops = torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        wanted = filler.eval()(crops)
    made = worked_out(done.path, {"crops": crops})
    assert 0 < float((made - wanted).abs().max()) <= 2 / 255
    assert wanted.std() > 0.05


class Tinted(nn.Module):
    """A net with a second input."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = Extra("noise", 3)
        self.body, self.join = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(3, 4)

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        return torch.sigmoid(self.body(crops) + self.join(noise)[:, :, None, None])


def test_a_second_input_and_another_package_in_the_way(card, tmp_path):
    path = tmp_path / "x.mlpackage"
    path.mkdir()
    (path / "old").write_text("precious")
    with pytest.raises(OutputError, match="exists"):
        exporter.export(Tinted(), card, path)
    assert (path / "old").is_file()
    exporter.export(Tinted(), card, path, overwrite=True)
    assert [one.name for one in tmp_path.iterdir()] == ["x.mlpackage"]
    assert not (path / "old").exists()
    ports = {port.name: port.type.multiArrayType for port in spec_of(path).description.input}
    assert {name: list(port.shape) for name, port in ports.items()} == {
        "crops": [1, 3, SIDE, SIDE],
        "noise": [1, 3],
    }


class Odd(nn.Module):
    """A net with an operation that Core ML does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 1)

    def forward(self, crops: Tensor) -> Tensor:
        return torch.sigmoid(torch.special.bessel_j0(self.body(crops)))


class TestRefusals:
    def test_a_layer_that_core_ml_has_not(self, card, tmp_path):
        with pytest.raises(ModelError, match=r"Core ML cannot express.*bessel_j0.*'onnx' instead"):
            exporter.export(Odd(), card, tmp_path / "x.mlpackage")
        assert not list(tmp_path.iterdir())

    def test_a_package_that_lost_its_weights_or_card(self, filler, card, tmp_path):
        path = exporter.export(filler, card, tmp_path / "x.mlpackage").path
        inputs = {"crops": torch.rand(1, 3, SIDE, SIDE)}
        parameters = sum(p.numel() for p in filler.parameters())
        outputs, texts = {"restored": (1, 4, SIDE, SIDE)}, {CARD_KEY: card.to_json()}
        package_format.check(path, inputs, outputs, texts, parameters)
        with pytest.raises(ModelError, match="bytes of weights"):
            package_format.check(path, inputs, outputs, texts, 10 * parameters)
        other = {"crops": torch.rand(1, 3, 64, 64)}
        with pytest.raises(ModelError, match="maps"):
            package_format.check(path, other, outputs, texts, parameters)
        with pytest.raises(ModelError, match="card"):
            package_format.check(path, inputs, outputs, {CARD_KEY: "{}"}, parameters)
        shutil.rmtree(path)

    def test_another_ending(self, filler, card, tmp_path):
        with pytest.raises(OutputError, match=r"must end in \.mlpackage"):
            exporter.export(filler, card, tmp_path / "x.mlmodel")

    def test_missing_package(self, filler, card, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"mask2face\[mobile\]"):
            exporter.export(filler, card, tmp_path / "x.mlpackage")
