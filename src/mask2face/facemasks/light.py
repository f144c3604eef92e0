"""The light on a face and the camera's blur and grain, guessed from its bare skin and eyes."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks.camera import FEWEST, LUMA, blur_of, grain_of, rank
from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.frame import Frame

SKIN_LUMA = 150.0  # of a light face in good light, 8 bits
SKIN_CHROMA = np.array([0.27, -0.17])  # ln(red/green), ln(blue/green): median of 800 faces
PRIOR = np.array([0.5, 0.0, -0.3, 0.5])  # ambient, x, y, z: light from above and the front
# what 110 skin samples must say against the prior: left-right is sure, ambient against z is not
TRUST = np.array([2.0, 1.0, 1.5, 2.0])


@dataclass(frozen=True)
class Light:
    """How fabric on this face is lit, and how the camera shows it.

    Attributes:
        gain: factor on the fabric's colour.
        tint: factor per channel (3,), mean about 1.
        direction: float64 (3,) unit vector towards the light: x right and y down in the image,
            z to the camera, at least 0.3.
        ambient: share of light without direction, [0, 1]: a surface with the unit normal n is
            `ambient + (1 - ambient) * (n @ direction) / direction[2]` times as bright as one
            that faces the camera.
        skin: mean colour (3,) of the skin, 8-bit range.
        grey: the photo has no colour.
        blur: of the photo at the eyes, standard deviation in px, 0 = pixel-sharp.
        grain: standard deviation of the fine noise of the skin's luma, 8-bit levels.
    """

    gain: float
    tint: Points
    direction: Points
    ambient: float
    skin: Points
    grey: bool
    blur: float = 0.0
    grain: float = 0.0

    def on(self, colour: Layer) -> Layer:
        """A fabric colour (..., 3) in [0, 1] in this light, 8-bit range, not yet shaded."""
        channels = np.diag(255 * self.gain * self.tint)
        if self.grey:
            channels = np.repeat(channels @ LUMA[:, None], 3, axis=1)
        lit: Layer = np.asarray(colour, np.float32) @ channels.astype(np.float32)
        return lit

    def grained(self, picture: Layer, rng: np.random.Generator) -> Layer:
        """A drawn picture (h, w, 3), 8-bit range, with the photo's grain."""
        if self.grain < 0.3:  # below the rounding to 8 bits
            return picture
        noise = rng.standard_normal(picture.shape[:2], dtype=np.float32) * np.float32(self.grain)
        return np.asarray(cv2.add(picture, cv2.merge([noise, noise, noise])))


def _between(ends: list[tuple[int, int]], shares: list[float]) -> Points:
    """Rows that mix two landmarks each: (len(ends) * len(shares), 68)."""
    rows = np.zeros((len(ends), len(shares), 68))
    for row, (start, end) in zip(rows, ends, strict=True):
        row[:, start] += 1 - np.array(shares)
        row[:, end] += shares
    return rows.reshape(-1, 68)


def _skin_rows() -> Points:
    """Where bare skin is, as mixtures of the landmarks: (n, 68), each row sums to 1."""
    left = [(1, 40), (2, 41), (2, 29), (3, 31), (3, 33), (4, 48), (5, 48)]
    right = [(15, 47), (14, 46), (14, 29), (13, 35), (13, 33), (12, 54), (11, 54)]
    cheeks = _between(left + right, [0.22, 0.36, 0.5, 0.64])
    brows = _between([(brow, brow) for brow in range(17, 27)], [0.0])
    up = _between([(30, 27)], [1.0]) - _between([(30, 30)], [0.0])
    forehead = [brows + height * up for height in (0.35, 0.6, 0.9)]
    nose = _between([(27, 30)], [0.1, 0.3, 0.5, 0.7, 0.9])
    chin = _between([(57, 8), (58, 7), (56, 9)], [0.45, 0.6, 0.75])
    lip = _between([(33, 51), (31, 49), (35, 53)], [0.4, 0.6])
    return np.concatenate([cheeks, *forehead, nose, chin, lip])


_SKIN = _skin_rows()


