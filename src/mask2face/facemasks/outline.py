"""The rim of a face mask as smooth curves in space that follow the landmarks and the head."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mask2face.facemasks.drawn import Points
from mask2face.facemasks.frame import Frame

_FAR = 0.15  # how much shorter the far side reaches when the head is turned by 30 degrees
WEARS = ("over_nose", "nose_out", "chin", "one_ear")


@dataclass(frozen=True)
class Fit:
    """How a face mask sits.

    Attributes:
        wear: one of `WEARS`.
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
    """Four curves of points (n, 3), px: top and bottom left to right, sides downwards.

    The middles of `top` and `bottom` lie on the middle line of the face, unless `ear` is -1 or
    1: then the face mask hangs from the ear of that side.
    """

    top: Points
    right: Points
    bottom: Points
    left: Points
    ear: int = 0


def smooth(points: Points, samples: int = 8) -> Points:
    """Points of the centripetal-like Catmull-Rom curve through `points`, `samples` a span.

    Source: Catmull & Rom, A class of local interpolating splines, 1974 (uniform form).

    >>> smooth(np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), 2)[:, 0].tolist()
    [0.0, 0.4375, 1.0, 1.5625, 2.0]
    """
    weights = _spline(len(points), samples)
    return np.asarray(weights @ points)


@lru_cache(maxsize=64)
def _spline(count: int, samples: int) -> Points:
    """Weights ((count - 1) * samples + 1, count) of the points that a curve goes through."""
    t = np.arange(samples) / samples
    basis = np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]
    )
    weights = np.zeros(((count - 1) * samples + 1, count))
    for span in range(count - 1):
        for place, share in enumerate(0.5 * basis, span - 1):  # the ends count twice
            rows = slice(span * samples, (span + 1) * samples)
            weights[rows, min(max(place, 0), count - 1)] += share
    weights[-1, -1] = 1
    return weights


def bridge(rng: np.random.Generator) -> float:
    """Where on the nose people wear the upper rim: landmark index in [27, 29.5].

    Measured on 212 faces of real photos: the median is the upper end of the nose's bone.
    """
    return float(np.clip(rng.normal(28.0, 0.6), 27.0, 29.5))


def adjusted(fit: Fit, height: float | None, below: float | None, tight: float | None) -> Fit:
    """Replace what was chosen at random by what is asked for.

    Args:
        fit: how the face mask sits.
        height: of the upper rim on the nose, 0 = at its tip ... 1 = between the eyes; or None.
        below: reach below the chin in face heights, -0.2 ... 0.6; or None.
        tight: 0 = loose ... 1 = close to the jaw; or None.

    Raises:
        ValueError: a number lies outside its range.
    """
    for name, value, low, high in (
        ("height", height, 0.0, 1.0),
        ("below", below, -0.2, 0.6),
        ("tight", tight, 0.0, 1.0),
    ):
        if value is not None and not low <= value <= high:
            raise ValueError(f"{name} must be {low:g} to {high:g}, got {value!r}")
    if height is not None:
        fit = replace(fit, bridge=30 - 3 * height)
    if below is not None:
        fit = replace(fit, chin=below)
    return fit if tight is None else replace(fit, bulge=0.09 - 0.1 * tight)


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
    return replace(fit, wear=wear)  # where "one_ear" hangs does not depend on the fit


def trace(frame: Frame, fit: Fit, rng: np.random.Generator) -> Outline:
    """Lay the rim on the face.

    Args:
        frame: the face.
        fit: how the face mask sits.
        rng: source of the asymmetry.

    Returns:
        The four curves of the rim.
    """
    if fit.wear == "one_ear":
        return _hanging(frame, rng)
    middle = _rim_middle(frame, fit, rng)
    corners = [_corner(frame, fit, middle, side, fit.upper, rng) for side in (-1, 1)]
    ends = [_corner(frame, fit, middle, side, fit.lower, rng) for side in (-1, 1)]
    top = smooth(_upper_rim(frame, fit, corners[0], middle, corners[1], rng))
    bottom = smooth(_lower_rim(frame, fit, ends[0], ends[1], rng))
    sides = [_side(frame, corner, end, rng) for corner, end in zip(corners, ends, strict=True)]
    return Outline(top=top, right=sides[1], bottom=bottom, left=sides[0])


