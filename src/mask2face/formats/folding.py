"""Fold a net's normalisation where an exporter would not: behind the sum of two convolutions."""

import copy
from typing import Any

import torch
from torch import nn

from mask2face.nets.residual_blocks import Up


def folded(net: nn.Module) -> nn.Module:
    """Return a copy of `net`, in inference mode, without normalisation in its `Up` blocks.

    It scales both convolutions, and its shift becomes the bias of one. Normalisation right behind a
    convolution is folded by every runtime's own converter.

    Args:
        net: any module; not changed.
    """
    made = copy.deepcopy(net).eval()
    for module in made.modules():
        if isinstance(module, Up):
            _fold(module)
    return made


def _fold(up: Up) -> None:
    norm: Any = up.norm
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        up.narrow.weight.mul_(scale[:, None, None, None])
        up.skip.weight.mul_(scale[:, None, None, None])
        up.skip.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
    up.norm = nn.Identity()  # type: ignore[assignment]
