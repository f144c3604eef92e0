"""The light on a face, guessed from its bare skin: how bright, from which side, grey or not."""

from dataclasses import dataclass

import numpy as np

from mask2face.facemasks.drawn import Layer, Photo, Points
from mask2face.facemasks.frame import Frame

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
SKIN_LUMA = 150.0  # of a light face in good light, 8 bits


@dataclass(frozen=True)
class Light:
    """How fabric on this face is lit.

    Attributes:
        gain: factor on the fabric's colour.
        tint: factor per channel (3,), mean about 1.
        direction: float64 (3,) unit vector towards the light: x, y in the image, z to the camera.
        ambient: share of light without direction, [0, 1].
        skin: mean colour (3,) of the skin, 8-bit range.
        grey: the photo has no colour.
    """

    gain: float
    tint: Points
    direction: Points
    ambient: float
    skin: Points
    grey: bool

    def on(self, colour: Layer) -> Layer:
        """A fabric colour (..., 3) in [0, 1] in this light, 8-bit range, not yet shaded."""
        channels = np.diag(255 * self.gain * self.tint)
        if self.grey:
            channels = np.repeat(channels @ LUMA[:, None], 3, axis=1)
        lit: Layer = np.asarray(colour, np.float32) @ channels.astype(np.float32)
        return lit


def _sample(photo: Photo, points: Points) -> Points:
    height, width = photo.shape[:2]
    x = np.clip(np.rint(points[:, 0]).astype(int), 0, width - 1)
    y = np.clip(np.rint(points[:, 1]).astype(int), 0, height - 1)
    return np.asarray(photo[y, x].astype(np.float64))


def _cheek(frame: Frame, side: int) -> Points:
    points = frame.landmarks
    outer = points[[2, 3, 1]] if side < 0 else points[[14, 13, 15]]
    inner = points[[31, 48, 41]] if side < 0 else points[[35, 54, 46]]
    shares = np.linspace(0.35, 0.75, 4)[:, None, None]
    spots: Points = (outer + (inner - outer) * shares).reshape(-1, 2)
    return spots


def light_on(photo: Photo, frame: Frame, rng: np.random.Generator) -> Light:
    """Guess the light from cheeks and nose, with a random error.

    Args:
        photo: uint8 (H, W, 3) RGB.
        frame: the face; parts outside the photo are read at its border.
        rng: source of the error.
    """
    sides = [_sample(photo, _cheek(frame, side)) for side in (-1, 1)]
    lumas = [float(np.median(side @ LUMA)) for side in sides]
    pixels = np.concatenate(sides)
    skin = np.median(pixels, axis=0)
    brightness = max(float(skin @ LUMA), 8.0)
    # a darker face is half less light, half darker skin: the square root splits it
    gain = float(np.clip((brightness / SKIN_LUMA) ** 0.5, 0.45, 1.25) * np.exp(rng.normal(0, 0.16)))
    sideways = float(np.clip((lumas[1] - lumas[0]) / (sum(lumas) + 1), -0.6, 0.6))
    direction = np.array([1.6 * sideways + rng.normal(0, 0.2), rng.normal(-0.45, 0.25), 1.0])
    grey = bool(np.abs(pixels - pixels.mean(axis=1, keepdims=True)).max() < 3)
    tint = 1 + rng.normal(0, 0.02, 3)
    return Light(
        gain=min(1.07 * gain, 1.25),
        tint=tint / tint.mean(),
        direction=direction / np.linalg.norm(direction),
        ambient=float(rng.uniform(0.2, 0.65)),
        skin=skin,
        grey=grey,
    )
