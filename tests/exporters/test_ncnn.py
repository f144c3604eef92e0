"""ncnn: three files that agree with the net; their ports and card; refusals."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters import EXPORTERS
from mask2face.nets.extras import Extra
from mask2face.restorer import ModelCard

pytest.importorskip("ncnn")
pytest.importorskip("pnnx")
from mask2face.exporters import ncnn as exporter
from mask2face.exporters.contract import PORTS
from mask2face.formats.ncnn import Session

SIDE = 32


def test_three_files_that_agree(filler, card, faces, tmp_path, capfd):
    done = EXPORTERS["ncnn"](filler, card, tmp_path / "tiny.param", faces=faces())
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tiny.bin",
        "tiny.json",
        "tiny.param",
    ]
    assert done.files == tuple(tmp_path / f"tiny.{end}" for end in ("param", "bin", "json"))
    assert done.path == done.files[0]
    assert done.size == sum(path.stat().st_size for path in done.files)
    assert done.files[1].stat().st_size < 2.2 * sum(p.numel() for p in filler.parameters())
    assert 1e-6 < done.parity.max_error <= done.error <= 2 / 255

    found = ModelCard.from_json(done.files[2].read_text(encoding="utf-8"))
    assert found == done.parity.within(card)
    crops = torch.rand(3, 3, SIDE, SIDE)
    with torch.no_grad():
        wanted = filler.eval()(crops).numpy()
    made = Session(done.path, PORTS)(crops.numpy())
    assert np.abs(made - wanted).max() <= 2 / 255
    assert wanted.std() > 0.05
    layers = [line.split() for line in done.path.read_text().splitlines()[2:]]
    assert layers[0][4] == "crops"
    assert [layer[-1] for layer in layers if "restored" in layer] or layers[-1][5] == "restored"


class Tinted(nn.Module):
    """A net with a second input."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = Extra("noise", 3)
        self.body, self.join = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(3, 4)

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        return torch.sigmoid(self.body(crops) + self.join(noise)[:, :, None, None])


def test_a_second_input(card, faces, tmp_path):
    net = Tinted()
    done = exporter.export(net, card, tmp_path / "x.param", faces=faces(extra=3))
    crops, noise = torch.rand(2, 3, SIDE, SIDE), torch.randn(2, 3)
    with torch.no_grad():
        wanted, likeliest = net(crops, noise).numpy(), net(crops, 0 * noise).numpy()
    made = Session(done.path, PORTS)(crops.numpy(), noise.numpy())
    assert np.abs(made - wanted).max() <= 2 / 255 < np.abs(likeliest - wanted).max()
    with pytest.raises(ValueError, match="'noise' beside pictures: give vectors"):
        Session(done.path, PORTS)(crops.numpy())


def test_a_path_from_here_and_files_that_are_replaced(filler, card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for end in ("param", "bin", "json"):
        Path(f"x.{end}").write_text("old")
    done = exporter.export(filler, card, "x.param", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.bin", "x.json", "x.param"]
    assert Session(done.path, PORTS)(np.zeros((1, 3, SIDE, SIDE), np.float32)).shape[1] == 4
    assert ModelCard.from_json(Path("x.json").read_text(encoding="utf-8")) == card


class Odd(nn.Module):
    """A net with an operation that ncnn does not have."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 1)

    def forward(self, crops: Tensor) -> Tensor:
        return torch.sigmoid(torch.cummax(self.body(crops), 3)[0])


class TestRefusals:
    def test_a_layer_that_ncnn_has_not(self, card, tmp_path):
        with pytest.raises(ModelError, match=r"ncnn has no layer 'aten::cummax' .*'onnx' instead"):
            exporter.export(Odd(), card, tmp_path / "x.param")
        assert not list(tmp_path.iterdir())

    def test_a_converter_that_does_not_start(self, filler, card, tmp_path, monkeypatch):
        monkeypatch.setattr("pnnx.EXEC_PATH", str(tmp_path / "none"))
        with pytest.raises(ModelError, match="pnnx does not start.*install it again"):
            exporter.export(filler, card, tmp_path / "x.param")
        assert not list(tmp_path.iterdir())

    def test_a_difference_too_large(self, filler, card, tmp_path):
        with pytest.raises(ModelError, match="ncnn file differs from the net"):
            exporter.export(filler, card, tmp_path / "x.param", tolerance=1e-7)
        assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("end", ["param", "bin", "json"])
    def test_any_of_the_files_exists(self, filler, card, tmp_path, end):
        (tmp_path / f"x.{end}").write_text("precious")
        with pytest.raises(OutputError, match=f"x.{end} exists"):
            exporter.export(filler, card, tmp_path / "x.param")
        assert (tmp_path / f"x.{end}").read_text() == "precious"

    def test_another_ending(self, filler, card, tmp_path):
        with pytest.raises(OutputError, match=r"must end in \.param"):
            exporter.export(filler, card, tmp_path / "x.ncnn")

    def test_broken_files(self, tmp_path):
        (tmp_path / "x.param").write_text("nothing")
        with pytest.raises(ModelError, match="ncnn cannot open"):
            Session(tmp_path / "x.param", PORTS)

    def test_missing_package(self, filler, card, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"mask2face\[mobile\]"):
            exporter.export(filler, card, tmp_path / "x.param")
