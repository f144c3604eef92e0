"""A net in torch -> a `ModelProto` -> the bytes of one ONNX file without traces of this machine."""

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from mask2face import devices
from mask2face.errors import ModelError
from mask2face.formats import Floats, Inputs, Ports

OPSET: Final = 18


def converted(
    net: nn.Module,
    examples: Inputs,
    output: str,
    dynamic_shapes: tuple[dict[int, Any], ...],
) -> Any:  # noqa: ANN401
    """Return the `ModelProto` of `net`.

    Args:
        net: in inference mode, with one output.
        examples: of its inputs.
        output: name of the output.
        dynamic_shapes: for each input its dimensions that may vary, as `torch.export` has them.

    Raises:
        ModelError: torch's exporter cannot express the net.
    """
    logger = logging.getLogger("torch.onnx._internal.exporter")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns that torchvision is not installed
    with warnings.catch_warnings():
        # torch's exporter, onnxscript and copyreg warn about their own internals
        for kind in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        try:
            program = torch.onnx.export(
                net,
                tuple(examples.values()),
                input_names=list(examples),
                output_names=[output],
                opset_version=OPSET,
                dynamic_shapes=dynamic_shapes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # any failure inside torch's exporter
            raise ModelError(f"torch cannot export this net to ONNX: {error}") from error
        finally:
            logger.setLevel(level)
    if program is None:
        raise ModelError("torch gave no ONNX program for this net")
    return program.model_proto


def serialised(model: Any, metadata: Mapping[str, str], version: str = "") -> bytes:  # noqa: ANN401
    """Return the file's bytes: metadata and producer in, stack traces with local paths out.

    Args:
        model: a `ModelProto`; changed.
        metadata: of the file, by key.
        version: of the weights.
    """
    import onnx

    for container in _with_metadata(model):
        del container.metadata_props[:]
        container.doc_string = ""
    model.producer_name = "mask2face"
    model.producer_version = version
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def runner(data: bytes, ports: Ports, more: str | None = None) -> Callable[..., Floats]:
    """Return a file in ONNX Runtime: pictures (N, 3, H, W), with `more` vectors -> its output.

    Args:
        data: of the file.
        ports: its ports.
        more: name of its second input, if it has one.
    """
    session = devices.session(data, "cpu")

    def run(pictures: Floats, vectors: Floats | None = None) -> Floats:
        feed = {ports.picture: pictures} | ({} if more is None else {more: vectors})
        return np.asarray(session.run([ports.output], feed)[0], np.float32)

    return run


def _with_metadata(model: Any) -> list[Any]:  # noqa: ANN401
    graphs = [model.graph, *model.functions]
    parts = [model, *graphs]
    for graph in graphs:
        parts += [*graph.node, *graph.value_info]
    parts += [*model.graph.initializer, *model.graph.input, *model.graph.output]
    return parts
