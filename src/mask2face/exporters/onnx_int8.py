"""Export a net to an ONNX file that computes in 8-bit integers, calibrated on faces."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from torch import nn

from mask2face.exporters import contract, parity
from mask2face.exporters import onnx as plain
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces
from mask2face.formats import Sample
from mask2face.formats.onnx_int8 import quantised
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, ModelCard

_TARGET: Final = "onnx-int8"


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as `exporters.onnx.export` does, with convolutions computed in integers.

    See `formats.onnx_int8`; calibrated on `faces.calibration`. First and last convolutions stay in
    float32, so that pictures have no steps. Normalisation is folded first.

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
    samples = _samples(faces, None if extra is None else extra.name)
    return plain.write(
        net,
        card,
        path,
        lambda model: quantised(model, samples, contract.PORTS),
        overwrite=overwrite,
        faces=faces,
        gate=parity.INT8,
        target=_TARGET,
        fold=True,
        on_probes=False,
    )


def _samples(faces: Faces, extra: str | None) -> Iterator[Sample]:
    for index in range(len(faces.calibration)):
        part = slice(index, index + 1)
        found = {INPUT: faces.calibration[part]}
        if extra is not None and faces.calibration_vectors is not None:
            found[extra] = faces.calibration_vectors[part]
        yield found