def _normals(frame: Frame, points: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Unit normals (n, 3) of an upright ellipsoid at photo points, and which lie well inside.

    It is as deep as wide: turned to the side it looks the same, only the nose moves across it.
    """
    half = 0.5 * frame.unit
    down = frame.down[:2] / max(float(np.hypot(*frame.down[:2])), 1e-6)
    right = np.array([down[1], -down[0]])
    offset = points - frame.landmarks[28] + 0.85 * half * frame.out[:2]
    x = offset @ right / (1.12 * half)
    y = (offset @ down / half - 0.15) / 1.75
    inside = 1 - x * x - y * y
    z = np.sqrt(np.maximum(inside, 0.0))
    y = y / 1.55  # taller than wide: the normal leans less
    normals = np.column_stack([np.outer(x, right) + np.outer(y, down), z])
    length = np.sqrt((normals**2).sum(axis=1, keepdims=True))
    return normals / np.maximum(length, 1e-6), inside > 0.06


def _shading(normals: Points, luma: Points, weights: Points) -> Points:
    """Ambient and directed light (4,) that explain the luma, for 1 = faces the camera.

    Least squares reweighted by Cauchy's function: hair, beard and glasses drop out.
    """
    if len(luma) < FEWEST:
        return PRIOR
    terms = np.concatenate([np.ones((len(normals), 1)), normals], axis=1)
    level = max(rank(luma, 0.5), 4.0)
    values, fit, first = luma / level, PRIOR, weights
    for _ in range(3):
        facing = fit[0] + fit[3]
        weighted = terms * weights[:, None]
        normal = weighted.T @ terms + np.diag(TRUST)
        fit = np.linalg.solve(normal, weighted.T @ values + TRUST * PRIOR * facing)
        errors = values - terms @ fit
        scale = max(2.0 * rank(np.abs(errors), 0.5), 0.04)
        weights = first / (1 + (errors / scale) ** 2)
    return np.asarray(fit / max(float(fit[0] + fit[3]), 0.1))


def _chroma(colours: Points) -> Points:
    logs = np.log(np.maximum(colours, 4.0))
    return np.asarray(logs[..., [0, 2]] - logs[..., 1:2])


def _colour_range(pixels: Points) -> float:
    red, green, blue = pixels.T
    return float(max(np.abs(red - green).max(), np.abs(blue - green).max()))


def _overview(photo: Photo) -> Points:
    """About 300 pixels (n, 3) on a grid over the whole photo."""
    height, width = photo.shape[:2]
    grid = photo[:: max(1, height // 17), :: max(1, width // 17)]
    return np.asarray(grid.reshape(-1, 3).astype(np.float64))


def _cast(skin: Points, highlights: Points) -> Points:
    """The photo's colour cast: factor per channel (3,), mean 1.

    White face masks on 92 real photos are neutral within 4 % whatever the skin's colour: only
    a cast that skin and highlights share is believed.
    """
    logs = []
    for of_skin, of_highlights in zip(
        _chroma(skin) - SKIN_CHROMA, _chroma(highlights), strict=True
    ):
        shared = min(abs(of_skin), abs(of_highlights), 0.5) if of_skin * of_highlights > 0 else 0.0
        logs.append(0.75 * shared * np.sign(of_skin))
    factors = np.exp([logs[0], 0.0, logs[1]])
    return np.asarray(factors / factors.mean())


def _gain(skin: float, white: float) -> float:
    """Level of the light from skin and highlights (luma), 1 in good light.

    On the same 92 photos the white of face masks hardly follows the skin's luma (exponent
    0.1): the cameras expose for it. Dim photos are rare among them, so some more is allowed.
    """
    level = (skin / SKIN_LUMA) ** 0.25 * (min(max(white, 40.0), 235.0) / 225.0) ** 0.45
    return float(np.clip(level, 0.35, 1.15))


def _towards(frame: Frame, points: Points, pixels: Points, skin: Points) -> tuple[float, Points]:
    """Ambient share and direction (3,), z at least 0.3, from skin pixels (n, 3) at photo points."""
    normals, facing = _normals(frame, points)
    odd = np.abs(_chroma(pixels) - _chroma(skin)).max(axis=1) / 0.35
    weights = 1 / (1 + odd * odd)
    ambient, *towards = _shading(normals[facing], (pixels @ LUMA)[facing], weights[facing])
    towards[2] = max(towards[2], 0.3, 0.35 * float(np.hypot(*towards[:2])))
    return ambient, np.array(towards) / np.linalg.norm(towards)


def light_on(photo: Photo, frame: Frame, rng: np.random.Generator) -> Light:
    """Guess light and camera from skin, eyes and highlights, with a random error.

    Args:
        photo: uint8 (H, W, 3) RGB.
        frame: the face; parts outside the photo are read at its border, but not for shading.
        rng: source of the error.
    """
    height, width = photo.shape[:2]
    points = _SKIN @ frame.landmarks
    x, y = np.rint(points.T).astype(np.int64)
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    pixels = photo[y.clip(0, height - 1), x.clip(0, width - 1)].astype(np.float64)
    luma, overview = pixels @ LUMA, _overview(photo)
    away = np.abs(luma - rank(luma, 0.5))
    skin = pixels[away <= rank(away, 0.7)].mean(axis=0)
    grey = _colour_range(pixels) < 3 and _colour_range(overview) < 6
    ambient, direction = _towards(frame, points[inside], pixels[inside], skin)
    direction[:2] += rng.normal(0, 0.1, 2)
    level = overview @ LUMA
    highlights = overview[level >= rank(level, 0.95)].mean(axis=0)
    gain = _gain(max(float(skin @ LUMA), 8.0), float(highlights @ LUMA))
    tint = np.ones(3) if grey else _cast(skin, highlights) * (1 + rng.normal(0, 0.02, 3))
    grain = grain_of(photo, points[inside])
    blur = blur_of(photo, frame.landmarks, frame.unit, grain)
    return Light(
        gain=min(1.07 * gain * float(np.exp(rng.normal(0, 0.12))), 1.25),
        tint=tint / tint.mean(),
        direction=direction / np.linalg.norm(direction),
        ambient=min(max(ambient + rng.normal(0, 0.13), 0.1), 0.75),
        skin=skin,
        grey=grey,
        blur=blur * float(rng.uniform(0.6, 1.05)),  # less than found: lids are soft edges
        grain=grain * float(rng.uniform(0.8, 1.1)),
    )
