"""What the cells of the net should say about a scene: faces -> targets."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMALLEST: Final = 8.0  # px, root of a box's area; nobody says whether smaller ones are faces
# Root of the box's area in px that a stride answers for; where they overlap, both do.
RANGES: Final = {8: (0.0, 40.0), 16: (28.0, 92.0), 32: (64.0, np.inf)}
_SPREAD: Final = 0.14  # standard deviation of a face's middle, in roots of its box's area
_NARROWEST: Final = 0.3  # the same at least, in strides
_ANSWERS: Final = 0.3  # from this heat on, a cell says where box and points are


@dataclass(frozen=True)
class Truth:
    """The faces of a scene.

    Attributes:
        boxes: float32 (n, 4), x0, y0, x1, y1 in px; may reach past the scene.
        points: float32 (n, 5, 2), px.
        masked: float32 (n,), 1 = with a face mask.
        sure: bool (n,); what is not sure is neither taught as a face nor as none.
    """

    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    masked: NDArray[np.float32]
    sure: NDArray[np.bool_]


@dataclass(frozen=True)
class Targets:
    """What each of M cells should say; the cells' order is that of `net.FaceFinder`.

    Attributes:
        heat: float32 (M,), 1 in the middle of a face.
        counts: float32 (M,), 0 where nobody knows.
        answers: float32 (M,), weight of box, points and face mask; 0 far from faces.
        masked: float32 (M,).
        sides: float32 (4, M), distances to the box's left, top, right, bottom side, px.
        points: float32 (10, M), x and y of five points from the cell's middle, px.
        sizes: float32 (M,), root of the box's area, px.
    """

    heat: NDArray[np.float32]
    counts: NDArray[np.float32]
    answers: NDArray[np.float32]
    masked: NDArray[np.float32]
    sides: NDArray[np.float32]
    points: NDArray[np.float32]
    sizes: NDArray[np.float32]


def middles(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the cells' middles (M, 2), x and y in px, and strides (M,), of a picture.

    >>> [part.shape for part in middles(64, 32)]
    [(42, 2), (42,)]
    """
    places, strides = [], []
    for stride in RANGES:
        rows, columns = height // stride, width // stride
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        places.append(np.stack([x, y], 1) * stride + stride / 2)
        strides.append(np.full(rows * columns, stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def targets(truth: Truth, side: int) -> Targets:
    """Return what the cells of a scene of `side` px should say about `truth`."""
    cells, strides = middles(side, side)
    if len(truth.boxes) == 0:
        return _nothing(len(cells))
    boxes = truth.boxes
    sizes = np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1), 1))
    sure = truth.sure & (sizes >= SMALLEST)
    heat = _heat(boxes, sizes, cells, strides)
    heat[~sure] = 0
    owner = heat.argmax(0)
    best = heat.max(0)
    inside = (cells[None] >= boxes[:, None, :2]) & (cells[None] <= boxes[:, None, 2:])
    unknown = (inside.all(2) & ~sure[:, None]).any(0)
    counts = np.where(unknown & (best < _ANSWERS), 0, 1)
    own = boxes[owner]
    sides = np.concatenate([cells - own[:, :2], own[:, 2:] - cells], 1)
    points = truth.points[owner] - cells[:, None]
    return Targets(
        best.astype(np.float32),
        counts.astype(np.float32),
        np.where(best >= _ANSWERS, best, 0).astype(np.float32),
        truth.masked[owner].astype(np.float32),
        np.maximum(sides, 0.5).T.astype(np.float32),
        points.reshape(len(cells), 10).T.astype(np.float32),
        sizes[owner].astype(np.float32),
    )


def _nothing(count: int) -> Targets:
    """Return the targets of `count` cells that see no face."""
    zero, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    return Targets(
        zero,
        one,
        zero,
        zero,
        np.ones((4, count), np.float32),
        np.zeros((10, count), np.float32),
        one,
    )


def _heat(
    boxes: NDArray[np.float32],
    sizes: NDArray[np.float32],
    cells: NDArray[np.float32],
    strides: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the heat (n, M) of each face in each cell: 1 in the cell nearest to its middle."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = ((cells[None] - centres[:, None]) ** 2).sum(2)
    spread = np.maximum(_SPREAD * sizes[:, None], _NARROWEST * strides[None])
    heat = np.exp(-away / (2 * spread**2))
    for stride, (low, high) in RANGES.items():
        here = np.flatnonzero(strides == stride)
        nearest = away[:, here].argmin(1)
        heat[np.arange(len(boxes)), here[nearest]] = 1
        outside = (sizes < low) | (sizes > high)
        heat[np.ix_(outside, here)] = 0
    # a face whose middle lies far outside the scene belongs to no cell
    heat[away > (np.maximum(sizes[:, None], strides[None])) ** 2] = 0
    return np.asarray(heat, np.float32)
