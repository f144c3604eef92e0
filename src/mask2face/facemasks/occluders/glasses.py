"""Glasses and sunglasses in front of the eyes and of the face mask's upper rim."""

from dataclasses import dataclass

import numpy as np

from mask2face.facemasks import compositing
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.light import Light
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.sprite import Cover

FRAMES = np.array(
    [
        (0.05, 0.05, 0.06), (0.09, 0.08, 0.08), (0.2, 0.1, 0.05), (0.3, 0.18, 0.1),
        (0.72, 0.58, 0.3), (0.7, 0.71, 0.74), (0.35, 0.36, 0.38), (0.45, 0.06, 0.08),
        (0.08, 0.12, 0.32), (0.85, 0.83, 0.8),
    ]
)  # fmt: skip
"""Black, horn, gold, silver, red, blue and white, [0, 1] RGB."""
TINTS = np.array([(0.05, 0.05, 0.06), (0.1, 0.07, 0.04), (0.05, 0.09, 0.06), (0.06, 0.08, 0.14)])


@dataclass(frozen=True)
class _Cut:
    """How a pair of glasses is cut; lengths in face widths."""

    tall: float  # half the height of a lens
    power: float  # 2 = ellipse, above = squarer
    drop: float  # how much the lower outer corner is pulled in (aviator: below 0)
    thick: float
    rim: str  # "full", "half" (above only) or "none"
    dark: bool


def _cut(rng: np.random.Generator) -> _Cut:
    dark = bool(rng.random() < 0.3)
    rim = str(rng.choice(["full", "half", "none"], p=[0.75, 0.15, 0.1]))
    thick = rng.uniform(0.008, 0.016) if rng.random() < 0.45 else rng.uniform(0.018, 0.042)
    return _Cut(
        tall=float(rng.uniform(0.1, 0.175) + 0.02 * dark),
        power=float(rng.choice([2.0, 2.4, 3.0, 4.5])),
        drop=float(rng.uniform(-0.25, 0.2)),
        thick=float(thick),
        rim="full" if dark and rim == "none" else rim,
        dark=dark,
    )


def _lens(face: Face, side: int, cut: _Cut, low: float) -> Points:
    """The outline of one lens: (32, 2), from its outer end over the top."""
    points = face.points
    inner, outer = (points[39], points[36]) if side < 0 else (points[42], points[45])
    wide = abs(float((outer - inner) @ face.right))
    nose = float((points[27] - inner) @ face.right) * -side  # how far the eye lies from the ridge
    centre = (inner + outer) / 2
    reach_in = 0.5 * wide + 0.55 * max(nose, 0.1 * wide)
    reach_out = 0.5 * wide + 0.42 * wide
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    c, s = np.cos(angles), np.sin(angles)
    x = np.sign(c) * np.abs(c) ** (2 / cut.power)
    y = -np.sign(s) * np.abs(s) ** (2 / cut.power)
    x = x * np.where(c > 0, reach_out, reach_in)
    x = x * (1 - np.maximum(y, 0) * cut.drop * (c > 0) - 0.12 * np.maximum(y, 0) * (c < 0))
    y = y * cut.tall * face.unit + low * face.unit
    return np.asarray(centre + side * x[:, None] * face.right + y[:, None] * face.down)


