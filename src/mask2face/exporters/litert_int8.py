"""Export a net to a .tflite file that computes in 8-bit integers; ports stay float32."""

from pathlib import Path
from typing import Final

from torch import nn

from mask2face.exporters import contract, litert, parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces
from mask2face.formats import Sample
from mask2face.formats.litert_file import Session, channels_last
from mask2face.formats.litert_int8 import quantised
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, ModelCard

_TARGET: Final = "litert-int8"


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as `exporters.litert.export` does, with weights and activations in int8.

    See `formats.litert_int8`; calibrated on `faces.calibration`. Normalisations are folded into
    convolutions first. Ports are those of the float32 file.

    Args:
        net: see `exporters.litert.export`, as for all that follows.
        card: goes into the file, with the comparison's numbers.
        path: the file to write.
        overwrite: replace an existing file.
        faces: to calibrate and to compare on; needed here.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        DataError: there are no `faces`, or too few.
        ModelError: as of `exporters.litert.export`; or the file loses more hole PSNR or hole IoU
            than `parity.INT8` allows.
        MissingExtraError: the extra `litert` is not installed.
    """
    faces = parity.needed(faces, _TARGET)
    path = litert.begin(path, overwrite)
    frozen = contract.frozen(net)
    plain, _ = litert.converted(frozen, card, litert.TOLERANCE)
    extra = extra_of(frozen)
    data = quantised(plain, _samples(faces, None if extra is None else extra.name))
    run = Session(data, contract.PORTS)
    found = parity.compare(parity.of_net(frozen), run, faces)
    parity.INT8.check(found, _TARGET)
    return litert.finish(data, card, path, found.max_error, found)


def _samples(faces: Faces, extra: str | None) -> list[Sample]:
    """Return the calibration's inputs by port, one crop each."""
    samples: list[Sample] = [{INPUT: channels_last(crop)} for crop in faces.calibration]
    if extra is not None and faces.calibration_vectors is not None:
        for sample, vector in zip(samples, faces.calibration_vectors, strict=True):
            sample[extra] = vector[None]
    return samples
