"""LiteRT export: parity, ports, card, refusals. What conversion costs, each test shares."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters import EXPORTERS, Faces, litert, parity
from mask2face.exporters.contract import PORTS
from mask2face.exporters.litert import read_card
from mask2face.formats.litert_file import Session
from mask2face.nets import NETS, extras
from mask2face.nets.extras import Extra
from mask2face.restorer import INPUT, OUTPUT, ModelCard

for needed in ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"):
    pytest.importorskip(needed, reason="the extra `litert` is not installed")

SIDE = 32
# small, and with all that a net can do
SMALL: dict[str, dict[str, Any]] = {
    "encoder_decoder": {"filters": [4, 6], "kernels": [3, 3], "predict_difference": True},
    "face_filler": {"filters": [4, 6], "dilations": [1, 2]},
    "refinement": {
        "filters": [4, 6],
        "kernels": [3, 3],
        "coarse_filters": [4, 6],
        "coarse_kernels": [3, 3],
    },
    "resnet_unet": {
        "filters": [4, 6],
        "kernels": [5, 3],
        "embeddings": ["face"],
        "face_size": 5,
    },
    "unet": {"filters": [4, 6], "kernels": [3, 3], "embeddings": ["imagenet"]},
    "vae": {"filters": [4, 6], "kernels": [3, 3], "latent": 4},
}
QUICK = ("face_filler", "resnet_unet")  # what ships, and the net with the most kinds of layers
CARD = ModelCard("tiny", "3", SIDE, "tiny", 1, 0.1, "MIT", "nöne", "none", embedder="dlib")


def tried(name: str) -> nn.Module:
    """Return a small net of which each branch matters, its statistics not the identity."""
    torch.manual_seed(0)
    net = NETS[name](**SMALL.get(name, {}))
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
    wanted = extras.extra_of(net)
    with torch.no_grad():
        extras.run(
            net, torch.rand(3, 3, SIDE, SIDE), torch.randn(3, wanted.size) if wanted else None
        )
    return net


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in sorted(NETS)],
)
def test_every_net_is_the_same_as_its_file(
    name: str, tmp_path: Path, faces: Callable[..., Faces]
) -> None:
    net = tried(name)
    wanted = extras.extra_of(net)
    card = replace(CARD, net=name)
    compared = None if wanted else faces(3)
    done = EXPORTERS["litert"](net, card, tmp_path / "x.tflite", faces=compared)
    assert net.training
    assert done.error is not None
    assert 0 < done.error <= 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["x.tflite"]
    data = done.path.read_bytes()
    assert done.size == len(data)
    assert str(Path(__file__).parents[2]).encode() not in data

    _check_ports(data, wanted)
    session = Session(data, PORTS)
    assert session.size == (SIDE, SIDE)
    crops = np.random.default_rng(1).random((2, 3, SIDE, SIDE), np.float32)
    vectors = np.ones((2, wanted.size), np.float32) if wanted else None
    with torch.no_grad():
        more = None if vectors is None else torch.from_numpy(vectors)
        truth = extras.run(net.eval(), torch.from_numpy(crops), more).numpy()
    assert np.abs(session(crops, vectors) - truth).max() <= 1e-4
    assert truth.std() > 0.01
    if wanted:
        assert read_card(data) == card
        plain = session(crops, np.zeros_like(vectors))
        assert np.abs(plain - truth)[:, :3].max() > 1e-3, "the second input changes nothing"
        with pytest.raises(ValueError, match="give vectors"):
            session(crops)
    else:
        assert done.parity is not None
        assert done.parity.faces == 3
        assert read_card(data) == done.parity.within(card)


def _check_ports(data: bytes, extra: Extra | None) -> None:
    """Check that crops and result have their channels last, and all ports their names."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=data).get_signature_runner()
    inputs, outputs = runner.get_input_details(), runner.get_output_details()
    shapes = {INPUT: [1, SIDE, SIDE, 3]} | ({extra.name: [1, extra.size]} if extra else {})
    assert {name: list(port["shape"]) for name, port in inputs.items()} == shapes
    assert {name: list(port["shape"]) for name, port in outputs.items()} == {
        OUTPUT: [1, SIDE, SIDE, 4]
    }
    assert {port["dtype"] for port in (*inputs.values(), *outputs.values())} == {np.float32}


class Spectral(nn.Module):
    """A net with a layer that LiteRT has not."""

    def __init__(self) -> None:
        super().__init__()
        self.waves = Waves()
        self.last = nn.Conv2d(3, 4, 1)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.last(self.waves(crops)))


class Waves(nn.Module):
    """The absolute values of a Fourier transform."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.fft2(x).abs()


class TestRefusals:
    def test_a_layer_that_it_cannot_express_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"aten.* in the layer 'waves'.*export to 'onnx'"):
            litert.export(Spectral(), CARD, tmp_path / "x.tflite")
        assert not list(tmp_path.iterdir())

    def test_existing_file(self, tmp_path: Path) -> None:
        path = tmp_path / "there.tflite"
        path.write_bytes(b"precious")
        with pytest.raises(OutputError, match="exists"):
            litert.export(tried("vae"), CARD, path)
        assert path.read_bytes() == b"precious"

    def test_difference_leaves_no_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(litert, "convert", lambda net, inputs, output: b"")
        monkeypatch.setattr(
            litert, "Session", lambda data, ports: lambda crops, _: crops[:, [0, 1, 2, 2]]
        )
        with pytest.raises(ModelError, match="differs from the net"):
            litert.export(tried("vae"), CARD, tmp_path / "x.tflite")
        assert not list(tmp_path.iterdir())

    def test_faces_are_held_to_the_tolerance(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faces: Callable[..., Faces]
    ) -> None:
        net = tried("face_filler").eval()
        truth = parity.of_net(net)
        monkeypatch.setattr(litert, "converted", lambda *_: (b"", 0.0))
        monkeypatch.setattr(
            litert, "Session", lambda data, ports: lambda *given: truth(*given) + 1e-3
        )
        monkeypatch.setattr(litert, "finish", lambda *given: given[-1])
        path = tmp_path / "x.tflite"
        found: Any = litert.export(net, CARD, path, faces=faces(3), tolerance=0.01)
        assert 0 < found.max_error < 0.01
        with pytest.raises(ModelError, match="allowed 0.0001"):
            litert.export(net, CARD, path, faces=faces(3))

    def test_a_card_that_does_not_survive(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(litert, "with_metadata", lambda data, key, text: data)
        monkeypatch.setattr(litert, "read_card", lambda data: replace(CARD, version="4"))
        with pytest.raises(ModelError, match="not the one that was put there"):
            litert.finish(b"data", CARD, tmp_path / "x.tflite", 0.0, None)
        assert not list(tmp_path.iterdir())

    def test_net_without_a_hole(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"instead of \(5, 4, 32, 32\)"):
            litert.export(nn.Conv2d(3, 3, 1), CARD, tmp_path / "x.tflite")

    def test_missing_package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        net = tried("vae")
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"mask2face\[litert\]"):
            litert.export(net, CARD, tmp_path / "x.tflite")
