"""A detector's checkpoint to every target that runs without LiteRT; refusals."""

import json

import numpy as np
import pytest
import torch

from mask2face import checkpoint as checkpoints
from mask2face import devices
from mask2face.checkpoint import Checkpoint
from mask2face.errors import (
    DataError,
    MissingExtraError,
    ModelError,
    OutputError,
    UnknownNameError,
    UsageError,
)
from mask2face.finding import agreement, exporting, targets
from mask2face.finding.net import FaceFinder
from mask2face.formats import ncnn

SIDE = 64
NEEDS = {"coreml": ("coremltools",), "ncnn": ("ncnn", "pnnx")}


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
    assert exported.error <= targets.TOLERANCE
    assert exported.size == exported.path.stat().st_size
    session = devices.session(exported.path, "cpu")
    net, _ = exporting.load(checkpoint)
    photo = np.random.default_rng(1).uniform(0, 255, (1, 3, 224, 32)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(photo)).numpy()
    assert np.abs(session.run(["cells"], {"photo": photo})[0] - wanted).max() < 0.02


def test_the_card_is_inside_and_no_path_of_this_machine(exported):
    session = devices.session(exported.path, "cpu")
    card = json.loads(session.get_modelmeta().custom_metadata_map[targets.CARD_KEY])
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
    monkeypatch.setattr(targets, "_converted", lambda net: made)
    monkeypatch.setattr(targets, "_difference", lambda *_: 1.0)
    with pytest.raises(ModelError, match="differs from the net"):
        exporting.export(checkpoint, tmp_path / "own.onnx")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def few(monkeypatch):
    """Let few faces do."""
    monkeypatch.setattr(agreement, "LEAST", 2)
    monkeypatch.setattr(agreement, "_CALIBRATED", 2)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("onnx", "x.onnx"),
        ("onnx-fp16", "x.onnx"),
        ("onnx-int8", "x.onnx"),
        ("ncnn", "x.param"),
        ("coreml", "x.mlpackage"),
    ],
)
def test_every_target_finds_the_same_faces(
    target, name, checkpoint, exported, lesson_folder, few, tmp_path, monkeypatch
):
    import onnx

    for package in NEEDS.get(target, ()):
        pytest.importorskip(package)
    monkeypatch.setattr(targets, "_converted", lambda net: onnx.load(exported.path))
    # a net that has learned nothing: integers move its boxes by a lot
    monkeypatch.setattr(agreement, "INT8", agreement.Gate(differ=2.0, eyes=1.0))
    done = exporting.export(
        checkpoint, tmp_path / name, target=target, side=SIDE, lessons=lesson_folder.folder
    )
    assert done.path.exists()
    assert 0 < done.size < 2.2 * exported.size
    if target == "coreml":
        assert (done.error, done.agreement) == (None, None)
        assert "not measured" in done.note
        return
    assert done.agreement.faces >= 2
    assert (done.error is not None) == (target == "onnx")
    photo = np.random.default_rng(2).uniform(0, 255, (1, 3, SIDE, SIDE)).astype(np.float32)
    if target == "ncnn":
        card = json.loads(done.path.with_suffix(".json").read_text(encoding="utf-8"))
        cells = ncnn.Session(done.path, targets.PORTS)(photo)
    else:
        session = devices.session(done.path, "cpu")
        card = json.loads(session.get_modelmeta().custom_metadata_map[targets.CARD_KEY])
        cells = session.run(["cells"], {"photo": photo})[0]
    assert card["steps"] == 7
    assert cells.shape == (1, 16, 64 + 16 + 4)
    off = np.abs(cells - targets.of_net(exporting.load(checkpoint)[0])(photo))[:, :2].max()
    least, most = {"onnx": (0, 1e-4), "onnx-int8": (1e-6, 0.3)}.get(target, (1e-7, 0.02))
    assert least < off < most
    if target in ("onnx-fp16", "onnx-int8"):
        kinds = {one.data_type for one in onnx.load(done.path).graph.initializer}
        half, int8 = onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8
        assert ({half, int8} & kinds) == ({half} if target == "onnx-fp16" else {int8})
        assert done.size < 0.9 * exported.size


@pytest.mark.parametrize("target", ["onnx-fp16", "onnx-int8", "ncnn"])
def test_a_target_that_needs_lessons(target, checkpoint, tmp_path):
    for package in NEEDS.get(target, ()):
        pytest.importorskip(package)
    path = tmp_path / ("x.param" if target == "ncnn" else "x.onnx")
    with pytest.raises(DataError, match=f"{target} must be compared.*--lessons LESSONS"):
        exporting.export(checkpoint, path, target=target)
    assert not list(tmp_path.iterdir())


def test_a_file_that_finds_other_faces_is_not_written(
    checkpoint, exported, lesson_folder, few, tmp_path, monkeypatch
):
    import onnx

    def spoilt(net):
        model = onnx.load(exported.path)
        bias = next(one for one in model.graph.initializer if one.name == "heads.0.out.bias")
        numbers = onnx.numpy_helper.to_array(bias).copy()
        numbers[6] += 3  # strides; the first eye's x
        bias.CopyFrom(onnx.numpy_helper.from_array(numbers, bias.name))
        return model

    monkeypatch.setattr(targets, "_converted", spoilt)
    with pytest.raises(ModelError, match=r"onnx-fp16: the file is too far.*eye distances"):
        exporting.export(
            *(checkpoint, tmp_path / "x.onnx"),
            target="onnx-fp16",
            side=SIDE,
            lessons=lesson_folder.folder,
        )
    assert not list(tmp_path.iterdir())


def test_a_target_that_is_none_and_sides_that_cannot_be(checkpoint, tmp_path):
    with pytest.raises(UnknownNameError, match="onnx-int8"):
        exporting.export(checkpoint, tmp_path / "x", target="onnx-int4")
    for side in (0, 100):
        with pytest.raises(UsageError, match="multiple of 32"):
            exporting.export(checkpoint, tmp_path / "x", side=side)


def test_onnx_is_not_installed(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="onnx"):
        exporting.export(checkpoint, tmp_path / "own.onnx")
