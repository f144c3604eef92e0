"""A float32 .tflite file -> one that computes in 8-bit integers."""

from collections.abc import Sequence
from typing import Any, Final

from mask2face.errors import ModelError
from mask2face.formats import Sample
from mask2face.formats.hush import quiet

_SIGNATURE: Final = "serving_default"  # litert-torch's name of the one function in a file
_BITS: Final = 8


def quantised(
    data: bytes,
    samples: Sequence[Sample],
    *,
    operations: Sequence[str] = (),
    layers: Sequence[str] = (),
) -> bytes:
    """Return the float32 file `data` with integers inside; its ports stay float32.

    Static post-training quantisation (Jacob et al. 2018, arXiv:1712.05877): weights have a scale a
    channel, activations one a tensor, from what `samples` make of them. Layers that the quantiser
    does not know stay in float32.

    Args:
        data: a .tflite file.
        samples: inputs to calibrate on, by the name of the port; pictures have channels last.
        operations: that stay in float32 wherever they stand, as "MUL".
        layers: regular expressions; layers whose names they match stay in float32.

    Raises:
        ModelError: the file cannot be quantised.
    """
    with quiet():
        from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

        kind = qtyping.TFLOperationName
        made = quantizer.Quantizer(data)
        made.add_static_config(".*", kind.ALL_SUPPORTED, _BITS, _BITS)
        floats = [(".*", kind.INPUT), (".*", kind.OUTPUT)]
        floats += [(".*", kind[name]) for name in operations]
        floats += [(layer, kind.ALL_SUPPORTED) for layer in layers]
        for scope, operation in floats:
            made.update_quantization_recipe(
                scope, operation, algorithm_key=algorithm_manager.AlgorithmName.NO_QUANTIZE
            )
        try:
            ranges: Any = made.calibrate({_SIGNATURE: list(samples)}, num_threads=1)
            result = made.quantize(ranges, enable_progress_report=False).quantized_model
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"the net cannot be quantised ({error}): export to 'litert' instead"
            ) from error
    if result is None:
        raise ModelError("the quantiser gave no file for this net: export to 'litert' instead")
    return bytes(result)
