"""The last layer of a net: features -> RGB, drawn anew or as a difference, and hole."""

import torch
from torch import Tensor, nn


def make_head(width: int, predict_difference: bool) -> nn.Conv2d:
    """Return the convolution (N, width, S, S) -> (N, 4, S, S) whose result `finish` takes.

    One that predicts the difference starts at none: the net begins by copying its crop.
    """
    head = nn.Conv2d(width, 4, 1)
    if predict_difference:
        with torch.no_grad():
            head.weight[:3] = 0
            if head.bias is not None:
                head.bias[:3] = 0
    return head


def finish(raw: Tensor, crops: Tensor, predict_difference: bool) -> Tensor:
    """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

    A plain sum of crop and difference, as in the article, leaves [0, 1], and learns nothing more
    where it is cut off. Here tanh(raw) is the difference as a share of the room there is: up to
    white where it is positive, down to black where it is negative. 0 is the crop itself.

    Args:
        raw: (N, 4, S, S), what the head gave.
        crops: (N, 3, S, S) RGB in [0, 1].
        predict_difference: the first three channels are a difference from `crops`.

    >>> crops = torch.full((1, 3, 1, 1), 0.25)
    >>> [round(float(value), 3) for value in finish(torch.zeros(1, 4, 1, 1), crops, True).flatten()]
    [0.25, 0.25, 0.25, 0.5]
    """
    raw = raw.float()
    if predict_difference:
        crops, share = crops.float(), torch.tanh(raw[:, :3])
        pictures = crops + share.clamp(min=0) * (1 - crops) + share.clamp(max=0) * crops
        return torch.cat([pictures, torch.sigmoid(raw[:, 3:])], 1)
    return torch.sigmoid(raw)
