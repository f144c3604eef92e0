import contextlib

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from mask2face.detectors.onnx_shapes import free_shapes
from mask2face.errors import ModelError


def old_model():
    """y = conv(x, w) with fixed shapes and, as old exporters wrote it, `w` among the inputs."""
    weight = numpy_helper.from_array(np.ones((2, 3, 3, 3), np.float32), "w")
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [10, 3, 32, 32]),
        helper.make_tensor_value_info("w", TensorProto.FLOAT, [2, 3, 3, 3]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [10, 2, 32, 32])]
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    graph = helper.make_graph([node], "old", inputs, outputs, [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=4)
    return model.SerializeToString()


def test_shapes_are_gone_and_the_rest_is_left():
    before, after = (
        onnx.load_from_string(old_model()),
        onnx.load_from_string(free_shapes(old_model())),
    )
    assert [port.name for port in after.graph.input] == ["x"]
    assert [port.name for port in after.graph.output] == ["y"]
    for port in (*after.graph.input, *after.graph.output):
        assert port.type.tensor_type.elem_type == TensorProto.FLOAT
        assert not port.type.tensor_type.HasField("shape")
    assert after.graph.node == before.graph.node
    assert after.graph.initializer == before.graph.initializer
    assert after.opset_import == before.opset_import


@pytest.mark.parametrize("shape", [(1, 3, 20, 44), (2, 3, 5, 5)])
def test_any_size_runs(shape):
    session = onnxruntime.InferenceSession(
        free_shapes(old_model()), providers=["CPUExecutionProvider"]
    )
    photo = np.random.default_rng(0).random(shape, np.float32)
    got = session.run(["y"], {"x": photo})[0]
    assert got.shape == (shape[0], 2, *shape[2:])
    assert got[0, 0, 2, 2] == pytest.approx(float(photo[0, :, 1:4, 1:4].sum()), rel=1e-5)


def test_freeing_twice_changes_nothing():
    once = free_shapes(old_model())
    assert free_shapes(once) == once


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xff\xff",  # a number that does not end
        b"\x0f",  # wire type 7
        b"\x3a\x05abc",  # a graph that runs past the end
        b"\x3a\x01\x5b",  # a graph of nothing but an opened group
        b"\x0d\x01",  # a cut number of four bytes
    ],
)
def test_garbage_is_refused(content):
    with pytest.raises(ModelError, match="not an ONNX file.*reinstall"):
        free_shapes(content)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.99])
def test_a_truncated_model_is_refused(keep):
    model = old_model()
    with pytest.raises(ModelError, match="past the end"):
        free_shapes(model[: int(keep * len(model))])


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_give_bytes_or_a_model_error(content):
    with contextlib.suppress(ModelError):
        assert isinstance(free_shapes(content), bytes)


def test_fields_it_does_not_know_are_kept():
    extra = b"\xa0\x06\x96\x01" + b"\xa9\x06" + b"12345678" + b"\xad\x06" + b"1234"
    assert free_shapes(extra) == extra
