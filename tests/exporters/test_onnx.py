"""ONNX export: parity, card, one clean file, refusals."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters import EXPORTERS, cost
from mask2face.exporters import onnx as exporter
from mask2face.nets import NETS, extras
from mask2face.nets.extras import Extra
from mask2face.restorer import CARD_KEY, ModelCard, Restorer

SIDE = 32
# options with which a net is small, takes crops of 32 px and shows all that it can; a new net needs
# a line here only if its own defaults are too large for a test
SMALL: dict[str, dict[str, Any]] = {
    "encoder_decoder": {"filters": [6, 8], "kernels": [3, 3], "predict_difference": True},
    "face_filler": {"filters": [6, 8], "dilations": [1, 2]},
    "refinement": {
        "filters": [6, 8],
        "kernels": [3, 3],
        "coarse_filters": [6, 8],
        "coarse_kernels": [3, 3],
    },
    "resnet_unet": {
        "filters": [6, 8],
        "kernels": [5, 3],
        "embeddings": ["imagenet", "face"],
        "face_size": 5,
    },
    "unet": {"filters": [6, 8], "kernels": [3, 3], "embeddings": ["imagenet"]},
    "vae": {"filters": [6, 8], "kernels": [3, 3], "latent": 4},
}


class Tiny(nn.Module):
    """A net with what our nets are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, 16, 3, padding=2, dilation=2),
            nn.BatchNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, 16, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, crops: Tensor) -> Tensor:
        return torch.sigmoid(self.body(crops))


@pytest.fixture
def net() -> Tiny:
    torch.manual_seed(0)
    net = Tiny()
    with torch.no_grad():
        for _ in range(3):
            net(torch.rand(4, 3, SIDE, SIDE))  # statistics that are not the identity
    return net


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        name="tiny",
        version="3",
        side=SIDE,
        net="tiny",
        parameters=1,
        gmac=0.1,
        licence="MIT",
        data="nöne",
        training="none",
    )


def test_every_exporter_is_named_like_its_module() -> None:
    for name, made in EXPORTERS.items():
        assert made.__module__ == f"mask2face.exporters.{name.replace('-', '_')}"


def test_parity_card_and_one_clean_file(net: Tiny, card: ModelCard, tmp_path: Path) -> None:
    assert net.training
    done = EXPORTERS["onnx"](net, card, tmp_path / "tiny.onnx")
    assert net.training
    assert done.path == tmp_path / "tiny.onnx"
    assert 0 <= done.error <= 1e-4
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.onnx"]
    assert done.path.stat().st_size == done.size

    restorer = Restorer(done.path)
    assert restorer.card == card
    crops = np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)
    restored, holes = restorer(crops)
    with torch.no_grad():
        wanted = net.eval()(torch.from_numpy(crops).permute(0, 3, 1, 2) / 255).numpy()
    assert np.abs(restored / 255 - wanted[:, :3].transpose(0, 2, 3, 1)).max() <= 0.5 / 255 + 1e-4
    assert np.abs(holes - wanted[:, 3]).max() <= 1e-4
    assert wanted.std() > 0.01

    model = onnx.load(done.path)
    assert model.producer_name == "mask2face"
    assert model.opset_import[0].version >= 17
    assert [p.key for p in model.metadata_props] == [CARD_KEY]
    assert not any(t.data_location == onnx.TensorProto.EXTERNAL for t in model.graph.initializer)
    content = done.path.read_bytes()
    assert b".py" not in content  # no stack traces, no paths of the machine that exported
    assert str(Path(__file__).parents[2]).encode() not in content


