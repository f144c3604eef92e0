"""Export a net to an ONNX file of half the size: weights stored as float16, computed as float32."""

from pathlib import Path
from typing import Final

from torch import nn

from mask2face.exporters import onnx as plain
from mask2face.exporters import parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Gate
from mask2face.formats.onnx_fp16 import halved
from mask2face.restorer import ModelCard

TOLERANCE: Final = parity.FLOAT16.max_error  # of outputs in [0, 1]


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
        net, card, path, halved, overwrite=overwrite, faces=faces, gate=gate, target="onnx-fp16"
    )
