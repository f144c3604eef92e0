"""Things modelled once as small reliefs: normals, coverage and paint, turned and lit on a photo."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks import compositing
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.light import Light

Pixels = NDArray[np.uint8]
_EMPTY = 8  # px round an endless sprite, still one at its coarsest level


@dataclass(frozen=True)
class Cover:
    """Something in front of the face, cut to a window of the photo.

    Attributes:
        picture: float32 (h, w, 3) RGB, 8-bit range.
        alpha: float32 (h, w) in [0, 1], 1 = nothing behind it is seen.
        window: where it lies in the photo.
        shade: float32 (h, w) in [0, 1], the share of light its contact shadow takes from what
            lies behind; None = no shadow.
    """

    picture: Layer
    alpha: Layer
    window: compositing.Window
    shade: Layer | None = None


@dataclass(frozen=True)
class Sprite:
    """A thing seen from the front, in its own units: x to the right, y up.

    Attributes:
        form: levels of uint8 (h, w, 4), each half as large as the one before: 255 times normal
            x, y (down the rows), z, each (1 + n) / 2 times coverage, and coverage.
        paint: levels of uint8 (h, w, 4): 255 times shares of three colours, and how open to light;
            all times coverage.
        scale: px of the first level per unit.
        origin: column and row of the point (0, 0) in the first level.
        endless: the last row goes on without end; all other borders are empty.
    """

    form: tuple[Pixels, ...]
    paint: tuple[Pixels, ...]
    scale: float
    origin: tuple[float, float]
    endless: bool = False


def sprite(
    height: Layer,
    alpha: Layer,
    paint: Layer,
    scale: float,
    origin: tuple[float, float],
    endless: bool = False,
) -> Sprite:
    """Make a sprite of a relief.

    Args:
        height: (h, w) towards the viewer, px.
        alpha: (h, w) coverage in [0, 1].
        paint: (h, w, 3) shares of three colours, or (h, w, 4) with how open to light, [0, 1].
        scale: px per unit.
        origin: column and row of the point (0, 0).
        endless: its last row goes on without end.
    """
    x, y, columns, rows = cv2.boundingRect((alpha > 0).astype(np.uint8))
    part = np.s_[y : y + rows, x : x + columns]
    by_row, by_column = np.gradient(np.asarray(height, np.float32))
    down, right = np.asarray(by_row)[part], np.asarray(by_column)[part]
    alpha, paint = alpha[part], paint[part]
    flat = 1 / np.sqrt(1 + down**2 + right**2)
    normal = (-right * flat, -down * flat, flat)
    form = np.dstack([*((1 + along) / 2 * alpha for along in normal), alpha])
    if paint.shape[2] == 3:
        paint = np.dstack([paint, np.ones(alpha.shape)])
    colours = paint * alpha[..., None]
    origin = origin[0] - x, origin[1] - y
    if endless:
        rims = ((_EMPTY, 0), (_EMPTY, _EMPTY), (0, 0))
        form, colours = np.pad(form, rims), np.pad(colours, rims)
        origin = origin[0] + _EMPTY, origin[1] + _EMPTY
    return Sprite(_levels(form), _levels(colours), scale, origin, endless)


def _levels(layer: Layer) -> tuple[Pixels, ...]:
    levels: list[Pixels] = [np.rint(np.clip(layer, 0, 1) * 255).astype(np.uint8)]
    while min(levels[-1].shape[:2]) >= 32:
        rows, columns = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return tuple(levels)


@dataclass(frozen=True)
class Pose:
    """Where a sprite goes: its point `grip` to the photo's point `at`, turned and sized.

    Attributes:
        at: x, y in photo px.
        up: unit vector (2,) of the photo that the sprite's y axis follows.
        size: photo px per unit of the sprite.
        grip: point of the sprite, its units.
        mirrored: swap the sprite's left and right.
    """

    at: Points
    up: Points
    size: float
    grip: tuple[float, float] = (0.0, 0.0)
    mirrored: bool = False


def ends_in(thing: Sprite, pose: Pose, photo: Photo) -> bool:
    """Say whether the lower end of a sprite's first level lies in the photo: who holds it?"""
    low = -(thing.form[0].shape[0] - 1 - thing.origin[1]) / thing.scale
    x, y = pose.at + pose.up * (low - pose.grip[1]) * pose.size
    height, width = photo.shape[:2]
    return bool(0 <= x < width and 0 <= y < height)


