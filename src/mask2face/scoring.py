"""Score a net inside the true holes of frozen pairs: batch -> scores and a picture panel."""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mask2face.feed import Batch
from mask2face.nets.extras import run
from mask2face.torch_devices import to_pictures, to_tensor

_PART: Final = 32  # pairs at a time
_COLUMNS: Final = 8  # pairs in a picture panel
_CELL: Final = 96  # px, at least, of a picture in it


@torch.no_grad()
def score(
    net: nn.Module, batch: Batch, device: torch.device
) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
    """Return the scores of `net` on `batch` and a panel of its first pairs.

    Args:
        net: crops (N, 3, S, S) -> (N, 4, S, S), in inference mode; with a second input, if it
            wants one: the pairs' face embeddings, or the likeliest noise.
        batch: the pairs.
        device: of the net.

    Returns:
        `hole_psnr` in dB, averaged over the pairs that have a hole, and `hole_l1` over all hole
        pixels, both with the true hole; `hole_iou` of the predicted hole; then the panel, uint8
        (H, W, 3): rows of inputs, outputs, predictions and composites. Without pairs there are no
        scores and no panel.
    """
    totals = _Totals()
    rows: list[Tensor] = []
    for begin in range(0, len(batch.inputs), _PART):
        part = slice(begin, begin + _PART)
        inputs = to_tensor(batch.inputs[part], device)
        target = to_tensor(batch.outputs[part], device)
        hole = torch.from_numpy(batch.holes[part]).to(device)[:, None]
        extra = None
        if batch.extras is not None:
            extra = torch.from_numpy(batch.extras[part, 0]).to(device)
        prediction = run(net, inputs, extra)
        totals.add(prediction, target, hole)
        if not rows:
            filled = inputs + prediction[:, 3:] * (prediction[:, :3] - inputs)
            rows = [inputs, target, prediction[:, :3], filled]
    return (totals.scores(), _panel(rows)) if rows else ({}, None)


class _Totals:
    """Sums over the pairs seen so far."""

    def __init__(self) -> None:
        self.decibels: list[float] = []
        self.error = self.covered = self.shared = self.union = 0.0

    def add(self, prediction: Tensor, target: Tensor, hole: Tensor) -> None:
        inside = (hole > 0.5).float()
        difference = (prediction[:, :3] - target) * inside
        pixels = inside.sum((1, 2, 3))
        squared = (difference**2).sum((1, 2, 3))
        mean = squared[pixels > 0] / (3 * pixels[pixels > 0])
        self.decibels += (-10 * torch.log10(mean + 1e-8)).tolist()
        self.error += float(difference.abs().sum()) / 3
        self.covered += float(pixels.sum())
        found = (prediction[:, 3:] > 0.5).float()
        self.shared += float((found * inside).sum())
        self.union += float(torch.maximum(found, inside).sum())

    def scores(self) -> dict[str, float]:
        return {
            "hole_psnr": float(np.mean(self.decibels)) if self.decibels else 0.0,
            "hole_l1": self.error / max(self.covered, 1),
            "hole_iou": self.shared / max(self.union, 1),
        }


def _panel(rows: list[Tensor]) -> NDArray[np.uint8]:
    pictures = np.stack([to_pictures(row[:_COLUMNS]) for row in rows])  # (4, n, S, S, 3)
    kinds, count, side = pictures.shape[:3]
    panel = pictures.transpose(0, 2, 1, 3, 4).reshape(kinds * side, count * side, 3)
    zoom = max(1, _CELL // side)
    return np.asarray(cv2.resize(panel, None, fx=zoom, fy=zoom), np.uint8)
