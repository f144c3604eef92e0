"""Lay a face mask over the face: from its rim to the curved sheet that it is."""

from dataclasses import dataclass, replace

import numpy as np

from mask2face.facemasks import mesh
from mask2face.facemasks.drawn import Points
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.mesh import Sheet
from mask2face.facemasks.outline import Outline, smooth

_ROWS, _HALF = 12, 9  # points down the sheet, and across half of it
_V = np.linspace(0, 1, _ROWS)[:, None]  # share of the way down


@dataclass(frozen=True)
class Hang:
    """How the cloth stands on the face; lengths in face widths.

    Attributes:
        tent: 1 = spans straight from the tip of the nose to the chin, 0 = follows the lips.
        off: thickness and air between the face and the cloth along the middle line.
        round: 1 = as round as cheeks, 0 = flat from the middle line to the sides.
        fold: how far the middle line stands out of the sides, as the fold of a KN95 does.
        inflate: how far the middle of the sheet is pushed out, as a moulded cup is.
        bill: how far a crosswise fold stands out, as that of a duckbill does.
    """

    tent: float = 0.9
    off: float = 0.02
    round: float = 1.0
    fold: float = 0.0
    inflate: float = 0.0
    bill: float = 0.0


def tightened(hang: Hang, tight: float | None) -> Hang:
    """Let the cloth lie close to nose and lips (1) or stand away from them (0); None = as it is."""
    if tight is None:
        return hang
    return replace(hang, tent=1 - 0.7 * tight, off=0.06 * (1 - tight))


def drape(frame: Frame, outline: Outline, hang: Hang) -> Sheet:
    """The sheet inside a rim.

    Args:
        frame: the face.
        outline: the rim.
        hang: how the cloth stands on the face.

    Returns:
        u is -1 at the left edge ... 0 on the middle line ... 1 at the right edge, v is 0 at the
        upper rim ... 1 at the lower.
    """
    if outline.ear:
        return _dangling(frame, outline)
    ridge = mesh.resample(_ridge(frame, outline, hang), _ROWS)
    halves = [_half(frame, outline, ridge, side, hang) for side in (-1, 1)]
    points = np.concatenate([halves[0], halves[1][:, 1:]], axis=1)
    return inflated(sheet_of(points), hang.inflate * frame.unit)


def _dangling(frame: Frame, outline: Outline) -> Sheet:
    """A sheet that hangs free, a little bent."""
    columns = 2 * _HALF - 1
    top, bottom = (mesh.resample(curve, columns) for curve in (outline.top, outline.bottom))
    left, right = (mesh.resample(curve, _ROWS) for curve in (outline.left, outline.right))
    sheet = sheet_of(mesh.between(top, bottom, left, right))
    return inflated(sheet, 0.06 * frame.unit)


def sheet_of(points: Points) -> Sheet:
    """A sheet of (R, C, 3) points with u from -1 to 1, v from 0 to 1 and its rim distances."""
    rows, columns = points.shape[:2]
    u = np.empty((rows, columns))
    v = np.empty((rows, columns))
    u[:] = np.arange(1 - columns, columns, 2) / (columns - 1)
    v[:] = (np.arange(rows) / (rows - 1))[:, None]
    fine = points.astype(np.float64, copy=False)
    return Sheet(fine, u, v, mesh.rim_distance(fine))


def inflated(sheet: Sheet, amount: float) -> Sheet:
    """The sheet pushed outwards by `amount` px in its middle and by nothing at its rim."""
    if not amount:
        return sheet
    share = (sheet.edge / max(float(sheet.edge.max()), 1e-6)).clip(0, 1)
    height = amount * np.sqrt(1 - (1 - share) ** 2)
    points = sheet.points + mesh.normals_of(sheet.points) * height[..., None]
    return replace(sheet, points=points)


def _ridge(frame: Frame, outline: Outline, hang: Hang) -> Points:
    """The middle line from the upper rim to the lower: (n, 3)."""
    start, end = outline.top[len(outline.top) // 2], outline.bottom[len(outline.bottom) // 2]
    low, high = float(start @ frame.down), float(end @ frame.down)
    margin = 0.08 * frame.unit
    marks = [
        mark
        for mark in frame.points[[30, 33, 51, 57]] + frame.out * hang.off * frame.unit
        if low + margin < float(mark @ frame.down) < high - margin
    ]
    controls = np.array([start, *marks, end])
    heights, depths = controls @ frame.down, controls @ frame.out
    tented = _hull(heights, depths)
    raised = controls + frame.out * (hang.tent * (tented - depths))[:, None]
    return smooth(raised, 4)


def _hull(heights: Points, depths: Points) -> Points:
    """The upper convex hull of depths (n,) over rising heights (n,), at the same heights."""
    kept = [0]
    for index in range(1, len(heights)):
        while len(kept) > 1 and _below(heights, depths, kept[-2], kept[-1], index):
            kept.pop()
        kept.append(index)
    return np.interp(heights, heights[kept], depths[kept])


def _below(heights: Points, depths: Points, first: int, middle: int, last: int) -> bool:
    rise = (depths[last] - depths[first]) * (heights[middle] - heights[first])
    return bool((depths[middle] - depths[first]) * (heights[last] - heights[first]) <= rise)


def _half(frame: Frame, outline: Outline, ridge: Points, side: int, hang: Hang) -> Points:
    """The points (R, C, 3) of one half, columns to the right."""
    top, bottom = (
        mesh.resample(_side_of(curve, side), _HALF) for curve in (outline.top, outline.bottom)
    )
    flank = mesh.resample(outline.left if side < 0 else outline.right, _ROWS)
    curves = (flank, ridge) if side < 0 else (ridge, flank)
    points = mesh.between(top, bottom, *curves)
    across = (points - ridge[:, None]) @ frame.right
    edges = np.abs((flank - ridge) @ frame.right)[:, None]
    v = _V
    raised = frame.round_over(across, edges) * (hang.round * (1 - 0.6 * v**6))
    share = np.minimum(np.abs(across) / np.maximum(edges, 1e-6), 1)
    if hang.bill:  # stands out most at the fold, half-way down, and less at the sides
        stands = (1 - np.abs(2 * v - 0.95)).clip(0, 1) * (1 - share**3)
        raised = raised + hang.bill * frame.unit * stands
    if hang.fold:
        raised = raised + hang.fold * frame.unit * (1 - share) * np.sin(np.pi * v) ** 0.5
    return np.asarray(points + raised[..., None] * frame.out)


def _side_of(curve: Points, side: int) -> Points:
    middle = len(curve) // 2
    return curve[: middle + 1] if side < 0 else curve[middle:]
