"""Exported files give their nets back: the same numbers, ready to learn; refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mask2face import onnx_weights
from mask2face.checkpoint import Checkpoint, build, load_weights
from mask2face.errors import ModelError, UnknownNameError
from mask2face.exporters import EXPORTERS, Faces, held_out, parity
from mask2face.exporters.parity import Gate
from mask2face.exporters.self_ensemble import SelfEnsemble
from mask2face.nets import VAE, FaceFiller
from mask2face.restorer import ModelCard, Restorer, shipped_models

SIDE = 128
CARD = ModelCard("tiny", "3", SIDE, "face_filler", 1, 0.1, "MIT", "none", "none")


def taken(path):
    about, tensors = onnx_weights.read(path)
    net = build(about)
    load_weights(net, tensors, "x")
    return about, net.eval()


@pytest.fixture(scope="module")
def crops():
    return torch.rand(6, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def filler():
    """A net whose normalisation and second convolutions do something."""
    torch.manual_seed(0)
    net = FaceFiller()
    with torch.no_grad():
        net.head.bias.normal_(std=0.2)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.2)
        for _ in range(40):
            net(torch.rand(4, 3, 32, 32))
    return net.eval()


@pytest.mark.parametrize(
    ("target", "wrap", "within"),
    [("onnx", None, 1e-4), ("onnx", SelfEnsemble, 1e-4)],
)
def test_the_net_comes_back(target, wrap, within, filler, crops, tmp_path):
    net = wrap(filler) if wrap else filler
    EXPORTERS[target](net, CARD, tmp_path / "x.onnx")
    about, again = taken(tmp_path / "x.onnx")
    assert about == Checkpoint("face_filler", {}, SIDE)
    with torch.no_grad():
        wanted, made = filler(crops), again(crops)
    assert (made - wanted).abs().max() < within
    assert wanted.std() > 0.01


@pytest.mark.parametrize("wrap", [FaceFiller.eval, SelfEnsemble])
def test_weights_of_one_byte_come_back(wrap, filler, crops, tmp_path, monkeypatch):
    monkeypatch.setattr(held_out, "LEAST", 2)
    monkeypatch.setattr(parity, "INT8_WEIGHTS", Gate())  # no net that has learned
    truth = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    faces = Faces(crops[:2].numpy(), crops[:2].numpy(), truth, np.ones((2, SIDE, SIDE), np.float32))
    net = wrap(filler)
    small = EXPORTERS["onnx-int8-weights"](net, CARD, tmp_path / "small.onnx", faces=faces)
    plain = EXPORTERS["onnx"](net, CARD, tmp_path / "plain.onnx")
    assert small.size < 0.3 * plain.size
    found, wanted = (onnx_weights.read(one.path)[1] for one in (small, plain))
    assert found.keys() == wanted.keys()
    rounded = 0
    for name, value in wanted.items():
        if value.ndim == 4 and not torch.equal(value, found[name]):
            step = value.abs().amax((1, 2, 3), keepdim=True) / 127
            assert ((found[name] - value).abs() <= 0.51 * step + 1e-3).all(), name
            rounded += value.numel()
    assert rounded > 5_000_000


def test_a_net_with_options_comes_back(crops, tmp_path):
    options = {"dilations": [1, 2], "blocks": 2}
    net = FaceFiller(**options).eval()
    EXPORTERS["onnx"](net, replace(CARD, options=options), tmp_path / "x.onnx")
    about, again = taken(tmp_path / "x.onnx")
    assert about == Checkpoint("face_filler", options, SIDE)
    with torch.no_grad():
        assert (again(crops) - net(crops)).abs().max() < 1e-4
    EXPORTERS["onnx"](net, CARD, tmp_path / "y.onnx")
    with pytest.raises(ModelError, match="says its net's options"):
        onnx_weights.read(tmp_path / "y.onnx")


def test_settling_changes_nothing_in_inference_and_all_in_training(filler, crops, tmp_path):
    EXPORTERS["onnx"](filler, CARD, tmp_path / "x.onnx")
    _, net = taken(tmp_path / "x.onnx")
    with torch.no_grad():
        wanted = net(crops)
        strange = net.train()(crops) - wanted  # the statistics of the batch, with none before
    _, net = taken(tmp_path / "x.onnx")
    onnx_weights.settle(net, [crops[:3], crops[3:]])
    with torch.no_grad():
        assert torch.allclose(net(crops), wanted, atol=1e-4)
        assert torch.allclose(net.train()(crops), wanted, atol=1e-3)
    assert strange.abs().max() > 0.02


def test_the_shipped_models_can_be_trained_on():
    for name in shipped_models():
        path = onnx_weights.named(name)
        about, net = taken(path)
        assert about.net == "face_filler"
        picture = np.random.default_rng(0).integers(0, 256, (1, 128, 128, 3), dtype=np.uint8)
        restored, holes = Restorer(path, "cpu")(picture)
        ensemble = "self-ensemble" in Restorer(path, "cpu").card.training
        whole = SelfEnsemble(net) if ensemble else net
        with torch.no_grad():
            made = whole(torch.from_numpy(picture).permute(0, 3, 1, 2) / 255)[0].numpy()
        assert np.abs(made[3] - holes[0]).max() < 2e-3
        assert np.abs(made[:3].transpose(1, 2, 0) * 255 - restored[0]).max() < 1.5


def test_files_that_cannot_be_trained_on(filler, tmp_path):
    import onnx

    path = tmp_path / "x.onnx"
    EXPORTERS["onnx"](filler, CARD, path)
    model = onnx.load(path)

    def saved(change):
        other = onnx.ModelProto()
        other.CopyFrom(model)
        change(other)
        onnx.save(other, tmp_path / "y.onnx")
        return tmp_path / "y.onnx"

    with pytest.raises(ModelError, match="no ONNX file"):
        onnx_weights.read(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="none of ours"):
        onnx_weights.read(saved(lambda one: one.metadata_props.pop()))

    def lose(one):
        del one.graph.initializer[0]

    with pytest.raises(ModelError, match=r"lacks .*last\.safetensors"):
        onnx_weights.read(saved(lose))

    def spoil(one):
        tensor = next(part for part in one.graph.initializer if part.name == "head.bias")
        tensor.name = "elsewhere"
        for node in one.graph.node:
            node.input[:] = [name.replace("head.bias", "elsewhere") for name in node.input]

    with pytest.raises(ModelError, match=r"another one: outputs differ"):
        onnx_weights.read(saved(spoil))
    assert saved(lambda one: None), "as it is, it can be"
    onnx_weights.read(tmp_path / "y.onnx")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": [16, 24], "dilations": [1]}, "says its net.s options"),
        ({"filters": [32, 64, 128, 192], "dilations": [2, 1, 2, 1, 2, 1]}, "another one"),
    ],
)
def test_a_net_with_other_options(options, words, tmp_path):
    torch.manual_seed(0)
    net = FaceFiller(**options)
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
        elif parameter.eq(0).all():  # second normalisations, that a block does something
            nn.init.ones_(parameter)
    with torch.no_grad():
        net(torch.rand(4, 3, 64, 64))
    EXPORTERS["onnx"](net.eval(), CARD, tmp_path / "x.onnx")
    with pytest.raises(ModelError, match=words):
        onnx_weights.read(tmp_path / "x.onnx")


def test_small_crops_do_not_tell_everything(filler, tmp_path):
    EXPORTERS["onnx"](filler, replace(CARD, side=32), tmp_path / "x.onnx")
    with pytest.raises(ModelError, match="crops so small do not tell what 'place' was"):
        onnx_weights.read(tmp_path / "x.onnx")


def test_what_only_learning_uses_is_not_in_the_file(tmp_path):
    path = tmp_path / "x.onnx"
    EXPORTERS["onnx"](VAE().eval(), replace(CARD, net="vae", side=64), path)
    with pytest.raises(ModelError, match="which only learning uses"):
        onnx_weights.read(path)


def test_a_name_that_is_none():
    with pytest.raises(UnknownNameError, match="did you mean 'natural'"):
        onnx_weights.named("natura")
    assert onnx_weights.named("run/last.safetensors").name == "last.safetensors"
