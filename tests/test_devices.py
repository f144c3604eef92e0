import os
import subprocess
import sys
import types

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from mask2face.devices import PROVIDERS, provider, session
from mask2face.errors import DeviceError, ModelError, UnknownNameError


@pytest.fixture
def model(tmp_path):
    """Add 1."""
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    nodes = [helper.make_node("Add", ["x", "one"], ["y"])]
    graph = helper.make_graph(nodes, "g", ports[:1], ports[1:], [one])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def offer(monkeypatch, *names):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(names))


def test_providers_by_name(monkeypatch):
    offer(monkeypatch, PROVIDERS["cuda"], PROVIDERS["cpu"])
    assert provider("auto") == provider("cuda") == "CUDAExecutionProvider"
    assert provider("cpu") == "CPUExecutionProvider"
    offer(monkeypatch, "AzureExecutionProvider", PROVIDERS["cpu"])
    assert provider("auto") == "CPUExecutionProvider"


def test_a_device_that_is_not_there_is_an_error(monkeypatch):
    offer(monkeypatch, PROVIDERS["cpu"])
    with pytest.raises(DeviceError, match=r"'cuda'.*it has: cpu.*pip install onnxruntime-gpu"):
        provider("cuda")
    with pytest.raises(DeviceError, match=r"'coreml'.*a build of onnxruntime for it"):
        provider("coreml")


def test_an_unknown_device_is_an_error():
    with pytest.raises(UnknownNameError, match=r"auto, coreml, cpu, cuda, dml.*mean 'cuda'"):
        provider("cuda:0")


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_model_runs(model, as_bytes):
    opened = session(model.read_bytes() if as_bytes else model, "cpu", threads=1)
    got = opened.run(None, {"x": np.array([1, 2], np.float32)})[0]
    assert got.tolist() == [2, 3]


def test_a_file_that_is_no_model(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"not a model" * 9)
    with pytest.raises(ModelError, match=r"x\.onnx cannot be opened as an ONNX file"):
        session(tmp_path / "x.onnx", "cpu")
    with pytest.raises(ModelError, match=r"none\.onnx cannot be opened"):
        session(tmp_path / "none.onnx", "cpu")
    with pytest.raises(ModelError, match="the model cannot be opened"):
        session(b"not a model", "cpu")


def test_falling_back_is_an_error_only_where_the_device_was_named(monkeypatch, model):
    offer(monkeypatch, PROVIDERS["cuda"], PROVIDERS["cpu"])
    fallen = types.SimpleNamespace(get_providers=lambda: [PROVIDERS["cpu"]])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *a, **k: fallen)
    with pytest.raises(DeviceError, match=r"fell back.*--device cpu"):
        session(model, "cuda")
    assert session(model, "auto") is fallen  # works; the command line names the provider


def test_onnxruntime_is_loaded_only_when_needed():
    assert "onnxruntime" not in vars(sys.modules["mask2face.devices"])


def test_onnxruntime_leaves_nothing_in_the_home_folder(tmp_path):
    """Its wheels keep a device id and a queue of events there, unless told not to."""
    code = "from mask2face.detectors import CenterFace; CenterFace('cpu', threads=1)"
    keep = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    subprocess.run(
        [sys.executable, "-c", code], env={**keep, "HOME": str(tmp_path)}, check=True, timeout=120
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
