"""A `ModelProto` whose large weights are stored as float16: half the size, computed as float32."""

from typing import Any

import numpy as np

from mask2face.errors import ModelError
from mask2face.formats.onnx_stored import LEAST, put_first


def halved(model: Any) -> Any:  # noqa: ANN401
    """Return a `ModelProto` with its large float32 weights stored as float16; it is changed.

    A Cast behind each takes it back to float32. Runtimes do that once, when they open the file.

    Raises:
        ModelError: a weight is too large for float16.
    """
    import onnx

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < LEAST:
            continue
        numbers = onnx.numpy_helper.to_array(tensor)
        if np.abs(numbers).max() > np.finfo(np.float16).max:
            raise ModelError(
                f"the weight {tensor.name!r} has numbers that float16 cannot hold: export to 'onnx'"
            )
        name = tensor.name
        half = onnx.numpy_helper.from_array(numbers.astype(np.float16), f"{name}.float16")
        tensor.CopyFrom(half)
        casts.append(
            onnx.helper.make_node("Cast", [half.name], [name], name, to=onnx.TensorProto.FLOAT)
        )
    put_first(model, casts)
    return model
