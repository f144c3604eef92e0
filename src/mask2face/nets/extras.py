"""A second input that some nets take beside the crops: a vector a crop, by name and size."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mask2face.extra_input import Extra as Extra

Learning = Callable[[Tensor, Tensor, Tensor, Tensor | None], tuple[Tensor, dict[str, Tensor]]]


def extra_of(net: nn.Module) -> Extra | None:
    """Return what `net` wants beside crops, its attribute `extra`; None where it has none."""
    found = getattr(net, "extra", None)
    return found if isinstance(found, Extra) else None


def run(net: nn.Module, crops: Tensor, extra: Tensor | None = None) -> Tensor:
    """Return (N, 4, S, S) of `net`, with or without a second input.

    Args:
        net: any of `NETS`.
        crops: (N, 3, S, S) RGB in [0, 1].
        extra: (N, E) for a net that wants it; None gives zeros. Not used by the others.
    """
    wanted = extra_of(net)
    if wanted is None:
        result: Tensor = net(crops)
        return result
    if extra is None:
        extra = torch.zeros(len(crops), wanted.size, device=crops.device, dtype=crops.dtype)
    result = net(crops, extra)
    return result


def learning(net: nn.Module, compile_net: bool = False) -> Learning:
    """Return how `net` predicts while it learns: by `learn` where it has it, else by `forward`.

    Args:
        net: any of `NETS`.
        compile_net: let torch compile both.

    Returns:
        A function of crops, the true crops (N, 3, S, S), holes (N, 1, S, S) and the second input;
        it gives (N, 4, S, S) and the loss terms that the net computes itself.
    """
    forward: Any = net
    learn: Any = getattr(net, "learn", None)
    if compile_net:
        dice: Any = {"fallback_random": True}  # of torch, as `learn` rolls them, not of Inductor
        forward, learn = torch.compile(net), learn and torch.compile(learn, options=dice)

    def predict(
        crops: Tensor, target: Tensor, hole: Tensor, extra: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        if learn is None:
            return run(forward, crops, extra), {}
        prediction, terms = learn(crops, target, hole, extra)
        return prediction, terms

    return predict


def checked(wanted: Extra | None, crops: Tensor, extra: Tensor | None) -> Tensor | None:
    """Return `extra`, which is what a net that wants `wanted` was given beside `crops`.

    Raises:
        ValueError: it is missing, not wanted, or not (N, `wanted.size`) for N crops.

    >>> checked(None, torch.rand(2, 3, 8, 8), None)
    >>> checked(Extra("noise", 4), torch.rand(2, 3, 8, 8), torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """
    if wanted is None:
        if extra is not None:
            raise ValueError("this net takes crops alone: leave the second input out")
        return None
    shape = (crops.shape[0], wanted.size)  # len(crops) is a constant to torch.export
    if extra is None or tuple(extra.shape) != shape:
        got = "nothing" if extra is None else str(tuple(extra.shape))
        raise ValueError(
            f"this net takes {wanted.name!r} {shape} beside {shape[0]} crops, got {got}; "
            "`nets.extras.run` gives zeros where there is none"
        )
    return extra
