"""Parity of a net and its exported file on held-out faces: two callables -> `Parity`, gates."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mask2face import metrics
from mask2face.errors import ModelError
from mask2face.exporters.held_out import LEAST, Faces, Floats, needed, read_faces
from mask2face.nets import extras
from mask2face.restorer import ModelCard

__all__ = [
    "FLOAT16",
    "FLOAT32",
    "INT8",
    "INT8_WEIGHTS",
    "LEAST",
    "Faces",
    "Floats",
    "Gate",
    "Parity",
    "Restore",
    "compare",
    "needed",
    "of_net",
    "read_faces",
]

_BATCH: Final = 8  # faces at a time
_MOST: Final = 80.0  # dB; more is as good as equal

Restore = Callable[[Floats, Floats | None], Floats]
"""Crops (N, 3, S, S) and, for a model with a second input, vectors (N, E) -> (N, 4, S, S)."""


@dataclass(frozen=True)
class Parity:
    """How far an exported file is from its net on held-out faces.

    Attributes:
        faces: how many.
        max_error: largest absolute difference of outputs in [0, 1].
        mean_error: mean absolute difference of outputs in [0, 1].
        psnr_drop: dB of PSNR that the file loses inside the true holes, mean over the faces;
            negative where it gains.
        iou_drop: IoU with the true hole that the file's predicted holes lose, mean over the faces.
    """

    faces: int
    max_error: float
    mean_error: float
    psnr_drop: float
    iou_drop: float

    def __str__(self) -> str:
        noun = "face" if self.faces == 1 else "faces"
        return (
            f"on {self.faces} {noun}: differs by {self.max_error:.1e} at most, "
            f"{self.mean_error:.1e} on average; loses {self.psnr_drop:.3f} dB of hole PSNR, "
            f"{self.iou_drop:.4f} of hole IoU"
        )

    def within(self, card: ModelCard) -> ModelCard:
        """Return `card` with these numbers among its metrics, as `parity_faces` and so on."""
        found = {
            "parity_faces": self.faces,
            "parity_max_error": float(f"{self.max_error:.2g}"),
            "parity_mean_error": float(f"{self.mean_error:.2g}"),
            "parity_psnr_drop": round(self.psnr_drop, 4),
            "parity_iou_drop": round(self.iou_drop, 5),
        }
        return replace(card, metrics={**card.metrics, **found})


@dataclass(frozen=True)
class Gate:
    """What a target may lose at most; see `Parity`."""

    max_error: float = math.inf
    psnr_drop: float = math.inf
    iou_drop: float = math.inf

    def check(self, parity: Parity, target: str) -> None:
        """Refuse a file that lost more.

        Raises:
            ModelError: it did, or it gives numbers that are not finite.
        """
        for name in ("max_error", "psnr_drop", "iou_drop"):
            found, allowed = getattr(parity, name), getattr(self, name)
            if not (math.isfinite(found) and found <= allowed):
                raise ModelError(
                    f"{target}: the file is too far from the net ({name.replace('_', ' ')} "
                    f"{found:.2g}, allowed {allowed:.2g}; {parity}): nothing was written; "
                    "export to 'onnx' instead"
                )


FLOAT32: Final = Gate(max_error=1e-4)
FLOAT16: Final = Gate(max_error=2 / 255)
INT8: Final = Gate(psnr_drop=0.3, iou_drop=0.01)
INT8_WEIGHTS: Final = Gate(psnr_drop=0.05, iou_drop=0.002)


def of_net(net: nn.Module) -> Restore:
    """Return what `net`, on the CPU and in inference mode, gives, as a `Restore`."""

    def restore(crops: Floats, vectors: Floats | None) -> Floats:
        extra = None if vectors is None else torch.from_numpy(vectors)
        with torch.no_grad():
            return np.asarray(extras.run(net, torch.from_numpy(crops), extra).numpy(), np.float32)

    return restore


def compare(wanted: Restore, run: Restore, faces: Faces) -> Parity:
    """Compare what a file gives with what its net gives on `faces.crops`.

    PSNR and IoU are those of `metrics`: of the 8-bit restored picture, before it is pasted, inside
    the true hole; and of predicted with true hole pixels. Faces without a hole pixel have neither.

    Args:
        wanted: the net, as `of_net`.
        run: the file in its own runtime.
        faces: what to compare on.
    """
    largest, total = 0.0, 0.0
    scores = []
    for start in range(0, len(faces.crops), _BATCH):
        part = slice(start, start + _BATCH)
        vectors = None if faces.vectors is None else faces.vectors[part]
        truth, made = (one(faces.crops[part], vectors) for one in (wanted, run))
        error = np.abs(made - truth)
        largest = float(np.maximum(largest, error.max()))  # keeps a nan
        total += float(error.mean(dtype=np.float64)) * len(error)
        pair = (_scores(found, faces, part) for found in (truth, made))
        scores += [np.subtract(*pair)]
    drops = np.concatenate(scores)
    known = drops[(faces.holes > metrics.THRESHOLD).any(axis=(1, 2))]
    psnr, iou = known.mean(axis=0) if len(known) else (0.0, 0.0)
    return Parity(len(faces.crops), largest, total / len(faces.crops), float(psnr), float(iou))


def _scores(found: Floats, faces: Faces, part: slice) -> NDArray[np.float64]:
    """Return hole PSNR and hole IoU of each face, (N, 2)."""
    pictures = np.rint(
        np.clip(np.nan_to_num(found[:, :3]), 0, 1).transpose(0, 2, 3, 1) * 255
    ).astype(np.uint8)
    rows = zip(pictures, found[:, 3], faces.truth[part], faces.holes[part], strict=True)
    return np.array(
        [
            (min(metrics.psnr(picture, truth, hole), _MOST), metrics.hole_iou(predicted, hole))
            for picture, predicted, truth, hole in rows
        ]
    )
