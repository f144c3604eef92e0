"""A phone, a sheet of paper or a sign held before the mouth."""

import numpy as np

from mask2face.facemasks import compositing
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.light import Light
from mask2face.facemasks.occluders import hand
from mask2face.facemasks.occluders.cup import COLOURS
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.sprite import Cover
from mask2face.facemasks.occluders.stack import stack


def card(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A flat thing with fingers round it."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    phone = rng.random() < 0.55
    half = np.array([0.27, 0.55] if phone else rng.uniform((0.35, 0.35), (0.75, 0.6)))
    half = half * face.unit * rng.uniform(0.9, 1.15)
    up = face.heading(float(rng.normal(0, 25)))
    lifted = rng.uniform(-0.1, 0.2) * face.unit if phone else 0.0
    top = face.at(face.mouth, rng.normal(0, 0.15), rng.uniform(-0.3, 0.15))
    at = top - up * (half[1] - lifted)
    flat = (
        _phone(photo, at, up, half, light, rng)
        if phone
        else _paper(photo, at, up, half, light, rng)
    )
    side = -1 if rng.random() < 0.5 else 1
    edge = at + np.array([-up[1], up[0]]) * half[0] * 0.75 * side
    return stack([flat, hand.holding(photo, face, light, edge, rng)])


def _rounded(at: Points, up: Points, half: Points, corner: float) -> Points:
    """A rectangle with round corners: (n, 2) in photo px."""
    angles = np.deg2rad(np.arange(0, 360, 15))
    turned = np.column_stack([np.cos(angles), np.sin(angles)])
    corner = min(corner, float(half.min()))
    local = np.sign(turned + 1e-9) * (half - corner) + turned * corner
    right = np.array([-up[1], up[0]])
    return np.asarray(at + local[:, :1] * right + local[:, 1:] * up)


def _phone(
    photo: Photo, at: Points, up: Points, half: Points, light: Light, rng: np.random.Generator
) -> Cover | None:
    """Its back: one colour, a lighter rim, camera lenses near a corner."""
    outline = _rounded(at, up, half, 0.2 * float(half[0]))
    window = compositing.window_around(outline, 0.2 * half[0] + 2, photo)
    if window is None:
        return None
    alpha = compositing.coverage(outline, window)
    colour = COLOURS[rng.integers(len(COLOURS))] if rng.random() < 0.6 else np.full(3, 0.06)
    base, rim = light.on(np.array([colour, np.minimum(colour * 1.6 + 0.1, 0.95)]))
    inner = compositing.coverage(_rounded(at, up, half * (0.95, 0.975), 0.18 * half[0]), window)
    picture = rim + (base - rim) * inner[..., None]
    sheen = _ramp(window, at, up + np.array([-up[1], up[0]]), float(half[1]))
    picture = picture * (1 + rng.uniform(-0.25, 0.25) * sheen[..., None])
    right = np.array([-up[1], up[0]]) * (1 if rng.random() < 0.5 else -1)
    place = at + up * half[1] * 0.76 + right * half[0] * 0.5
    bump = compositing.coverage(
        _rounded(place, up, half[0] * np.array([0.36, 0.36]), 0.12 * half[0]), window
    )
    picture = picture * (1 - 0.15 * bump[..., None])
    for x, y in ((-0.14, 0.14), (0.14, -0.14), (-0.14, -0.16))[: int(rng.integers(1, 4))]:
        eye = place + (right * x + up * y) * half[0]
        lens = compositing.coverage(_rounded(eye, up, np.full(2, 0.12 * half[0]), 1e9), window)
        picture = picture * (1 - lens[..., None] * 0.85)
    shade = 0.4 * compositing.shadow(alpha, -light.direction[:2] * 0.05 * half[0], 0.08 * half[0])
    return Cover(np.clip(picture, 0, 250).astype(np.float32), alpha, window, shade)


def _paper(
    photo: Photo, at: Points, up: Points, half: Points, light: Light, rng: np.random.Generator
) -> Cover | None:
    """White, bent a little, with lines of print."""
    outline = _rounded(at, up, half, 0.01 * float(half[0]))
    window = compositing.window_around(outline, 0.1 * half[0] + 2, photo)
    if window is None:
        return None
    alpha = compositing.coverage(outline, window)
    paper = light.on(np.full((1, 3), rng.uniform(0.8, 0.97)) * (1, 0.995, 0.97))[0]
    right = np.array([-up[1], up[0]])
    bend = _ramp(window, at, right, float(half[0]))
    picture = paper * (1 - rng.uniform(0, 0.12) * bend - rng.uniform(0, 0.12) * bend**2)[..., None]
    rows = np.linspace(0.8, -0.8, int(rng.integers(4, 14)))
    gap = float(rows[0] - rows[1]) * float(half[1])
    ends = rng.uniform(0.2, 0.85, len(rows))
    lines = [
        np.array(
            [
                at + up * half[1] * row - right * half[0] * 0.85,
                at + up * half[1] * row + right * half[0] * end,
            ]
        )
        for row, end in zip(rows, ends, strict=True)
    ]
    ink = compositing.stroke(lines, max(gap * rng.uniform(0.2, 0.5), 0.6), window)
    ink = ink * (0.65 + 0.35 * np.sin(_ramp(window, at, right, gap * 0.13)))
    colour = np.array(
        (0.1, 0.1, 0.12) if rng.random() < 0.7 else COLOURS[rng.integers(len(COLOURS))]
    )
    picture = (
        picture + (light.on(colour[None])[0] - picture) * (rng.uniform(0.4, 0.9) * ink)[..., None]
    )
    shade = 0.35 * compositing.shadow(alpha, -light.direction[:2] * 0.03 * half[0], 0.05 * half[0])
    return Cover(np.clip(picture, 0, 252).astype(np.float32), alpha, window, shade)


def _ramp(window: compositing.Window, at: Points, along: Points, length: float) -> Layer:
    """Distance from `at` along a direction, in `length`: float32 (h, w)."""
    x = np.arange(window.x0, window.x1, dtype=np.float32)[None] - np.float32(at[0])
    y = np.arange(window.y0, window.y1, dtype=np.float32)[:, None] - np.float32(at[1])
    ramp: Layer = (x * np.float32(along[0]) + y * np.float32(along[1])) / np.float32(length)
    return ramp
