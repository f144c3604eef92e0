"""Export targets by name: `(net, card, path) -> Exported`; each compares what it wrote."""

from collections.abc import Callable

from mask2face.exporters import onnx
from mask2face.exporters.cost import Cost, cost
from mask2face.exporters.exported import Exported

EXPORTERS: dict[str, Callable[..., Exported]] = {
    "onnx": onnx.export,
}

__all__ = ["EXPORTERS", "Cost", "Exported", "cost"]
