"""A net -> the bytes of a float32 .tflite file, through litert-torch."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from mask2face.errors import ModelError
from mask2face.formats import Inputs
from mask2face.formats.hush import quiet
from mask2face.formats.litert_layers import ChannelsLast, prepared


def convert(net: nn.Module, inputs: Inputs, output: str) -> bytes:
    """Return a .tflite file of `net` with its channels last, without metadata.

    Constants are computed now, not on the phone.

    Args:
        net: (1, 3, H, W) and more inputs -> one output; not changed.
        inputs: of the sizes that the file shall have.
        output: name of the output.

    Raises:
        ModelError: the net has a layer that LiteRT cannot express; the message names it.
    """
    (name, picture), *more = inputs.items()
    example = {name: picture.permute(0, 2, 3, 1).contiguous(), **dict(more)}
    module = ChannelsLast(prepared(net, inputs), output)
    with quiet():
        import litert_torch

        litert_torch.config.show_progress = False  # it prints to stdout
        try:
            made: Any = litert_torch.convert(
                module, sample_kwargs=example, runtime_constant_folding=True
            )
            return bytes(made.model_content())
        except Exception as error:  # any failure inside the converter
            layer = _layer(module, example, str(error))
            raise ModelError(
                f"LiteRT cannot express {layer}: take another layer there, or export to 'onnx', "
                f"which runs on phones too ({_first_line(error)})"
            ) from error


def _layer(module: nn.Module, example: Mapping[str, torch.Tensor], message: str) -> str:
    """Return the layer of `module` that the converter's message is about, in words."""
    found = re.search(r"\b(?:torch\.ops\.)?(aten\.\w+\.\w+)", message)
    if found is None:
        return "this net"
    operation = found[1]
    program: Any = torch.export.export(module, (), dict(example))
    for graph in (program.graph, program.run_decompositions().graph):
        for node in graph.nodes:
            if str(node.target) == operation:
                stack = list(node.meta.get("nn_module_stack", {}).values())
                where = [str(path).partition("net.")[2] for path, _ in stack[1:]]
                names = [name for name in where if name]
                inside = f"the layer {names[-1]!r}" if names else "the net's own forward"
                return f"{operation!r} in {inside}"
    return f"{operation!r}"


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