def test_exports_the_same_bytes_twice(net: Tiny, card: ModelCard, tmp_path: Path) -> None:
    one, two = (exporter.export(net, card, tmp_path / name).path for name in ("a", "b"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", sorted(NETS))
def test_every_net_is_the_same_as_its_file(name: str, card: ModelCard, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = NETS[name](**SMALL.get(name, {}))
    for parameter in net.parameters():
        if parameter.dim() > 1:  # large, so that each branch matters, also those that start at zero
            nn.init.kaiming_normal_(parameter)
    wanted = extras.extra_of(net)
    crops = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    inputs = torch.from_numpy(crops).permute(0, 3, 1, 2) / 255
    vectors = torch.randn(3, wanted.size) if wanted else None
    with torch.no_grad():
        extras.run(net, inputs, vectors)  # statistics that are not the identity
        truth = extras.run(net.eval(), inputs, vectors).numpy()
        plain = extras.run(net, inputs).numpy()
    card = replace(card, net=name, gmac=cost(net, SIDE).gmac, embedder="dlib")
    done = exporter.export(net, card, tmp_path / f"{name}.onnx")
    assert done.error <= 1e-4

    restorer = Restorer(done.path)
    assert restorer.card == card
    assert (restorer.extra and restorer.extra.name) == (wanted and wanted.name)
    restored, holes = restorer(crops, None if vectors is None else vectors.numpy())
    assert np.abs(holes - truth[:, 3]).max() <= 1e-4
    assert np.abs(restored / 255 - truth[:, :3].transpose(0, 2, 3, 1)).max() <= 0.5 / 255 + 1e-4
    assert truth.std() > 0.01
    if wanted:
        assert np.abs(truth - plain)[:, :3].max() > 1e-3, "the second input changes nothing"
        zeros = np.zeros((3, wanted.size), np.float32)
        likeliest, _ = restorer(crops, zeros)
        error = np.abs(likeliest / 255 - plain[:, :3].transpose(0, 2, 3, 1)).max()
        assert error <= 0.5 / 255 + 1e-4


class Drawing(nn.Module):
    """A net that wants a second input."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.extra = Extra(name, 2)
        self.body = nn.Conv2d(3, 4, 1)
        self.join = nn.Linear(2, 4)

    def forward(self, crops: Tensor, extra: Tensor) -> Tensor:
        return torch.sigmoid(self.body(crops) + self.join(extra)[:, :, None, None])


class TestRefusals:
    def test_face_embeddings_of_nobody_knows_whom(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="whose.*mask2face dataset embed"):
            exporter.export(Drawing("face"), card, tmp_path / "x.onnx")
        assert not list(tmp_path.iterdir())

    def test_difference_that_only_a_second_input_shows(
        self, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        convert = exporter._convert

        def spoil(net: nn.Module, inputs: dict[str, Tensor]) -> object:
            with torch.no_grad():
                net.join.weight[0, 0] += 0.1  # type: ignore[index, union-attr, operator]
            return convert(net, inputs)

        monkeypatch.setattr(exporter, "_convert", spoil)
        with pytest.raises(ModelError, match="differs from the net"):
            exporter.export(Drawing("noise"), card, tmp_path / "x.onnx")

    def test_existing_file(self, net: Tiny, card: ModelCard, tmp_path: Path) -> None:
        path = tmp_path / "there.onnx"
        path.write_bytes(b"precious")
        with pytest.raises(OutputError, match="exists"):
            exporter.export(net, card, path)
        assert path.read_bytes() == b"precious"
        exporter.export(net, card, path, overwrite=True)
        assert Restorer(path).card == card

    def test_missing_folder(self, net: Tiny, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="does not exist"):
            exporter.export(net, card, tmp_path / "none" / "x.onnx")

    def test_difference_leaves_no_file(
        self, net: Tiny, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        convert = exporter._convert

        def spoil(net: nn.Module, inputs: dict[str, Tensor]) -> object:
            with torch.no_grad():
                net.body[1].weight[0, 0, 0, 0] += 0.05  # type: ignore[index, union-attr, operator]
            return convert(net, inputs)

        monkeypatch.setattr(exporter, "_convert", spoil)
        with pytest.raises(ModelError, match="differs from the net"):
            exporter.export(net, card, tmp_path / "x.onnx")
        assert not list(tmp_path.iterdir())

    def test_net_without_a_hole(self, card: ModelCard, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"instead of \(5, 4, 32, 32\)"):
            exporter.export(nn.Conv2d(3, 3, 1), card, tmp_path / "x.onnx")

    def test_net_out_of_range(self, card: ModelCard, tmp_path: Path) -> None:
        layer = nn.Conv2d(3, 4, 1)
        nn.init.constant_(layer.bias, 5)  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=r"not in \[0, 1\]"):
            exporter.export(layer, card, tmp_path / "x.onnx")

    def test_net_that_gives_nan(self, net: Tiny, card: ModelCard, tmp_path: Path) -> None:
        nn.init.constant_(net.body[1].weight, float("nan"))  # type: ignore[arg-type]
        with pytest.raises(ModelError, match=r"not in \[0, 1\]"):
            exporter.export(net, card, tmp_path / "x.onnx")

    def test_side_the_net_cannot_take(self, card: ModelCard, tmp_path: Path) -> None:
        net = nn.Sequential(nn.PixelUnshuffle(5), nn.Conv2d(75, 4, 1))
        with pytest.raises(ModelError, match="does not take"):
            exporter.export(net, card, tmp_path / "x.onnx")

    def test_missing_package(
        self, net: Tiny, card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"mask2face\[train\]"):
            exporter.export(net, card, tmp_path / "x.onnx")
