"""How wrong the net's cells are about a scene."""

from dataclasses import fields
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mask2face.finding.cells import Targets
from mask2face.finding.net import STRIDES

WEIGHTS: Final = {"face": 1.0, "box": 2.0, "points": 12.0, "facemask": 0.3}
_EYES: Final = 2.0  # weight of an eye's point beside the others': eyes align the crop
_NEAR: Final = 0.02  # of the face's size; smaller errors of a point count squared


def stacked(batch: list[Targets]) -> dict[str, Tensor]:
    """Return the targets of N scenes by name, each (N, ..., M)."""
    return {
        part.name: torch.from_numpy(
            np.stack([np.asarray(getattr(one, part.name), np.float32) for one in batch])
        )
        for part in fields(Targets)
    }


def losses(logits: list[Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the terms that `WEIGHTS` weighs, each a scalar, lower is better.

    Args:
        logits: of `FaceFinder.logits`, (N, 16, h, w) for each stride.
        wanted: of `stacked`.

    "face": quality focal loss with the heat as the quality (Li et al., arXiv:2006.04388, eq. 4,
    beta = 2). "box": 1 - IoU (Yu et al., arXiv:1608.01471) and the difference of the log
    distances. "points": smooth L1 in shares of the face's size. "facemask": cross-entropy.
    All are sums over cells by the number of answering cells.
    """
    cells = torch.cat([part.flatten(2) for part in logits], 2).float()
    strides = torch.cat(
        [
            torch.full((part[0, 0].numel(),), float(stride), device=part.device)
            for part, stride in zip(logits, STRIDES, strict=True)
        ]
    )
    answers = wanted["answers"]
    total = answers.sum().clamp(min=1.0)
    heat = cells[:, 0]
    focus = (wanted["heat"] - heat.sigmoid()).abs().square()
    cross = F.binary_cross_entropy_with_logits(heat, wanted["heat"], reduction="none")
    log_sides = cells[:, 2:6]
    true_sides = wanted["sides"]
    iou = _iou(log_sides.clamp(max=4.0).exp() * strides, true_sides)
    off = (log_sides - (true_sides / strides).log()).abs().clamp(max=3.0).mean(1)
    points = _points(cells[:, 6:] * strides, wanted["points"], wanted["sizes"])
    worn = F.binary_cross_entropy_with_logits(cells[:, 1], wanted["masked"], reduction="none")
    return {
        "face": (wanted["counts"] * focus * cross).sum() / total,
        "box": (answers * (1 - iou + 0.25 * off)).sum() / total,
        "points": (answers * points).sum() / total,
        "facemask": (answers * worn).sum() / total,
    }


def _iou(sides: Tensor, wanted: Tensor) -> Tensor:
    """Return the boxes' intersection over union (N, M); both hold the cell's middle."""
    both = torch.minimum(sides, wanted)
    shared = (both[:, 0] + both[:, 2]) * (both[:, 1] + both[:, 3])
    area = (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
    true_area = (wanted[:, 0] + wanted[:, 2]) * (wanted[:, 1] + wanted[:, 3])
    return shared / (area + true_area - shared).clamp(min=1e-3)


def _points(points: Tensor, wanted: Tensor, sizes: Tensor) -> Tensor:
    """Return the mean error of the points (N, M) in shares of the face's size."""
    off = (points - wanted) / sizes[:, None]
    error = F.smooth_l1_loss(off, torch.zeros_like(off), beta=_NEAR, reduction="none")
    weights = torch.ones(10, 1, device=points.device)
    weights[:4] = _EYES
    return (error * weights).sum(1) / weights.sum()
