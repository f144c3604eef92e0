"""Count parameters and multiply-accumulates of a net by running it once."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mask2face.nets import extras


@dataclass(frozen=True)
class Cost:
    """What a net weighs.

    Attributes:
        parameters: number of trained numbers.
        gmac: multiply-accumulates of its convolutions and linear layers for one crop, in 10^9.
    """

    parameters: int
    gmac: float


def _macs(layer: nn.Module, inputs: Any, output: Tensor) -> int:  # noqa: ANN401
    """Return the multiply-accumulates of one call of `layer`."""
    if isinstance(layer, nn.ConvTranspose2d):
        outputs_a_position = layer.weight.shape[1] * layer.weight[0, 0].numel()
        return int(inputs[0].numel()) * outputs_a_position
    return output.numel() * layer.weight[0].numel()  # type: ignore[index]


def cost(net: nn.Module, side: int) -> Cost:
    """Return what `net` costs on one crop.

    Bias, normalisation, activation and resizing are not counted, as is usual.

    Args:
        net: (N, 3, S, S) -> anything, a second input zeros; runs once, on its own device, and is
            left as it was.
        side: crop side S in pixels.

    >>> cost(nn.Conv2d(3, 4, 3, padding=1), 10)
    Cost(parameters=112, gmac=1.08e-05)
    """
    total = 0

    def count(layer: nn.Module, inputs: Any, output: Tensor) -> None:  # noqa: ANN401
        nonlocal total
        total += _macs(layer, inputs, output)

    counted = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, counted)]
    modes = [(module, module.training) for module in net.modules()]
    first = next(net.parameters(), torch.zeros(()))
    try:
        net.eval()
        with torch.no_grad():
            crops = torch.zeros(1, 3, side, side, device=first.device, dtype=first.dtype)
            extras.run(net, crops)
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    return Cost(sum(p.numel() for p in net.parameters()), total / 1e9)
