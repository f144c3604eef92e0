"""The rim of a face mask as smooth curves that follow the landmarks, hence the head's turn."""

from dataclasses import dataclass, replace

import numpy as np

from mask2face.facemasks.drawn import Points
from mask2face.facemasks.frame import Frame

WEARS = ("over_nose", "nose_out", "chin")


@dataclass(frozen=True)
class Fit:
    """How a face mask sits.

    Attributes:
        wear: "over_nose", "nose_out" or "chin".
        bridge: height of the upper rim on the nose, landmark index in [27, 30].
        upper: jaw index of the upper corners (image left; mirrored for the right).
        lower: jaw index of the lower corners.
        reach: 1 = corners on the jaw line, less = nearer to the nose.
        sag: dip of the rim under the eyes, in face widths.
        peak: how far the rim rises at the nose against its sides, in face widths.
        chin: reach below the chin, in face heights (bridge of the nose to chin).
        bulge: how far the lower rim stands outside the jaw, in face widths.
        jitter: asymmetry, standard deviation in face widths.
    """

    wear: str = "over_nose"
    bridge: float = 28.3
    upper: float = 2.0
    lower: float = 4.0
    reach: float = 0.95
    sag: float = 0.03
    peak: float = 0.04
    chin: float = 0.08
    bulge: float = 0.01
    jitter: float = 0.012


@dataclass(frozen=True)
class Outline:
    """Four curves of points (n, 2) in photo px: top and bottom left to right, sides downwards."""

    top: Points
    right: Points
    bottom: Points
    left: Points

    @property
    def polygon(self) -> Points:
        """The closed rim, clockwise in the image."""
        parts = [self.top, self.right, self.bottom[::-1], self.left[::-1]]
        return np.concatenate(parts)


def smooth(points: Points, samples: int = 8) -> Points:
    """Points of the centripetal-like Catmull-Rom curve through `points`, `samples` a span.

    Source: Catmull & Rom, A class of local interpolating splines, 1974 (uniform form).

    >>> smooth(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), 2)[:, 0].tolist()
    [0.0, 0.4375, 1.0, 1.5625, 2.0]
    """
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = (np.arange(samples) / samples)[:, None, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i] for i in range(4))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * (b - c) + d - a) * t**3
    )
    flat = curve.transpose(1, 0, 2).reshape(-1, points.shape[1])
    return np.concatenate([flat, points[-1:]])


def wear_fit(fit: Fit, wear: str, rng: np.random.Generator) -> Fit:
    """Move a fit for the nose to another way of wearing it.

    Raises:
        ValueError: `wear` is not one of `WEARS`.
    """
    if wear not in WEARS:
        raise ValueError(f"wear must be one of {', '.join(WEARS)}, got {wear!r}")
    if wear == "nose_out":
        return replace(
            fit,
            wear=wear,
            upper=max(fit.upper, rng.uniform(2.2, 3.6)),
            sag=0.0,
            peak=0.01,
            lower=max(fit.lower, 4.6),
        )
    if wear == "chin":
        return replace(
            fit,
            wear=wear,
            upper=rng.uniform(3.6, 5.2),
            lower=rng.uniform(5.3, 6.2),
            sag=0.0,
            peak=0.0,
            chin=rng.uniform(0.08, 0.4),
            reach=rng.uniform(0.95, 1.04),
        )
    return replace(fit, wear=wear)


def trace(frame: Frame, fit: Fit, rng: np.random.Generator) -> Outline:
    """Lay the rim on the face.

    Args:
        frame: the face.
        fit: how the face mask sits.
        rng: source of the asymmetry.

    Returns:
        The four curves of the rim, in photo px.
    """
    middle = _rim_middle(frame, fit, rng)
    corners = [_corner(frame, fit, middle, side, fit.upper, rng) for side in (-1, 1)]
    ends = [_corner(frame, fit, middle, side, fit.lower, rng) for side in (-1, 1)]
    top = smooth(_upper_rim(frame, fit, corners[0], middle, corners[1], rng))
    bottom = smooth(_lower_rim(frame, fit, ends[0], ends[1], rng))
    sides = [_side(frame, corner, end, rng) for corner, end in zip(corners, ends, strict=True)]
    return Outline(top=top, right=sides[1], bottom=bottom, left=sides[0])


def _rim_middle(frame: Frame, fit: Fit, rng: np.random.Generator) -> Points:
    points = frame.landmarks
    if fit.wear == "nose_out":
        return _between(points[33], points[51], rng.uniform(0.0, 0.85))
    if fit.wear == "chin":
        return _between(points[57], points[8], rng.uniform(0.25, 0.75))
    return frame.nose(fit.bridge)


def _between(start: Points, end: Points, share: float) -> Points:
    result: Points = start + (end - start) * share
    return result


def _corner(
    frame: Frame, fit: Fit, middle: Points, side: int, index: float, rng: np.random.Generator
) -> Points:
    jaw = frame.jaw(index if side < 0 else 16 - index)
    anchor = middle + frame.down * float((jaw - middle) @ frame.down)
    # the far side of a turned head is already foreshortened: keep its corner at the silhouette
    far = max(0.0, side * frame.turn)
    reach = fit.reach + (1.0 - fit.reach) * min(1.0, 2 * far)
    point = _between(anchor, jaw, reach)
    return point + rng.normal(0, fit.jitter, 2) * frame.unit


def _upper_rim(
    frame: Frame, fit: Fit, left: Points, middle: Points, right: Points, rng: np.random.Generator
) -> Points:
    drop = frame.down * frame.unit * (1 + rng.normal(0, 0.25))
    # shares of the way from the corner to the nose, dip there, clearance below the eyelid
    stations = ((0.42, fit.sag, 0.05), (0.76, 0.9 * fit.peak, 0.0), (0.92, 0.3 * fit.peak, None))
    halves = []
    for side, corner in ((-1, left), (1, right)):
        half = [corner]
        for share, dip, clearance in stations:
            point = _between(corner, middle, share) + drop * dip
            half.append(_clear(frame, fit, point, side, clearance))
        halves.append(half)
    return np.array([*halves[0], middle, *halves[1][::-1]])


def _clear(frame: Frame, fit: Fit, point: Points, side: int, clearance: float | None) -> Points:
    """Keep the rim `clearance` face widths below the eye."""
    if fit.wear != "over_nose" or clearance is None:
        return point
    missing = clearance * frame.unit - float((point - frame.eyelid(side)) @ frame.down)
    return np.asarray(point + frame.down * max(missing, 0.0))


def _lower_rim(
    frame: Frame, fit: Fit, left: Points, right: Points, rng: np.random.Generator
) -> Points:
    inner = [
        index for index in (5.0, 6.5, 8.0, 9.5, 11.0) if fit.lower + 0.6 < index < 15.4 - fit.lower
    ]
    height = float((frame.landmarks[8] - frame.landmarks[27]) @ frame.down)
    controls = [left]
    for index in inner:
        point = frame.jaw(index)
        outward = point - frame.centre
        outward = outward / max(float(np.hypot(*outward)), 1e-6)
        fall = np.cos((index - 8) / (8 - fit.lower) * np.pi / 2) ** 0.6
        point = point + outward * fit.bulge * frame.unit + frame.down * fit.chin * height * fall
        controls.append(point + rng.normal(0, fit.jitter * 0.6, 2) * frame.unit)
    controls.append(right)
    return np.array(controls)


def _side(frame: Frame, start: Points, end: Points, rng: np.random.Generator) -> Points:
    bow = frame.right * rng.normal(0, 0.012) * frame.unit
    return smooth(np.array([start, _between(start, end, 0.5) + bow, end]), 5)