def place(
    thing: Sprite, pose: Pose, photo: Photo
) -> tuple[Layer, Layer, compositing.Window] | None:
    """Warp a sprite into the photo: form and paint (h, w, 4) in a window, or None outside."""
    right = np.array([-pose.up[1], pose.up[0]]) * (-1.0 if pose.mirrored else 1.0)
    turn = np.column_stack([right, -1.0 * pose.up])  # sprite columns and rows -> photo
    zoom = pose.size / thing.scale
    level = int(np.clip(np.floor(np.log2(max(1 / zoom, 1.0))), 0, len(thing.form) - 1))
    form, paint = thing.form[level], thing.paint[level]
    step = thing.form[0].shape[0] / form.shape[0]
    linear = turn * (zoom * step)
    grip = np.array(thing.origin) + np.array([pose.grip[0], -pose.grip[1]]) * thing.scale
    shift = pose.at - linear @ ((grip + 0.5) / step - 0.5)
    rows, columns = form.shape[:2]
    last = rows
    if thing.endless:  # to wherever the photo ends
        last += math.ceil((np.hypot(*photo.shape[:2]) + np.hypot(*shift)) / (zoom * step))
    corners = np.array([(0, 0), (columns, 0), (0, last), (columns, last)]) - 0.5
    window = compositing.window_around(corners @ linear.T + shift, 1, photo)
    if window is None or min(window.shape) < 2:
        return None
    warped = _warp(form, linear, shift, window, thing.endless)
    x, y, wide, tall = cv2.boundingRect((warped[..., 3] > 0).astype(np.uint8))
    if not wide or not tall:
        return None
    x, y = x + window.x0, y + window.y0
    box = np.array([(x, y), (x + wide - 1, y + tall - 1)])
    whole, window = window, compositing.window_around(box, 2 + 0.08 * pose.size, photo)
    if window is None:
        return None
    mix = np.zeros((4, 4), np.float32)
    mix[:2, :2], mix[2, 2], mix[3, 3] = turn * 2, 2, 1
    mix[:3, 3] = -turn[0].sum(), -turn[1].sum(), -1
    grown = np.zeros((*window.shape, 4), np.float32)
    row, column = max(whole.y0, window.y0), max(whole.x0, window.x0)
    last, end = min(whole.y1, window.y1), min(whole.x1, window.x1)
    both = compositing.Window(column, row, end, last)
    found = _part(whole, both, warped).astype(np.float32)
    _part(window, both, grown)[:] = cv2.transform(found, mix / 255)
    painted = _warp(paint, linear, shift, window, thing.endless).astype(np.float32)
    painted *= np.float32(1 / 255)
    return grown, painted, window


def _warp(
    layer: Pixels, linear: Points, shift: Points, window: compositing.Window, endless: bool
) -> Pixels:
    matrix = np.column_stack([linear, shift - (window.x0, window.y0)])
    rim = cv2.BORDER_REPLICATE if endless else cv2.BORDER_CONSTANT
    size = window.shape[::-1]
    warped = cv2.warpAffine(layer, matrix, size, flags=cv2.INTER_LINEAR, borderMode=rim)
    return np.asarray(warped, np.uint8)


def _part(
    outer: compositing.Window, inner: compositing.Window, layer: NDArray[Any]
) -> NDArray[Any]:
    rows = slice(inner.y0 - outer.y0, inner.y1 - outer.y0)
    return layer[rows, inner.x0 - outer.x0 : inner.x1 - outer.x0]


def cover(
    placed: tuple[Layer, Layer, compositing.Window],
    colours: Points,
    light: Light,
    reach: float,
    gloss: float = 0.0,
    bleed: Points | None = None,
    even: float = 0.0,
) -> Cover:
    """Light a placed sprite.

    Args:
        placed: of `place`.
        colours: (3, 3), a row a colour as a surface that faces the viewer shows it, 8-bit range.
        light: on the face.
        reach: of the contact shadow, px.
        gloss: strength of the highlight, [0, 1].
        bleed: (3,) factors on how dark folds are, below 1 where light seeps in.
        even: the mean level of light that the thing is brought to; 0 = leave it.
    """
    form, paint, window = placed
    alpha = np.minimum(form[..., 3], 1)
    alpha[alpha > 1 - 1 / 256] = 1
    whole = 1 / np.maximum(form[..., 3], np.float32(1e-3))
    level = _level(form, light) * whole
    if even:
        seen = alpha > 0.5
        level = level * np.float32(even / max(float(level[seen].mean()), 0.2) if seen.any() else 1)
    level = np.minimum(level, 1.3)
    table = np.column_stack([np.asarray(colours).T, np.zeros(3)]).astype(np.float32)
    opened = np.clip(paint[..., 3] * whole, 0.02, 1)
    level *= whole
    closed = 1 - opened
    shares = (1.0, 1.0, 1.0) if bleed is None else tuple(np.asarray(bleed, float))
    factors = cv2.merge([level * (1 - closed * np.float32(share)) for share in shares])
    picture = np.asarray(cv2.multiply(cv2.transform(paint, table), factors), np.float32)
    if gloss:
        half = light.direction + np.array([0, 0, 1])
        half = np.append(half / np.linalg.norm(half), 0).astype(np.float32)[None]
        shine = np.maximum(cv2.transform(form, half) * whole, 0)
        for _ in range(4):  # to the 16th power
            shine *= shine
        shine *= np.float32(gloss * light.gain * 255)
        picture += np.asarray(cv2.merge([shine, shine, shine]), np.float32)
    shade = compositing.shadow(alpha, -light.direction[:2] * reach, reach) * np.float32(0.45)
    return Cover(np.clip(picture, 0, 255, out=picture), alpha, window, shade)


def _level(form: Layer, light: Light) -> Layer:
    """Light on the surface times coverage; 1 where it faces the viewer."""
    lean = (1 - light.ambient) / max(float(light.direction[2]), 0.3)
    bright = cv2.transform(form, (np.array([*light.direction, 0]) * lean).astype(np.float32)[None])
    return np.asarray(np.maximum(bright, 0) + np.float32(light.ambient) * form[..., 3])
