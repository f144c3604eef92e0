"""Export a net to an ONNX file that computes in 8-bit integers, calibrated on faces."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from torch import nn

from mask2face import devices
from mask2face.errors import ModelError
from mask2face.exporters import onnx as plain
from mask2face.exporters import parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Floats
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, OUTPUT, ModelCard

_TARGET: Final = "onnx-int8"
# what is computed in integers where it stands between convolutions
_OPERATIONS: Final = ("Conv", "Add", "Concat", "MaxPool", "Relu", "Resize")
_PREPARED: Final = "onnx.quant.pre_process"  # says to ORT that there is nothing left to fold


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as `exporters.onnx.export` does, with convolutions computed in integers.

    Static quantisation (Jacob et al. 2018, arXiv:1712.05877) by ONNX Runtime: weights have a scale
    a channel, activations one a tensor, from the mean of their ranges on `faces.calibration`. The
    first convolution and those that the output comes from stay in float32, so that pictures have
    no steps. Weights use 7 of the 8 bits: CPUs without VNNI would overflow with 8. Normalisation is
    folded first. Inputs and outputs stay float32.

    Args:
        net: see `exporters.onnx.export`, as for all that follows.
        card: goes into the file.
        path: the file to write.
        overwrite: replace an existing file.
        faces: to calibrate and to compare on; needed here.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        DataError: there are no `faces`, or too few.
        ModelError: as of `exporters.onnx.export`; or there is nothing to quantise, or the file
            loses more hole PSNR or hole IoU than `parity.INT8` allows.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    faces = parity.needed(faces, _TARGET)
    extra = extra_of(net)
    reader = _Reader(faces, None if extra is None else extra.name)
    return plain.write(
        net,
        card,
        path,
        lambda model: _quantised(model, reader),
        overwrite=overwrite,
        faces=faces,
        gate=parity.INT8,
        target=_TARGET,
        fold=True,
        on_probes=False,
    )


class _Reader:
    """What ONNX Runtime's calibration wants: one input after the other, then None."""

    def __init__(self, faces: Faces, extra: str | None) -> None:
        self._next: Iterator[dict[str, Floats]] = _inputs(faces, extra)

    def get_next(self) -> dict[str, Floats] | None:
        """Return the next input by name, or None."""
        return next(self._next, None)

    def __len__(self) -> int:
        return 0  # not known, so all are read


def _inputs(faces: Faces, extra: str | None) -> Iterator[dict[str, Floats]]:
    for index in range(len(faces.calibration)):
        part = slice(index, index + 1)
        found = {INPUT: faces.calibration[part]}
        if extra is not None and faces.calibration_vectors is not None:
            found[extra] = faces.calibration_vectors[part]
        yield found


def _quantised(model: Any, reader: _Reader) -> Any:  # noqa: ANN401
    """Return the `ModelProto` with integers inside."""
    import onnx

    devices.provider("cpu")  # loads ONNX Runtime as we want it
    from onnxruntime import quantization

    ends = _ends(model.graph)
    inside = [node for node in model.graph.node if node.op_type == "Conv" and node.name not in ends]
    if not inside:
        raise ModelError(
            f"{_TARGET} finds no convolution between the net's first and last one, and all others "
            "stay in float32: export to 'onnx-fp16' instead"
        )
    onnx.helper.set_model_props(model, {_PREPARED: "onnxruntime.quant"})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        quantization.quantize_static(
            model,
            file,
            reader,
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


def _ends(graph: Any) -> set[str]:  # noqa: ANN401
    """Return the names of the nodes that stay in float32.

    Those from the crops to the first convolutions and from the last ones to the output; these
    convolutions too.
    """
    nodes = list(graph.node)
    first, last = {INPUT}, {OUTPUT}
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
