"""A hand as a skeleton of tapered capsules: joint angles -> the sprite of its surface."""

from dataclasses import dataclass

import cv2
import numpy as np

from mask2face.facemasks.drawn import Layer, Points
from mask2face.facemasks.occluders.sprite import Sprite, sprite

SCALE = 240  # px per hand length while modelling
FINAL = 160  # px per hand length in the sprite
LEFT, RIGHT, TOP, BOTTOM = -0.55, 0.55, 1.08, -1.6  # the sprite's box, hand lengths
KNUCKLES = np.array([(-0.148, 0.525), (-0.05, 0.555), (0.047, 0.53), (0.132, 0.475)])
LENGTHS = np.array([0.40, 0.445, 0.41, 0.32])  # index to little finger, hand lengths
PHALANGES = np.array([0.46, 0.30, 0.24])
RADII = np.array([0.055, 0.0495, 0.0455, 0.038])  # at knuckle, two joints and tip

Bone = tuple[Points, Points, float, float]  # ends (3,) and radii


@dataclass(frozen=True)
class Shape:
    """How a hand is held; angles in degrees.

    Attributes:
        flex: (4, 3) bend of index to little finger at knuckle, middle and end joint.
        spread: (4,) fan of the fingers, positive towards the little finger.
        thumb: out to the side, forward (to the palm), bend of its end joint.
        tilt: the whole hand: about its x axis (fingers to the viewer), then about its y axis.
        girth: factor on all radii.
        palm: the palm is seen instead of the back.
    """

    flex: tuple[tuple[float, float, float], ...]
    spread: tuple[float, float, float, float]
    thumb: tuple[float, float, float]
    tilt: tuple[float, float] = (0.0, 0.0)
    girth: float = 1.0
    palm: bool = False


@dataclass(frozen=True)
class Finger:
    """Joints (n, 3) from root to tip, radii (n,) and the outward normal (3,) of the nail."""

    joints: Points
    radii: Points
    nail: Points


def tips(shape: Shape) -> Points:
    """Where the ends of thumb and fingers lie in the sprite: (5, 2) in hand lengths."""
    fingers, _ = skeleton(shape)
    return np.array([finger.joints[-1, :2] for finger in fingers])


def skeleton(shape: Shape) -> tuple[list[Finger], list[Bone]]:
    """Thumb and fingers, and the bones of palm and arm, after the hand's tilt."""
    turn = _turn(shape)
    fingers = [_thumb(shape, turn)] + [_finger(shape, number, turn) for number in range(4)]
    wrist = np.array([0.0, 0.0, 0.0])
    palm: list[Bone] = []
    for x, y in KNUCKLES:
        root = np.array([0.58 * x, 0.07, 0.0])
        knuckle = np.array([x, y - 0.012, 0.004])
        palm.append((turn @ root, turn @ knuckle, 0.072 * shape.girth, 0.058 * shape.girth))
    heel = np.array([-0.045, 0.1, -0.02]), np.array([-0.13, 0.33, -0.02])
    palm.append((turn @ heel[0], turn @ heel[1], 0.085 * shape.girth, 0.06 * shape.girth))
    arm = wrist + np.array([0.0, -1.25, 0.0])
    flat = turn @ arm
    elbow = np.array([flat[0], min(flat[1], -1.15), -0.06])
    palm.append((turn @ wrist, elbow, 0.118, 0.165))
    palm.append((elbow, elbow * (1, 0, 1) - (0, 2.2, 0), 0.165, 0.205))
    return fingers, palm


def _turn(shape: Shape) -> Points:
    about_x, about_y = np.deg2rad(shape.tilt)
    if shape.palm:
        about_y += np.pi
    c, s = np.cos(about_x), np.sin(about_x)
    first = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(about_y), np.sin(about_y)
    second = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.asarray(second @ first)


def _finger(shape: Shape, number: int, turn: Points) -> Finger:
    side = np.deg2rad(shape.spread[number])
    bend = np.deg2rad(np.cumsum(shape.flex[number]))
    steps = (
        LENGTHS[number]
        * PHALANGES[:, None]
        * np.column_stack([np.sin(side) * np.cos(bend), np.cos(side) * np.cos(bend), -np.sin(bend)])
    )
    root = np.append(KNUCKLES[number], 0.012)
    joints = root + np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)])
    last = bend[-1]
    nail = np.array([np.sin(side) * np.sin(last), np.cos(side) * np.sin(last), np.cos(last)])
    radii = RADII * shape.girth * (0.86 if number == 3 else 1.0)
    joints[-1] -= steps[-1] / LENGTHS[number] / PHALANGES[-1] * radii[-1]  # its cap is the tip
    return Finger(joints @ turn.T, radii, turn @ nail)


