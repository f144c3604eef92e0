"""Cups, mugs, cans and bottles at the mouth, often with the hand that holds them."""

from functools import lru_cache

import numpy as np

from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.occluders import hand
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.solid import Solid, tube
from mask2face.facemasks.occluders.sprite import Cover, Pose, Sprite, cover, ends_in, place
from mask2face.facemasks.occluders.stack import stack

VARIANTS = 8
COLOURS = np.array(
    [
        (0.95, 0.95, 0.93), (0.85, 0.8, 0.7), (0.6, 0.42, 0.27), (0.15, 0.15, 0.16),
        (0.75, 0.1, 0.1), (0.1, 0.25, 0.55), (0.1, 0.4, 0.25), (0.9, 0.7, 0.15),
        (0.5, 0.55, 0.6), (0.85, 0.45, 0.55), (0.3, 0.65, 0.75),
    ]
)  # fmt: skip
"""Of china, paper and plastic, [0, 1] RGB."""


def _paper(rng: np.random.Generator) -> Solid:
    tall, lean = rng.uniform(0.62, 0.95), rng.uniform(0.0, 0.3)
    solid = Solid(-0.4, 0.4, -tall - 0.1, 0.32)
    profile = [(-tall, 0.2), (-0.03, 0.29)]
    inside = solid.turned(profile, 0, lean)
    band = rng.uniform(0.15, 0.35) * tall, rng.uniform(0.55, 0.8) * tall
    around = solid.y + lean * np.sqrt(np.maximum(0.25**2 - solid.x**2, 0))
    sleeve = inside & (around < -band[0]) & (around > -band[1])
    solid.paint[sleeve, :3] = (0, 1, 0)
    solid.height[sleeve] += 0.006
    if rng.random() < 0.75:
        solid.turned([(-0.03, 0.305), (0.0, 0.305), (0.005, 0.285), (0.06, 0.27)], 2, lean)
        if rng.random() < 0.4:
            foot = np.array([rng.uniform(-0.1, 0.1), 0.0])
            tip = foot + np.array([rng.uniform(-0.08, 0.08), 0.28])
            tube(solid, foot, tip, 0.018, 1)
    return solid


def _mug(rng: np.random.Generator) -> Solid:
    tall, wide = rng.uniform(0.55, 0.75), rng.uniform(0.25, 0.32)
    solid = Solid(-wide - 0.05, wide + 0.3, -tall - 0.12, 0.12)
    ring = np.hypot((solid.x - wide) / 0.8, solid.y + tall * 0.5) - tall * 0.27
    bar = np.sqrt(np.maximum(0.035**2 - ring**2, 0))
    solid.put(np.where(np.abs(ring) < 0.035, bar, -1).astype(np.float32), 0)
    lean = rng.uniform(0.0, 0.3)
    body = [(-tall, wide * 0.9), (-tall + 0.03, wide), (-0.01, wide), (0, wide * 0.97)]
    inside = solid.turned(body, 0, lean)
    if rng.random() < 0.5:
        print_ = np.hypot(solid.x + 0.03, solid.y + tall * 0.5) < rng.uniform(0.08, 0.16)
        solid.paint[inside & print_, :3] = (0, 1, 0)
    return solid


def _can(rng: np.random.Generator) -> Solid:
    solid = Solid(-0.3, 0.3, -0.95, 0.1)
    lean = rng.uniform(0.0, 0.25)
    solid.turned([(-0.88, 0.18), (-0.83, 0.235), (-0.07, 0.235), (0.0, 0.19)], 0, lean)
    around = solid.y + lean * np.sqrt(np.maximum(0.235**2 - solid.x**2, 0))
    wave = 0.08 * np.sin(9 * solid.x + rng.uniform(0, 6)) - rng.uniform(0.3, 0.6)
    stripe = (solid.height > -1) & (np.abs(around - wave) < rng.uniform(0.05, 0.15))
    solid.paint[stripe, :3] = (0, 1, 0)
    ends = (solid.height > -1) & ((around > -0.07) | (around < -0.83))
    solid.paint[ends, :3] = (0, 0, 1)
    return solid


def _bottle(rng: np.random.Generator) -> Solid:
    wide, shoulder = rng.uniform(0.2, 0.25), rng.uniform(0.4, 0.6)
    solid = Solid(-0.3, 0.3, -1.7, 0.1)
    lean = rng.uniform(0.0, 0.2)
    neck = [(-shoulder, wide), (-shoulder * 0.6, wide * 0.72), (-0.18, 0.085), (0.0, 0.08)]
    inside = solid.turned([(-1.6, wide), *neck], 0, lean)
    waves = np.asarray(np.sin(solid.y * rng.uniform(45, 70)) > 0.4)
    ribs = inside & waves & (solid.y < -shoulder)
    solid.height[ribs] -= 0.012
    label = inside & (solid.y < -shoulder - 0.15) & (solid.y > -shoulder - 0.6)
    solid.paint[label, :3] = (0, 1, 0)
    solid.turned([(-0.11, 0.1), (-0.02, 0.1)], 2, lean)
    return solid


KINDS = {"paper": _paper, "mug": _mug, "can": _can, "bottle": _bottle}


@lru_cache(maxsize=64)
def modelled(kind: str, variant: int) -> Sprite:
    """The vessel of this kind and number; it does not depend on any other randomness."""
    return KINDS[kind](np.random.default_rng([variant, *kind.encode()])).done()


def cup(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A cup, mug, can or bottle with its rim at the mouth."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    kind = list(KINDS)[int(rng.integers(len(KINDS)))]
    at = face.at(face.mouth, rng.normal(0, 0.05), rng.uniform(-0.08, 0.12))
    up = face.heading(float(rng.normal(0, 18)))
    size = face.unit * rng.uniform(0.9, 1.15)
    pose = Pose(at, up, size, mirrored=bool(rng.random() < 0.5))
    model = modelled(kind, int(rng.integers(VARIANTS)))
    placed = place(model, pose, photo)
    colours = light.on(COLOURS[rng.integers(len(COLOURS), size=3)] * rng.uniform(0.8, 1.05))
    gloss = float(rng.uniform(0, 0.1) if kind == "paper" else rng.uniform(0.1, 0.5))
    held = rng.random() < 0.7 or ends_in(model, pose, photo)
    vessel = None
    if placed is not None:
        vessel = cover(placed, np.clip(colours, 0, 250), light, 0.025 * face.unit, gloss)
    fingers = None
    if held:
        grip = at - up * size * rng.uniform(0.3, 0.5)
        fingers = hand.holding(photo, face, light, grip, rng)
    return stack([vessel, fingers])
