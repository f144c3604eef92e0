"""Where a template goes: six points on a face, the side it shows, six points on a template."""

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.drawn import Points

Side = Literal["front", "left", "right"]
SIDES: Final[tuple[Side, ...]] = ("front", "left", "right")

_TURNED: Final = 13.0  # degrees between nose and middle of the face: MaskTheFace's threshold
_LOWER_LIP: Final = [48, *range(54, 60), 60, *range(64, 68)]
_REACH: Final = 1.0  # how far a jaw may be drawn on past the ear, in lengths of its last two steps
# of the body of a template: rows of its upper and lower corners, column of nose and chin
_UPPER: Final = {"front": 0.18, "left": 0.1}
_LOWER: Final = {"front": 0.6, "left": 0.58}
_NOSE: Final = {"front": 0.5, "left": 0.3}
_CHIN: Final = {"front": 0.5, "left": 0.4}
_THIN: Final = 0.05  # of the width: narrower parts are ear loops, not the body


def side_of(landmarks: Points) -> Side:
    """Say which view of a template a head needs: MaskTheFace's rule.

    Args:
        landmarks: (68, 2) x, y in photo px, iBUG order.

    Returns:
        "left" or "right" where the bridge of the nose leans more than 13 degrees to image left or
        right of the line from between the eyes to the mouth; "front" otherwise.
    """
    nose = landmarks[30] - landmarks[27]
    face = landmarks[_LOWER_LIP].mean(axis=0) - landmarks[27]
    lean = np.degrees(np.arctan2(nose[1], nose[0]) - np.arctan2(face[1], face[0]))
    lean = (lean + 180) % 360 - 180
    return "left" if lean > _TURNED else "right" if lean < -_TURNED else "front"


def six_points(landmarks: Points) -> Points:
    """Find the points of a face that a template's six anchors go to, as MaskTheFace does.

    "Down" is at a right angle to the line of the eyes, so that a face may be tilted.

    Args:
        landmarks: (68, 2) x, y in photo px, iBUG order.

    Returns:
        float64 (6, 2) photo px: jaw at image left, level with the tip of the nose; middle of the
        bridge of the nose; jaw at image right; jaw at image left, level with the lower lip;
        chin; jaw at image right.
    """
    points = np.asarray(landmarks, np.float64)
    left, right = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    middle, across = (left + right) / 2, right - left
    length = float(np.hypot(*across))
    x, y = across / length if length > 1e-6 else (1.0, 0.0)
    axes = np.array([(x, y), (-y, x)])  # rows: across the face, down the face
    upright = (points - middle) @ axes.T
    jaw, mouth = upright[:17], upright[_LOWER_LIP]
    upper, lower = upright[30, 1] - upright[27, 1], float(mouth[:, 1].max())
    sides = (jaw[:9], jaw[:7:-1])  # from the ears down to the chin
    (a, c), (d, f) = ([_at_level(side, level) for side in sides] for level in (upper, lower))
    b = (upright[27] + upright[30]) / 2
    e = (_below(jaw, np.zeros(2), np.array([0.0, 1.0]))) / 2
    e = e + _below(jaw, upright[27], mouth.mean(axis=0) - upright[27]) / 2
    found: Points = np.stack([a, b, c, d, e, f]) @ axes + middle
    return found


def _at_level(side: Points, level: float) -> Points:
    """Where one side of the jaw, (9, 2) from the ear down, comes to a level."""
    found = _crossing(side, side[:, 1] - level)
    if found is not None:
        return found
    step = side[0] - side[2]
    if level < side[0, 1] and step[1] < 0:  # above the ear: on, straight
        end: Points = side[0] + step * min((level - side[0, 1]) / step[1], _REACH)
        return end
    nearest: Points = side[int(np.abs(side[:, 1] - level).argmin())]
    return nearest


def _below(jaw: Points, start: Points, direction: Points) -> Points:
    """Where a line down the face leaves it: a point of the jaw (17, 2)."""
    found = _crossing(jaw, (jaw - start) @ np.array([direction[1], -direction[0]]))
    return jaw[8] if found is None else found


def _crossing(curve: Points, height: Points) -> Points | None:
    """The first point of a curve (n, 2) where `height` (n,) changes its sign."""
    changes = np.flatnonzero((height[:-1] < 0) != (height[1:] < 0))
    if not len(changes):
        return None
    i = int(changes[0])
    share = height[i] / (height[i] - height[i + 1])
    crossing: Points = curve[i] + share * (curve[i + 1] - curve[i])
    return crossing


def guess_points(alpha: NDArray[Any], side: Side = "front") -> Points:
    """Guess the six points of a template from its outline.

    The body is what is wider than ear loops. Seen from the front, the corners lie on its left and
    right rim, nose and chin in its middle; seen from a side, the far points lie where the loops
    end.

    Args:
        alpha: (h, w), 0 where the template is transparent.
        side: which view it shows.

    Returns:
        float64 (6, 2) x, y in px of the template.

    Raises:
        ValueError: everything is transparent.
    """
    if side == "right":
        points = guess_points(alpha[:, ::-1], "left")[[2, 1, 0, 5, 4, 3]]
        return np.stack([alpha.shape[1] - 1 - points[:, 0], points[:, 1]], axis=1)
    covered = (np.asarray(alpha) > 0.5 * float(np.max(alpha))).astype(np.uint8)
    if not covered.any():
        raise ValueError("the template is transparent everywhere")
    body = _body(covered)
    rows, columns = (np.flatnonzero(body.any(axis=axis)) for axis in (1, 0))
    top, height = int(rows[0]), int(rows[-1] - rows[0])
    first, width = int(columns[0]), int(columns[-1] - columns[0])
    far = int(np.flatnonzero(covered.any(axis=0))[-1])  # where the loops end
    corners = []
    for share in (_UPPER[side], _LOWER[side]):
        row = round(top + share * height)
        across = np.flatnonzero(body[row])
        left, right = (int(across[0]), int(across[-1])) if len(across) else (first, first + width)
        corners.append(((left, row), (right if side == "front" else far, row)))
    if side == "front":  # a cup is round, but its widest part lies where the face's does
        corners[0] = ((first, corners[0][0][1]), (first + width, corners[0][1][1]))
    nose, chin = (round(first + share * width) for share in (_NOSE[side], _CHIN[side]))
    above, below = (np.flatnonzero(body[:, column]) for column in (nose, chin))
    b = (nose, int(above[0]) if len(above) else top)
    e = (chin, int(below[-1]) if len(below) else top + height)
    (a, c), (d, f) = corners
    return np.array([a, b, c, d, e, f], np.float64)


def _body(covered: NDArray[np.uint8]) -> NDArray[Any]:
    """The largest part that is left when all that is thin is taken away; all of it if none is."""
    thin = max(3, round(_THIN * covered.shape[1]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thin, thin))
    padded = cv2.copyMakeBorder(covered, thin, thin, thin, thin, cv2.BORDER_CONSTANT)
    wide = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[thin:-thin, thin:-thin]
    count, parts, facts, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(wide))
    if count < 2:
        return covered
    largest = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(parts == largest)