def _thumb(shape: Shape, turn: Points) -> Finger:
    out, forward, bend = np.deg2rad(shape.thumb)
    joints = [np.array([-0.075, 0.13, -0.01])]
    for length, share in ((0.215, 0.0), (0.155, 0.15), (0.115, 1.0)):
        angle = out - share * bend
        flat = np.array([-np.sin(angle), np.cos(angle)]) * np.cos(forward)
        joints.append(joints[-1] + length * np.array([flat[0], flat[1], -np.sin(forward)]))
    nail = np.array([-0.45 * np.cos(out), -0.45 * np.sin(out), 0.85])
    radii = np.array([0.078, 0.057, 0.05, 0.04]) * shape.girth
    return Finger(np.array(joints) @ turn.T, radii, turn @ nail)


class _Canvas:
    """Height towards the viewer (-inf = nothing), and paint, of the whole sprite."""

    def __init__(self) -> None:
        self.width = round((RIGHT - LEFT) * SCALE)
        self.rows = round((TOP - BOTTOM) * SCALE)
        self.top = np.full((self.rows, self.width), -np.inf, np.float32)
        self.red = np.zeros((self.rows, self.width), np.float32)
        self.pale = np.zeros((self.rows, self.width), np.float32)
        self.crease = np.zeros((self.rows, self.width), np.float32)

    def patch(self, centre: Points, reach: float) -> tuple[tuple[slice, slice], Layer, Layer]:
        """The part of the canvas around points (n, 2), with its x and y in hand lengths."""
        low, high = centre.min(axis=0) - reach, centre.max(axis=0) + reach
        x0 = int(np.clip((low[0] - LEFT) * SCALE, 0, self.width))
        x1 = int(np.clip((high[0] - LEFT) * SCALE + 1, 0, self.width))
        y0 = int(np.clip((TOP - high[1]) * SCALE, 0, self.rows))
        y1 = int(np.clip((TOP - low[1]) * SCALE + 1, 0, self.rows))
        x = LEFT + (np.arange(x0, x1, dtype=np.float32) + 0.5) / SCALE
        y = TOP - (np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5) / SCALE
        return (slice(y0, y1), slice(x0, x1)), x, y

    def bone(self, bone: Bone) -> None:
        """Raise the surface to a tapered capsule's."""
        start, end, thick, thin = bone
        where, x, y = self.patch(np.array([start[:2], end[:2]]), max(thick, thin))
        along = (end - start)[:2]
        share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(along @ along, 1e-6)
        share = np.clip(share, 0, 1)
        radius = thick + (thin - thick) * share
        apart = (x - start[0] - share * along[0]) ** 2 + (y - start[1] - share * along[1]) ** 2
        inside = radius**2 - apart
        axis = start[2] + (end[2] - start[2]) * share
        high = np.where(inside > 0, axis + np.sqrt(np.maximum(inside, 0)), -np.inf)
        np.maximum(self.top[where], high, out=self.top[where])

    def spot(self, layer: Layer, at: Points, along: Points, half: Points, strength: float) -> None:
        """Paint a soft ellipse onto the surface near `at` (3,): half-lengths along, across."""
        where, x, y = self.patch(at[None, :2], float(half.max()) * 1.6)
        u = (x - at[0]) * along[0] + (y - at[1]) * along[1]
        v = (y - at[1]) * along[0] - (x - at[0]) * along[1]
        distance = (np.abs(u) / half[0]) ** 2.6 + (np.abs(v) / half[1]) ** 2.6
        soft = np.clip((1.25 - distance) * 2.5, 0, 1) * strength
        soft = soft * (np.abs(self.top[where] - at[2]) < 0.035)
        np.maximum(layer[where], soft, out=layer[where])


