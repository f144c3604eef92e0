"""The wearer's hand: at the rim, over the mouth, at the chin, a finger on the lips."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from mask2face.facemasks.camera import LUMA
from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.light import Light
from mask2face.facemasks.occluders import bones
from mask2face.facemasks.occluders.bones import Shape
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.sprite import Cover, Pose, Sprite, cover, ends_in, place

VARIANTS = 12  # models a pose: they are made once a process and take 0.1 s
BLEED = np.array([0.8, 1.03, 1.06])  # light seeps red through the folds of skin


def _flat(rng: np.random.Generator) -> Shape:
    fan = rng.uniform(0.2, 1.6)
    bend = rng.uniform(0, 14)
    flex = [tuple(bend + rng.uniform(-4, 8, 3) * (1, 1, 0.6)) for _ in range(4)]
    spread = np.array([-7, -1.5, 4, 11]) * fan + rng.normal(0, 1, 4)
    thumb = (rng.uniform(15, 50), rng.uniform(0, 30), rng.uniform(-5, 25))
    tilt = (rng.uniform(-25, 10), rng.uniform(-25, 25))
    return Shape(tuple(flex), tuple(spread), thumb, tilt, rng.uniform(0.88, 1.08))


def _pinch(rng: np.random.Generator) -> Shape:
    lead = (rng.uniform(15, 40), rng.uniform(25, 50), rng.uniform(10, 25))
    second = tuple(np.array(lead) + rng.uniform(2, 14, 3))
    rest = [tuple(np.array([52, 62, 30]) + rng.uniform(-14, 14, 3)) for _ in range(2)]
    spread = (rng.uniform(-6, 0), 0.0, 4.0, 8.0)
    thumb = (rng.uniform(2, 14), rng.uniform(20, 45), rng.uniform(-10, 10))
    tilt = (rng.uniform(-10, 15), rng.uniform(10, 50))
    return Shape((lead, second, *rest), spread, thumb, tilt, rng.uniform(0.88, 1.05))


def _fist(rng: np.random.Generator) -> Shape:
    flex = [tuple(np.array([72, 92, 50]) + rng.uniform(-10, 8, 3)) for _ in range(4)]
    thumb = (rng.uniform(-4, 10), rng.uniform(25, 50), rng.uniform(15, 40))
    tilt = (rng.uniform(15, 48), rng.uniform(-20, 20))
    return Shape(tuple(flex), (-3.0, -1.0, 1.0, 4.0), thumb, tilt, rng.uniform(0.9, 1.08))


def _hush(rng: np.random.Generator) -> Shape:
    lead = tuple(rng.uniform(0, 12, 3))
    rest = [tuple(np.array([66, 90, 45]) + rng.uniform(-10, 10, 3)) for _ in range(3)]
    thumb = (rng.uniform(0, 12), rng.uniform(25, 45), rng.uniform(10, 40))
    tilt = (rng.uniform(0, 25), rng.uniform(-10, 45))
    return Shape((lead, *rest), (0.0, -1.0, 1.0, 4.0), thumb, tilt, rng.uniform(0.88, 1.05))


def _grip(rng: np.random.Generator) -> Shape:
    flex = [tuple(np.array([14, 30, 22]) + rng.uniform(-7, 7, 3)) for _ in range(4)]
    spread = np.array([-4, -1, 2, 6]) * rng.uniform(0.3, 1.5)
    thumb = (rng.uniform(15, 40), rng.uniform(30, 55), rng.uniform(0, 20))
    return Shape(tuple(flex), tuple(spread), thumb, (0.0, rng.uniform(-10, 25)))


SHAPES: dict[str, Callable[[np.random.Generator], Shape]] = {
    "flat": _flat,
    "pinch": _pinch,
    "fist": _fist,
    "hush": _hush,
    "grip": _grip,
}
"""How hands are held."""


@lru_cache(maxsize=256)
def modelled(name: str, variant: int) -> tuple[Shape, Sprite]:
    """The hand of this name and number; it does not depend on any other randomness."""
    rng = np.random.default_rng([variant, *name.encode()])
    shape = SHAPES[name](rng)
    return shape, bones.model(shape, rng)


def palette(skin: Points) -> Points:
    """Skin, reddened skin and nail (3, 3), for a skin colour (3,)."""
    warm = np.array([1.05, 0.87, 0.84]) if np.ptp(skin) > 3 else np.array([0.93, 0.93, 0.93])
    level = float(skin.mean())
    nail = (
        0.72 * skin + 0.28 * np.array([1.35, 1.15, 1.1] if np.ptp(skin) > 3 else [1.2] * 3) * level
    )
    return np.array([skin, skin * warm, np.minimum(nail, 245)])


def _one(
    name: str, pose: Pose, photo: Photo, light: Light, rng: np.random.Generator
) -> Cover | None:
    _, model = modelled(name, int(rng.integers(VARIANTS)))
    return _lit(model, pose, photo, light, rng)


def _lit(
    model: Sprite, pose: Pose, photo: Photo, light: Light, rng: np.random.Generator
) -> Cover | None:
    placed = place(model, pose, photo)
    skin = np.clip(light.skin * rng.uniform(0.9, 1.12), 8, 235)
    gloss, sleeved, colour = rng.uniform(0.0, 0.1), rng.random() < 0.6, rng.uniform(0, 1, 3)
    cuff, even = rng.uniform(-0.35, 0.0), rng.uniform(0.9, 1.04)
    sleeved = sleeved or ends_in(model, pose, photo)  # no endless bare arm
    if placed is None:
        return None
    made = cover(placed, palette(skin), light, 0.02 * pose.size, gloss, BLEED, even)
    if not sleeved:
        return made
    dull = 0.05 + 0.75 * rng.random() * (0.75 + 0.25 * colour)
    return _sleeve(made, pose, light.on(dull[None])[0], skin, cuff)


def _sleeve(bare: Cover, pose: Pose, colour: Points, skin: Points, cuff: float) -> Cover:
    """Dress the arm below `cuff` (hand lengths above the wrist) in a colour (3,)."""
    window = bare.window
    x = np.arange(window.x0, window.x1, dtype=np.float32)[None] - np.float32(pose.at[0])
    y = np.arange(window.y0, window.y1, dtype=np.float32)[:, None] - np.float32(pose.at[1])
    along = (x * np.float32(pose.up[0]) + y * np.float32(pose.up[1])) / np.float32(pose.size)
    below = np.float32(cuff - pose.grip[1]) - along  # hand lengths into the sleeve
    if below.max() <= 0:
        return bare
    dressed = np.clip(below * np.float32(pose.size) + 0.5, 0, 1)
    hem = 1 - 0.3 * np.exp(-((below / 0.03 - 1) ** 2))
    hem -= 0.3 * (below < 0) * np.exp(np.minimum(below, 0) / 0.02)
    level = bare.picture @ (LUMA / max(float(skin @ LUMA), 8)).astype(np.float32)
    cloth = colour.astype(np.float32) * level[..., None]
    picture = bare.picture + (cloth - bare.picture) * dressed[..., None]
    picture = np.clip(picture * hem[..., None], 0, 255).astype(np.float32)
    return Cover(picture, bare.alpha, window, bare.shade)


def _length(face: Face, rng: np.random.Generator) -> float:
    return float(rng.uniform(1.12, 1.32) * face.unit)  # 0.9 to 1.05 of the face's height


def _side(rng: np.random.Generator) -> int:
    return -1 if rng.random() < 0.5 else 1


def over_mouth(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A flat hand over mouth and nose, from below or from one side."""
    face, side = Face.of(landmarks), _side(rng)
    at = face.at(face.mouth, rng.normal(0, 0.08), rng.normal(-0.02, 0.08))
    grip = (float(rng.uniform(-0.05, 0.05)), float(rng.uniform(0.5, 0.8)))
    pose = Pose(
        at, face.heading(-side * rng.uniform(5, 95)), _length(face, rng), grip, mirrored=side > 0
    )
    return _one("flat", pose, photo, face_light(photo, landmarks, rng), rng)


