"""Microphones before the mouth: a reporter's with a foam and a cube, a singer's, a headset's."""

from functools import lru_cache

import numpy as np

from mask2face.facemasks import compositing
from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.occluders import hand
from mask2face.facemasks.occluders.cup import COLOURS
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.solid import Solid
from mask2face.facemasks.occluders.sprite import Cover, Pose, Sprite, cover, ends_in, place
from mask2face.facemasks.occluders.stack import stack

VARIANTS = 8


def _news(rng: np.random.Generator) -> Solid:
    """Colours: foam and handle, cube, print on the cube."""
    wide, tall = rng.uniform(0.15, 0.22), rng.uniform(0.2, 0.3)
    solid = Solid(-0.36, 0.36, -1.7, tall + 0.06)
    solid.turned([(-1.7, 0.07), (-0.3, 0.085), (0.0, 0.085)], 0)
    if rng.random() < 0.75:
        _cube(solid, -tall - rng.uniform(0.05, 0.25), rng)
    far = (solid.x / wide) ** 2 + (solid.y / tall) ** 2
    ball = wide * np.sqrt(np.maximum(1 - far, 0)) + 0.3
    rough = rng.normal(0, 0.006, ball.shape).astype(np.float32)
    solid.put(np.where(far < 1, ball + rough, -1).astype(np.float32), 0)
    return solid


def _cube(solid: Solid, top: float, rng: np.random.Generator) -> None:
    half, edge = rng.uniform(0.2, 0.28), rng.uniform(-0.12, 0.12)
    tall = half * rng.uniform(1.2, 1.8)
    inside = (np.abs(solid.x) < half) & (solid.y < top) & (solid.y > top - tall)
    slope = np.where(solid.x < edge, 0.35 * (half + edge) / half, -0.9)
    high = 0.25 + slope * (solid.x - edge)
    solid.put(np.where(inside, high, -1).astype(np.float32), 1)
    middle = (np.array([edge - half, edge + half]) / 2)[int(edge < 0)]
    u, v = np.abs(solid.x - middle) / (half * 0.45), np.abs(solid.y - top + tall / 2) / (tall * 0.3)
    kind = rng.random()
    logo = u**2 + v**2 < 1 if kind < 0.4 else (np.maximum(u, v) < 1) & (np.sin(v * 9 + u) > 0)
    solid.paint[inside & logo & (solid.height == high), :3] = (0, 0, 1)


def _stage(rng: np.random.Generator) -> Solid:
    """Colours: handle, grille, band."""
    radius = rng.uniform(0.16, 0.2)
    solid = Solid(-0.28, 0.28, -1.7, radius + 0.05)
    solid.turned([(-1.7, 0.07), (-radius - 0.1, radius * 0.72), (-radius * 0.7, radius * 0.8)], 0)
    far = np.hypot(solid.x, np.where(solid.y < 0, solid.y * 0.85, solid.y)) / radius
    mesh = np.sin((solid.x + solid.y) * 170) * np.sin((solid.x - solid.y) * 170)
    ball = radius * np.sqrt(np.maximum(1 - far**2, 0)) + 0.1 + 0.006 * mesh
    solid.put(np.where(far < 1, ball, -1).astype(np.float32), 1, 0.75 + 0.25 * mesh)
    band = (np.abs(solid.y + 0.15 * radius) < 0.022) & (far < 1)
    solid.paint[band] = (0, 0, 1, 1)
    return solid


KINDS = {"news": _news, "stage": _stage}


@lru_cache(maxsize=64)
def modelled(kind: str, variant: int) -> Sprite:
    """The microphone of this kind and number; it does not depend on any other randomness."""
    return KINDS[kind](np.random.default_rng([variant, *kind.encode()])).done(0.5)


def microphone(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A microphone on a handle, held up to the mouth from below."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    kind = "news" if rng.random() < 0.6 else "stage"
    at = face.at(face.mouth, rng.normal(0, 0.12), rng.uniform(0.0, 0.42))
    up = face.heading(float(np.clip(rng.normal(0, 28), -75, 75)))
    size = float(face.unit * rng.uniform(0.85, 1.35))  # nearer to the camera than the face
    pose = Pose(at, up, size, mirrored=bool(rng.random() < 0.5))
    model = modelled(kind, int(rng.integers(VARIANTS)))
    placed = place(model, pose, photo)
    dark = np.full(3, rng.uniform(0.04, 0.16))
    picked = COLOURS[rng.integers(len(COLOURS), size=3)]
    main = dark if rng.random() < 0.7 else picked[0]
    second = picked[1] if kind == "news" else np.full(3, rng.uniform(0.3, 0.6))
    colours = np.clip(light.on(np.array([main, second, picked[2]])), 0, 250)
    parts: list[Cover | None] = []
    if placed is not None:
        gloss = float(rng.uniform(0.0, 0.08) if kind == "news" else rng.uniform(0.2, 0.5))
        parts.append(cover(placed, colours, light, 0.03 * face.unit, gloss))
    if rng.random() < 0.4 or ends_in(model, pose, photo):
        grip = at - up * size * rng.uniform(0.7, 0.95)
        parts.append(hand.holding(photo, face, light, grip, rng))
    return stack(parts)


def headset(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A thin boom from one ear to the corner of the mouth, with a small foam at its end."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    side = -1 if rng.random() < 0.5 else 1
    ear, corner = (
        (face.points[1], face.points[48]) if side < 0 else (face.points[15], face.points[54])
    )
    start = face.at(ear, side * 0.03, 0.0)
    end = face.at(corner, -side * rng.uniform(-0.1, 0.1), rng.uniform(0.02, 0.14))
    bow = face.at((start + end) / 2, side * rng.uniform(0, 0.06), rng.uniform(0.0, 0.12))
    t = np.linspace(0, 1, 16)[:, None]
    curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bow + t**2 * end
    window = compositing.window_around(curve, 0.12 * face.unit + 3, photo)
    if window is None:
        return None
    thick = float(max(rng.uniform(0.012, 0.025) * face.unit, 1.0))
    boom = compositing.stroke([curve], thick, window)
    foam = compositing.stroke([curve[-3:]], float(rng.uniform(0.05, 0.1) * face.unit), window)
    alpha = np.maximum(boom, foam)
    shine = compositing.stroke([curve - face.down * 0.2 * thick], 0.35 * thick, window)
    grey = float(rng.uniform(0.04, 0.2))
    dark = light.on(np.full((1, 3), grey))[0]
    bright = light.on(np.full((1, 3), min(grey * 2.5 + 0.08, 0.8)))[0]
    depth = compositing.blur(alpha, max(0.02 * face.unit, 0.6))
    picture = dark * (0.7 + 0.5 * depth[..., None]) + (bright - dark) * 0.7 * shine[..., None]
    shade = 0.35 * compositing.shadow(alpha, face.down * 0.025 * face.unit, 0.02 * face.unit)
    return Cover(np.clip(picture, 0, 255).astype(np.float32), alpha, window, shade)