def model(shape: Shape, rng: np.random.Generator) -> Sprite:
    """Model the hand: colours of its paint are skin, red skin (joints, tips) and nail."""
    canvas = _Canvas()
    fingers, palm = skeleton(shape)
    for bone in palm:
        canvas.bone(bone)
    soft = np.where(np.isfinite(canvas.top), canvas.top, -0.15)
    soft = cv2.GaussianBlur(soft, (0, 0), 0.022 * SCALE)  # the palm is one surface
    canvas.top = np.where(np.isfinite(canvas.top), soft, canvas.top)
    for finger in fingers:
        for number in range(3):
            ends = finger.joints[number : number + 2]
            radii = finger.radii[number : number + 2]
            canvas.bone((ends[0], ends[1], float(radii[0]), float(radii[1])))
    for finger in fingers:
        _details(canvas, finger, shape.palm)
    return _finish(canvas, rng)


def _details(canvas: _Canvas, finger: Finger, palm: bool) -> None:
    """Redden joints and tip, crease the joints, put the nail on."""
    for number in (1, 2, 3):
        step = finger.joints[number] - finger.joints[number - 1]
        along = step[:2] / max(float(np.hypot(*step[:2])), 1e-6)
        radius = float(finger.radii[number])
        at = finger.joints[number] + np.array([0, 0, radius * 0.96])
        canvas.spot(canvas.red, at, along, np.array([radius * 1.3, radius]), 0.4)
        if number == 3 or np.hypot(*step[:2]) < 0.6 * np.linalg.norm(step):
            continue
        for place in (-0.4, 0.0, 0.4) if not palm else (-0.12, 0.12):
            line = at + np.append(along, 0) * place * radius
            half = np.array([0.075 * radius + 0.001, radius * (0.72 - abs(place) * 0.4)])
            canvas.spot(canvas.crease, line, along, half, 0.4 if place else 0.65)
    if not palm and finger.nail[2] > 0.25:
        step = finger.joints[3] - finger.joints[2]
        radius = float(finger.radii[3])
        along = step[:2] / max(float(np.hypot(*step[:2])), 1e-6)
        fore = max(float(np.hypot(*step[:2]) / np.linalg.norm(step)), 0.35)
        at = finger.joints[3] + finger.nail * radius * 0.9 + np.append(along, 0) * 0.15 * radius
        half = np.array([radius * 0.95 * fore, radius * 0.68 * max(finger.nail[2], 0.4)])
        canvas.spot(canvas.crease, at, along, half * 1.16, 0.45)
        canvas.spot(canvas.pale, at, along, half, 1.0)


def _finish(canvas: _Canvas, rng: np.random.Generator) -> Sprite:
    inside = np.isfinite(canvas.top)
    top = np.where(inside, canvas.top, canvas.top[inside].min() - np.float32(0.05))
    near = _wide_blur(top, 0.03 * SCALE)
    far = cv2.GaussianBlur(top, (0, 0), 0.008 * SCALE)
    # what lies lower than its surroundings gets less light
    opened = 1 - np.clip((near - top - 0.012) * 9, 0, 0.55) - np.clip((far - top) * 14, 0, 0.3)
    opened *= 1 - canvas.crease * (1 - canvas.pale) * 0.32
    coarse = rng.standard_normal((canvas.rows // 24, canvas.width // 24)).astype(np.float32)
    blotches = cv2.resize(coarse, (canvas.width, canvas.rows), interpolation=cv2.INTER_LINEAR)
    redder = np.clip(canvas.red + 0.12 * blotches, 0, 1) * (1 - canvas.pale)
    red = cv2.GaussianBlur(redder, (0, 0), 0.008 * SCALE)
    skin = 1 - red - canvas.pale * (1 - red)
    paint = np.dstack([skin, red, 1 - red - skin, np.clip(opened, 0.1, 1)]).astype(np.float32)
    smooth = cv2.GaussianBlur(top, (0, 0), 0.006 * SCALE)
    smooth = smooth - 0.01 * cv2.GaussianBlur(canvas.crease * (1 - canvas.pale), (0, 0), 1)
    zoom = FINAL / SCALE
    size = (round(canvas.width * zoom), round(canvas.rows * zoom))
    height, alpha, painted = (
        np.asarray(cv2.resize(layer, size, interpolation=cv2.INTER_AREA), np.float32)
        for layer in (smooth * FINAL, inside.astype(np.float32), paint)
    )
    origin = (-LEFT * FINAL - 0.5, TOP * FINAL - 0.5)
    return sprite(height, alpha, painted, FINAL, origin, endless=True)


def _wide_blur(layer: Layer, radius: float) -> Layer:
    rows, columns = layer.shape
    small = cv2.resize(layer, (columns // 4, rows // 4), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), radius / 4)
    return np.asarray(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR))
