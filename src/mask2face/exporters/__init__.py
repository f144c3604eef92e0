"""Export targets by name: `(net, card, path) -> Exported`; each compares what it wrote."""

from collections.abc import Callable

from mask2face.exporters import (
    coreml,
    litert,
    litert_int8,
    ncnn,
    onnx,
    onnx_fp16,
    onnx_int8,
    onnx_int8_weights,
)
from mask2face.exporters.cost import Cost, cost
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Parity, read_faces

EXPORTERS: dict[str, Callable[..., Exported]] = {
    "coreml": coreml.export,
    "litert": litert.export,
    "litert-int8": litert_int8.export,
    "ncnn": ncnn.export,
    "onnx": onnx.export,
    "onnx-fp16": onnx_fp16.export,
    "onnx-int8": onnx_int8.export,
    "onnx-int8-weights": onnx_int8_weights.export,
}

__all__ = ["EXPORTERS", "Cost", "Exported", "Faces", "Parity", "cost", "read_faces"]
