import json

import numpy as np
import pytest
import torch

from mask2face import checkpoint as checkpoints
from mask2face import devices
from mask2face.checkpoint import Checkpoint
from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.finding import exporting
from mask2face.finding.net import FaceFinder
from mask2face.finding.training import NET


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A net whose batch norms have something to fold."""
    torch.manual_seed(0)
    net = FaceFinder(0.5)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("net") / "last.safetensors"
    tensors = {f"ema.{name}": value for name, value in net.state_dict().items()}
    checkpoints.save(path, Checkpoint(NET, {"width": 0.5}, 64, 7), tensors)
    return path


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    return exporting.export(checkpoint, tmp_path_factory.mktemp("out") / "own.onnx")


def test_folding_changes_nothing(checkpoint):
    net, steps = exporting.load(checkpoint)
    assert steps == 7
    assert not [one for one in net.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    whole = FaceFinder(0.5).eval()
    tensors = checkpoints.part(checkpoints.read(checkpoint)[1], "ema")
    whole.load_state_dict(tensors)
    photo = 255 * torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(net(photo), whole(photo), rtol=1e-3, atol=1e-2)


def test_the_file_gives_what_the_net_gives_at_other_sizes(exported, checkpoint):
    assert exported.error <= exporting.TOLERANCE
    assert exported.size == exported.path.stat().st_size
    session = devices.session(exported.path, "cpu")
    net, _ = exporting.load(checkpoint)
    photo = np.random.default_rng(1).uniform(0, 255, (1, 3, 224, 32)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(photo)).numpy()
    assert np.abs(session.run(["cells"], {"photo": photo})[0] - wanted).max() < 0.02


def test_the_card_is_inside_and_no_path_of_this_machine(exported):
    session = devices.session(exported.path, "cpu")
    card = json.loads(session.get_modelmeta().custom_metadata_map[exporting.CARD_KEY])
    assert card["steps"] == 7
    for key in ("licence", "data", "teacher", "limits", "intended_use"):
        assert card[key]
    assert b"site-packages" not in exported.path.read_bytes()


def test_an_existing_file_is_kept(checkpoint, tmp_path):
    path = tmp_path / "own.onnx"
    path.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        exporting.export(checkpoint, path)
    assert path.read_bytes() == b"mine"


def test_a_checkpoint_of_another_net(tmp_path):
    checkpoints.save(tmp_path / "x.safetensors", Checkpoint("unet"), {"net.a": torch.ones(1)})
    with pytest.raises(ModelError, match="not a face detector"):
        exporting.export(tmp_path / "x.safetensors", tmp_path / "own.onnx")


def test_a_file_that_differs_is_not_written(checkpoint, exported, tmp_path, monkeypatch):
    import onnx

    made = onnx.load(exported.path)  # to convert the net again would take seconds
    monkeypatch.setattr(exporting, "_converted", lambda net: made)
    monkeypatch.setattr(exporting, "_difference", lambda data, net: 1.0)
    with pytest.raises(ModelError, match="differs from the net"):
        exporting.export(checkpoint, tmp_path / "own.onnx")
    assert not list(tmp_path.iterdir())


def test_onnx_is_not_installed(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="onnx"):
        exporting.export(checkpoint, tmp_path / "own.onnx")
