"""Export a net to a .tflite file that computes in 8-bit integers; ports stay float32."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from mask2face.errors import ModelError
from mask2face.exporters import contract, litert, parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.litert_conversion import quiet
from mask2face.exporters.litert_file import Session
from mask2face.exporters.parity import Faces
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, ModelCard

_TARGET: Final = "litert-int8"
_SIGNATURE: Final = "serving_default"  # litert-torch's name of the one function in a file
_BITS: Final = 8


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as `exporters.litert.export` does, with weights and activations in int8.

    Static post-training quantisation (Jacob et al. 2018, arXiv:1712.05877): weights have a scale a
    channel, activations one a tensor, from what `faces.calibration` makes of them. Normalisations
    are folded into convolutions first. Ports are those of the float32 file; layers that the
    quantiser does not know stay in float32.

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
    data = _quantised(plain, faces, None if extra is None else extra.name)
    found = parity.compare(parity.of_net(frozen), Session(data), faces)
    parity.INT8.check(found, _TARGET)
    return litert.finish(data, card, path, found.max_error, found)


def _quantised(data: bytes, faces: Faces, extra: str | None) -> bytes:
    """Return the float32 file `data` with integers inside."""
    with quiet():
        from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

        kind = qtyping.TFLOperationName
        made = quantizer.Quantizer(data)
        made.add_static_config(".*", kind.ALL_SUPPORTED, _BITS, _BITS)
        for port in (kind.INPUT, kind.OUTPUT):
            made.update_quantization_recipe(
                ".*", port, algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE
            )
        try:
            ranges = made.calibrate({_SIGNATURE: _samples(faces, extra)}, num_threads=1)
            result = made.quantize(ranges, enable_progress_report=False).quantized_model
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"the net cannot be quantised ({error}): export to 'litert' instead"
            ) from error
    if result is None:
        raise ModelError("the quantiser gave no file for this net: export to 'litert' instead")
    return bytes(result)


def _samples(faces: Faces, extra: str | None) -> list[dict[str, Any]]:
    """Return the calibration's inputs by port, one crop each."""
    samples: list[dict[str, Any]] = [
        {INPUT: np.ascontiguousarray(crop.transpose(1, 2, 0))[None]} for crop in faces.calibration
    ]
    if extra is not None and faces.calibration_vectors is not None:
        for sample, vector in zip(samples, faces.calibration_vectors, strict=True):
            sample[extra] = vector[None]
    return samples
