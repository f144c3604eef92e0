"""Whether what `torch.compile` made of a net is still that net: by its gradients.

On a CPU, torch 2.13 compiles nets under bfloat16 autocast to code that gives most weights a
gradient of zero, without a word: such a run trains little and looks as if it did.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn

from mask2face.errors import DeviceError

_FAR: Final = 0.5  # of a gradient's norm: rounding in bfloat16 stays far below
_MOST: Final = 0.2  # share of the weight tensors: tiny gradients are all rounding


def share_off(net: nn.Module, loss: Callable[[], Tensor], compiled: Callable[[], Tensor]) -> float:
    """Return the share of `net`'s weight tensors whose gradients differ, in [0, 1].

    Args:
        net: as it learns; its statistics stay what they were.
        loss: of its own prediction, with gradients.
        compiled: the same by what was compiled.
    """
    before, weights = deepcopy(net.state_dict()), list(net.parameters())
    found = []
    for one in (loss, compiled):
        torch.manual_seed(0)
        found.append(torch.autograd.grad(one(), weights, materialize_grads=True))
    net.load_state_dict(before)
    near = [(own - other).norm() <= _FAR * own.norm() for own, other in zip(*found, strict=True)]
    return float(1 - torch.stack(near).float().mean())  # nan is never near


def check(share: float, device: torch.device) -> None:
    """Refuse to train with a `share` of gradients that are not the net's.

    Raises:
        DeviceError: there are too many.
    """
    if share > _MOST:
        precise = " or with --precision fp32" if device.type == "cpu" else ""
        raise DeviceError(
            f"torch.compile of torch {torch.__version__} gives {share:.0%} of the weights other "
            f"gradients than the net has: train without --compile{precise}"
        )
