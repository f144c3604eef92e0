"""A `ModelProto` that computes in 8-bit integers, calibrated on samples."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mask2face import devices
from mask2face.errors import ModelError
from mask2face.formats import Ports, Sample

# what is computed in integers where it stands between convolutions
_OPERATIONS: Final = ("Conv", "Add", "Concat", "MaxPool", "Relu", "Resize")
_PREPARED: Final = "onnx.quant.pre_process"  # says to ORT that there is nothing left to fold


def quantised(model: Any, samples: Iterable[Sample], ports: Ports) -> Any:  # noqa: ANN401
    """Return the `ModelProto` with integers inside; inputs and outputs stay float32.

    Static quantisation (Jacob et al. 2018, arXiv:1712.05877) by ONNX Runtime: weights have a scale
    a channel, activations one a tensor, from the mean of their ranges on `samples`. The first
    convolution and those that the output comes from stay in float32. Weights use 7 of the 8 bits:
    CPUs without VNNI would overflow with 8.

    Args:
        model: a `ModelProto`, its normalisation folded.
        samples: inputs to calibrate on, by name.
        ports: of the model.

    Raises:
        ModelError: there is nothing to quantise.
    """
    import onnx

    devices.provider("cpu")  # loads ONNX Runtime as we want it
    from onnxruntime import quantization

    ends = _ends(model.graph, ports)
    inside = [node for node in model.graph.node if node.op_type == "Conv" and node.name not in ends]
    if not inside:
        raise ModelError(
            "onnx-int8 finds no convolution between the net's first and last one, and all others "
            "stay in float32: export to 'onnx-fp16' instead"
        )
    onnx.helper.set_model_props(model, {_PREPARED: "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        quantization.quantize_static(
            model,
            file,
            _Reader(samples),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(_OPERATIONS),
            nodes_to_exclude=sorted(ends),
            per_channel=True,
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=quantization.CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},  # a face with glare widens no range
        )
        return onnx.load(file)


def _ends(graph: Any, ports: Ports) -> set[str]:  # noqa: ANN401
    """Return the names of the nodes that stay in float32.

    Those from the picture to the first convolutions and from the last ones to the output; these
    convolutions too.
    """
    nodes = list(graph.node)
    first, last = {ports.picture}, {ports.output}
    found: set[str] = set()
    for node in nodes:
        if first.intersection(node.input):
            found.add(node.name)
            if node.op_type != "Conv":
                first.update(node.output)
    for node in reversed(nodes):
        if last.intersection(node.output):
            found.add(node.name)
            if node.op_type != "Conv":
                last.update(node.input)
    return found


class _Reader:
    """What ONNX Runtime's calibration wants: one input after the other, then None."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._next = iter(samples)

    def get_next(self) -> Sample | None:
        """Return the next input by name, or None."""
        return next(self._next, None)

    def __len__(self) -> int:
        return 0  # not known, so all are read