def glasses(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A pair of glasses of a random cut, worn where glasses sit."""
    face, light, cut = Face.of(landmarks), face_light(photo, landmarks, rng), _cut(rng)
    low = float(rng.uniform(0.02, 0.06))
    lenses = [_lens(face, side, cut, low) for side in (-1, 1)]
    ends = [_temple(face, lens, side) for lens, side in zip(lenses, (-1, 1), strict=True)]
    every = np.concatenate([*lenses, *ends])
    window = compositing.window_around(every, 0.06 * face.unit + 3, photo)
    if window is None:
        return None
    thick = max(cut.thick * face.unit, 0.7)
    curves = _rims(lenses, cut)
    bridge = _bridge(face, lenses)
    frame = (
        compositing.stroke([*curves, bridge], thick, window)
        if curves
        else (compositing.stroke([bridge], max(0.7 * thick, 0.7), window))
    )
    frame = np.maximum(frame, compositing.stroke(ends, max(thick * 0.9, 0.7), window))
    shine = compositing.stroke(
        [curve - face.down * 0.25 * thick for curve in (*curves, bridge)], 0.3 * thick, window
    )
    glass = np.maximum(*[compositing.coverage(lens, window) for lens in lenses])
    picture, alpha = _glass(glass, face, cut, light, window, rng)
    colour = FRAMES[rng.integers(len(FRAMES))] * rng.uniform(0.8, 1.1)
    base, bright = light.on(np.array([colour, np.minimum(colour * 1.7 + 0.22, 1)]))
    painted = base + (bright - base) * (rng.uniform(0.2, 0.8) * shine)[..., None]
    total = 1 - (1 - frame) * (1 - alpha)
    mixed = painted * frame[..., None] + picture * ((1 - frame) * alpha)[..., None]
    mixed = mixed / np.maximum(total, 1e-3)[..., None]
    offset = (face.down * 0.03 - light.direction[:2] * 0.02) * face.unit
    shade = 0.4 * compositing.shadow(frame, offset, 0.02 * face.unit)
    return Cover(np.clip(mixed, 0, 252).astype(np.float32), total, window, shade)


def _rims(lenses: list[Points], cut: _Cut) -> list[Points]:
    if cut.rim == "none":
        return []
    if cut.rim == "half":
        return [lens[:17] for lens in lenses]
    return [np.concatenate([lens, lens[:1]]) for lens in lenses]


def _bridge(face: Face, lenses: list[Points]) -> Points:
    """From lens to lens over the nose, bowed up."""
    left, right = lenses[0][13], lenses[1][13]  # inner side, a little above the middle
    middle = (left + right) / 2 - face.down * 0.025 * face.unit
    return np.array(
        [
            left,
            (left + middle) / 2 - face.down * 0.008 * face.unit,
            middle,
            (right + middle) / 2 - face.down * 0.008 * face.unit,
            right,
        ]
    )


def _temple(face: Face, lens: Points, side: int) -> Points:
    """From the lens's outer corner back to the ear, where the head's turn lets it be seen."""
    corner = lens[3]
    ear = face.points[0 if side < 0 else 16] - face.down * 0.06 * face.unit
    outward = float((ear - corner) @ face.right) * side
    if outward < 0.02 * face.unit:
        ear = corner + face.right * side * 0.02 * face.unit
    return np.array([corner, ear])


def _glass(
    glass: Layer,
    face: Face,
    cut: _Cut,
    light: Light,
    window: compositing.Window,
    rng: np.random.Generator,
) -> tuple[Layer, Layer]:
    """Colour (h, w, 3) and coverage (h, w) of tinted glass with reflections."""
    x = np.arange(window.x0, window.x1, dtype=np.float32)[None] - np.float32(face.points[27, 0])
    y = np.arange(window.y0, window.y1, dtype=np.float32)[:, None] - np.float32(face.points[27, 1])
    depth = (x * face.down[0] + y * face.down[1]) / (2 * cut.tall * face.unit)  # -.5 .. .5
    slant = x * (face.right[0] + face.down[0]) + y * (face.right[1] + face.down[1])
    wave = np.sin(slant / face.unit * rng.uniform(5, 14) + rng.uniform(0, 6))
    share = np.clip((wave - rng.uniform(0.3, 0.9)) * 5, 0, 1).astype(np.float32)
    share *= rng.uniform(0.1, 0.4) if cut.dark else rng.uniform(0.0, 0.18)
    if cut.dark:
        tint = np.clip(rng.uniform(0.75, 0.98) - rng.uniform(0, 0.35) * (depth + 0.3), 0.5, 0.98)
    else:
        tint = np.full(glass.shape, rng.uniform(0.01, 0.07))
    colour = light.on(TINTS[rng.integers(len(TINTS))][None])[0]
    sky = light.on(np.array([[0.85, 0.9, 0.95]]))[0]
    alpha = 1 - (1 - share) * (1 - tint)
    picture = sky * share[..., None] + colour * ((1 - share) * tint)[..., None]
    picture = picture / np.maximum(alpha, 1e-3)[..., None]
    return picture.astype(np.float32), (alpha * glass).astype(np.float32)
