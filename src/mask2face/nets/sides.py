"""Refuse crops whose side a net cannot halve often enough, and name the sides it accepts."""

import torch


def check_side(x: torch.Tensor, multiple: int) -> None:
    """Raise unless `x` is (N, 3, S, S) with S a multiple of `multiple` pixels.

    Raises:
        ValueError: the shape is another; the message names the nearest sides that fit.
    """
    if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] != x.shape[3]:
        raise ValueError(f"expected crops (N, 3, S, S), got {tuple(x.shape)}")
    side = int(x.shape[2])
    if side % multiple or side == 0:
        below, above = side // multiple * multiple, -(-side // multiple) * multiple
        near = " or ".join(str(value) for value in sorted({below, above}) if value > 0)
        raise ValueError(
            f"crop side {side} is not a multiple of {multiple}: resize or pad the crops to {near}"
        )
