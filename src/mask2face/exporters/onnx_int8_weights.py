"""Export a net to an ONNX file of a quarter's size: weights stored as int8, computed as float32."""

from pathlib import Path
from typing import Final

from torch import nn

from mask2face.exporters import onnx as plain
from mask2face.exporters import parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces
from mask2face.formats.onnx_int8_weights import narrowed
from mask2face.restorer import ModelCard

_TARGET: Final = "onnx-int8-weights"


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as `exporters.onnx.export` does, with the layers' large weights as int8.

    See `formats.onnx_int8_weights`. Runtimes make them float32 when they open the file, so inputs,
    outputs, speed and memory are those of the plain file. It needs no calibration.

    Args:
        net: see `exporters.onnx.export`, as for all that follows.
        card: goes into the file.
        path: the file to write.
        overwrite: replace an existing file.
        faces: to compare on; needed here, for what it loses shows on faces only.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        DataError: there are no `faces`, or too few.
        ModelError: as of `exporters.onnx.export`; or there is nothing to store as int8, or the file
            loses more hole PSNR or hole IoU than `parity.INT8_WEIGHTS` allows.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    return plain.write(
        net,
        card,
        path,
        narrowed,
        overwrite=overwrite,
        faces=parity.needed(faces, _TARGET, calibrated=False),
        gate=parity.INT8_WEIGHTS,
        target=_TARGET,
        on_probes=False,
    )