def _hanging(frame: Frame, rng: np.random.Generator) -> Outline:
    """A face mask that dangles from the ear which shows more."""
    likely = 0.5 + 0.5 * float(np.clip(frame.yaw / 15, -1, 1))
    ear = -1 if rng.random() < likely else 1
    down = frame.down + frame.right * rng.normal(0, 0.12)
    across = frame.right - frame.out * ear * rng.uniform(-0.3, 0.7)
    unit = frame.unit
    start = frame.ear(ear, rng.uniform(0.8, 1.6)) + frame.right * ear * rng.normal(0, 0.03) * unit
    half, length = across * rng.uniform(0.1, 0.22) * unit, down * rng.uniform(0.4, 0.62) * unit
    slant = down * rng.normal(0, 0.06) * unit
    bow = across * rng.normal(0, 0.05) * unit
    sag = down * rng.uniform(0, 0.06) * unit
    corners = [start + sign * (half + slant) for sign in (-1, 1)]
    ends = [corner + length + frame.nudge(rng, 0.03) for corner in corners]
    left, right = (
        smooth(np.array([top, _between(top, end, 0.5) + bow, end]), 5)
        for top, end in zip(corners, ends, strict=True)
    )
    top, bottom = (
        smooth(np.array([one, _between(one, two, 0.5) + sag, two]), 8)
        for one, two in (corners, ends)
    )
    return Outline(top=top, right=right, bottom=bottom, left=left, ear=ear)


def _rim_middle(frame: Frame, fit: Fit, rng: np.random.Generator) -> Points:
    points = frame.points
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
    # of a turned head, what lies past the far cheek's outline is behind it
    reach = fit.reach - _FAR * float(np.clip((side * frame.yaw - 10) / 20, 0, 1))
    # nearer to the nose, the corner lies on the cheek: in front of the chord to the jaw
    edge = abs(float((jaw - anchor) @ frame.right))
    raised = frame.round_over(np.array(min(reach, 1.0) * edge), np.array(edge))
    point = _between(anchor, jaw, reach) + frame.out * float(raised)
    return np.asarray(point + frame.nudge(rng, fit.jitter))


def _upper_rim(
    frame: Frame, fit: Fit, left: Points, middle: Points, right: Points, rng: np.random.Generator
) -> Points:
    drop = frame.down * frame.unit * (1 + rng.normal(0, 0.25))
    # shares of the way from the corner to the nose, dip there, clearance below the eyelid
    stations = ((0.42, fit.sag, 0.07), (0.76, 0.9 * fit.peak, 0.04), (0.92, 0.3 * fit.peak, None))
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
    height = float((frame.points[8] - frame.points[27]) @ frame.down)
    below = frame.down - 0.3 * frame.out
    controls = [left]
    for index in inner:
        point = frame.jaw(index)
        outward = point - frame.centre
        outward = outward - frame.out * float(outward @ frame.out)
        outward = outward * (fit.bulge * frame.unit / max(math.sqrt(outward @ outward), 1e-6))
        fall = math.cos((index - 8) / (8 - fit.lower) * math.pi / 2)
        point = point + outward + below * (fit.chin * height * fall)
        controls.append(point + frame.nudge(rng, 0.6 * fit.jitter))
    controls.append(right)
    return np.array(controls)


def _side(frame: Frame, start: Points, end: Points, rng: np.random.Generator) -> Points:
    outwards = float(np.sign((start - frame.centre) @ frame.right))
    bow = frame.right * outwards * rng.normal(0.012, 0.012) * frame.unit
    return smooth(np.array([start, _between(start, end, 0.5) + bow, end]), 5)
