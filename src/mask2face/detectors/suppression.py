"""Many candidates for a few faces -> one for each face."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_OVERLAP: Final = 0.3  # intersection over union from which two boxes are one face
_INSIDE: Final = 0.7  # share of the smaller box inside the other from which they are one face
_AGREE: Final = 0.55  # intersection over union from which two boxes are averaged


@dataclass(frozen=True)
class Candidates:
    """What a net takes for faces.

    Attributes:
        boxes: float32 (n, 4), x0, y0, x1, y1, px.
        landmarks: float32 (n, 5, 2), px.
        scores: float32 (n,) in [0, 1].
        masked: float32 (n,), probability of a face mask.
    """

    boxes: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float32]
    masked: NDArray[np.float32]

    def scaled(self, factors: NDArray[np.float32]) -> "Candidates":
        """Return them in px of a photo that is `factors` (2,), x and y, as large.

        Whole numbers are the middles of pixels: 0 becomes the middle of the first `factors` px.
        """
        both = np.tile(factors, 2)
        return Candidates(
            (self.boxes + 0.5) * both - 0.5,
            (self.landmarks + 0.5) * factors - 0.5,
            self.scores,
            self.masked,
        )


def joined(parts: Sequence[Candidates]) -> Candidates:
    """Return the candidates of one or more looks as one."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.masked for part in parts]),
    )


def merged(found: Candidates) -> Candidates:
    """Return one candidate for each face, the surest first.

    Where several cells answer for a face, box, points and face mask are their mean weighted by
    the squared score: it is steadier than the best cell's own answer.
    """
    order = np.argsort(-found.scores, kind="stable")
    boxes, landmarks, scores, masked = [], [], [], []
    while order.size:
        best = order[0]
        same, inside = _overlap(found.boxes[best], found.boxes[order])
        group = order[same >= _AGREE]
        weight = found.scores[group] ** 2
        weight = weight / weight.sum()
        boxes.append(weight @ found.boxes[group])
        landmarks.append(np.tensordot(weight, found.landmarks[group], 1))
        masked.append(weight @ found.masked[group])
        scores.append(found.scores[best])
        kept = (same < _OVERLAP) & (inside < _INSIDE)
        kept[0] = False
        order = order[kept]
    return Candidates(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(landmarks, np.float32).reshape(-1, 5, 2),
        np.array(scores, np.float32),
        np.array(masked, np.float32),
    )


def _overlap(
    box: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return intersection over union, and over the smaller area, of `box` with (n, 4) others."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0), 1)
    area = np.prod(np.maximum(others[:, 2:] - others[:, :2], 1e-6), 1)
    own = np.prod(np.maximum(box[2:] - box[:2], 1e-6))
    return shared / (area + own - shared), shared / np.minimum(area, own)
