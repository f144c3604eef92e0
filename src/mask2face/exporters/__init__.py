"""Export targets by name: `(net, card, path) -> Exported`; each compares what it wrote."""

from collections.abc import Callable

from mask2face.exporters import onnx, onnx_fp16
from mask2face.exporters.cost import Cost, cost
from mask2face.exporters.exported import Exported

EXPORTERS: dict[str, Callable[..., Exported]] = {
    "onnx": onnx.export,
    "onnx-fp16": onnx_fp16.export,
}

__all__ = ["EXPORTERS", "Cost", "Exported", "cost"]
