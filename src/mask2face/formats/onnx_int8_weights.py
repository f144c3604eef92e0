"""A `ModelProto` whose convolutions' weights are stored as int8: a quarter, computed as float32."""

from typing import Any, Final

import numpy as np

from mask2face.errors import ModelError
from mask2face.formats.onnx_stored import LEAST, put_first

STORED: Final = ".int8"  # ends the name of the integers of a weight
SCALE: Final = ".scale"  # ends the name of what they are multiplied by

_MOST: Final = 127  # as large as down to: -128 stays unused
_OPERATIONS: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def narrowed(model: Any) -> Any:  # noqa: ANN401
    """Return a `ModelProto` with its large weights stored as int8; it is changed.

    One scale for each slice along a weight's first axis, the output channel of a convolution: its
    largest absolute number / 127. A Cast and a Mul behind each make it float32 again. Runtimes do
    that once, when they open the file. What is no weight of a layer, as a constant, stays float32.

    Raises:
        ModelError: there is no such weight, or one has numbers that are not finite.
    """
    import onnx

    layers = (node for node in model.graph.node if node.op_type in _OPERATIONS)
    weights = {name for node in layers for name in node.input[1:2]}
    nodes, scales = [], []
    for tensor in model.graph.initializer:
        if tensor.name not in weights or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        numbers = onnx.numpy_helper.to_array(tensor)
        if numbers.ndim < 2 or numbers.size < LEAST:
            continue
        if not np.isfinite(numbers).all():
            raise ModelError(f"the weight {tensor.name!r} has numbers that are not finite")
        name = tensor.name
        integers, scale = _rounded(numbers)
        tensor.CopyFrom(onnx.numpy_helper.from_array(integers, name + STORED))
        scales.append(onnx.numpy_helper.from_array(scale, name + SCALE))
        cast, kind = f"{name}.cast", onnx.TensorProto.FLOAT
        nodes.append(onnx.helper.make_node("Cast", [tensor.name], [cast], cast, to=kind))
        nodes.append(onnx.helper.make_node("Mul", [cast, scales[-1].name], [name], name))
    if not nodes:
        raise ModelError(
            f"no weight of {LEAST} numbers or more to store as int8: export to 'onnx-fp16' instead"
        )
    model.graph.initializer.extend(scales)
    put_first(model, nodes)
    return model


def _rounded(numbers: Any) -> tuple[Any, Any]:  # noqa: ANN401
    """Return integers as int8 and scales as float32, (O, 1, ...), whose product is `numbers`."""
    axes = tuple(range(1, numbers.ndim))
    largest = np.abs(numbers).max(axis=axes, keepdims=True)
    scale = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(_MOST)
    return np.rint(numbers / scale).astype(np.int8), scale
