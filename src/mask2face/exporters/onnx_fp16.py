"""Export a net to an ONNX file of half the size: weights stored as float16, computed as float32."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from mask2face.errors import ModelError
from mask2face.exporters import onnx as plain
from mask2face.exporters import parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Gate
from mask2face.restorer import ModelCard

TOLERANCE: Final = parity.FLOAT16.max_error  # of outputs in [0, 1]
_LEAST: Final = 256  # numbers of a weight that is worth a Cast; smaller ones stay float32


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` as `exporters.onnx.export` does, with its large weights as float16.

    A Cast behind each takes it back to float32. Runtimes do that once, when they open the file, so
    inputs, outputs, speed and memory are those of the plain file.

    Args:
        net: see `exporters.onnx.export`, as for all that follows.
        card: goes into the file.
        path: the file to write.
        overwrite: replace an existing file.
        faces: compare on these, too.
        tolerance: largest absolute difference from `net` allowed.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        ModelError: as of `exporters.onnx.export`, or a weight is too large for float16.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    gate = Gate(tolerance)
    return plain.write(
        net, card, path, _halve, overwrite=overwrite, faces=faces, gate=gate, target="onnx-fp16"
    )


def _halve(model: Any) -> Any:  # noqa: ANN401
    """Return a `ModelProto` with its large float32 weights stored as float16."""
    import onnx

    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < _LEAST:
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
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for known in [
        one for one in model.graph.value_info if one.name in {c.output[0] for c in casts}
    ]:
        model.graph.value_info.remove(known)
    return model