def at_rim(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """Thumb and finger that pinch the face mask's rim at the cheek, the nose or the chin."""
    face, side = Face.of(landmarks), _side(rng)
    points = face.points
    ear, wing = (points[2], points[31]) if side < 0 else (points[14], points[35])
    luck, share = rng.random(), rng.uniform(0.0, 0.6)
    at, heading = ear + (wing - ear) * share, rng.uniform(-10, 70)
    if luck < 0.35:
        at, heading = (
            points[28] + (points[30] - points[28]) * rng.uniform(0, 0.7),
            rng.uniform(0, 60),
        )
    elif luck < 0.5:
        at, heading = face.at(points[8], side * rng.uniform(0, 0.2), -0.05), rng.uniform(-10, 60)
    shape, model = modelled("pinch", int(rng.integers(VARIANTS)))
    ends = bones.tips(shape)
    grip = ends[1] if rng.random() < 0.6 else ends[:2].mean(axis=0)
    at = face.at(at, *rng.normal(0, 0.03, 2))
    up = face.heading(-side * heading)
    pose = Pose(at, up, _length(face, rng), (float(grip[0]), float(grip[1])), mirrored=side > 0)
    return _lit(model, pose, photo, face_light(photo, landmarks, rng), rng)


def fist(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A fist before the mouth, or under the chin."""
    face, side = Face.of(landmarks), _side(rng)
    start = face.mouth if rng.random() < 0.5 else face.points[8]
    at = face.at(start, side * rng.uniform(-0.05, 0.2), rng.normal(0, 0.06))
    grip = (float(rng.uniform(-0.08, 0.08)), float(rng.uniform(0.5, 0.62)))
    up = face.heading(-side * rng.uniform(-20, 50))
    pose = Pose(at, up, _length(face, rng), grip, mirrored=side > 0)
    return _one("fist", pose, photo, face_light(photo, landmarks, rng), rng)


def finger_on_lips(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A pointed finger on the lips, or one that touches nose or cheek."""
    face, side = Face.of(landmarks), _side(rng)
    start = face.points[33] if rng.random() < 0.7 else face.points[13 if side > 0 else 3]
    at = face.at(start, rng.normal(0, 0.04), rng.normal(0.0, 0.05))
    shape, model = modelled("hush", int(rng.integers(VARIANTS)))
    end = bones.tips(shape)[1]
    up = face.heading(-side * rng.uniform(-10, 40))
    pose = Pose(at, up, _length(face, rng), (float(end[0]), float(end[1])), mirrored=side > 0)
    return _lit(model, pose, photo, face_light(photo, landmarks, rng), rng)


def holding(
    photo: Photo, face: Face, light: Light, at: Points, rng: np.random.Generator
) -> Cover | None:
    """Fingers round something at `at` that is held from one side."""
    side = _side(rng)
    grip = (float(rng.uniform(-0.03, 0.03)), float(rng.uniform(0.68, 0.85)))
    up = face.heading(-side * rng.uniform(50, 100))
    pose = Pose(at, up, _length(face, rng), grip, mirrored=side > 0)
    return _one("grip", pose, photo, light, rng)
