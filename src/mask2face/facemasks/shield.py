"""A clear face shield before a face mask: the visor stays, what is seen through it is the hole."""

from dataclasses import replace

import cv2
import numpy as np

from mask2face.facemasks import cloth, compositing, kn95, mesh, surgical
from mask2face.facemasks.drawn import Drawn, Layer, Photo, Points, Style, check
from mask2face.facemasks.frame import Frame
from mask2face.facemasks.light import light_on
from mask2face.facemasks.mesh import Raster, Sheet
from mask2face.facemasks.occluders import Cover, lay

BEHIND: tuple[Style, ...] = (surgical.draw, cloth.draw, kn95.draw)
_ROWS, _COLUMNS = 10, 17


def draw(
    photo: Photo,
    landmarks: Points,
    rng: np.random.Generator,
    *,
    colour: str = "",
    colour_weight: float = 1.0,
) -> Drawn:
    """Draw a face shield and, behind it, a surgical, cloth or KN95 face mask.

    Args:
        photo: uint8 (H, W, 3) RGB, not changed.
        landmarks: (68, 2) x, y in photo px, iBUG order; may lie outside the photo.
        rng: source of all randomness.
        colour: "#rrggbb" of the face mask, or "" for a random one.
        colour_weight: share of `colour` against the random one, [0, 1].

    Raises:
        ValueError: an argument has the wrong type, shape or value.
    """
    check(photo, landmarks)
    style = BEHIND[int(rng.integers(len(BEHIND)))]
    drawn = style(photo, landmarks, rng, colour=colour, colour_weight=colour_weight)
    options = {**drawn.options, "behind": drawn.style}
    drawn = replace(drawn, style="shield", options=options)
    frame = Frame(landmarks)
    sheet = _visor(frame, rng)
    outline = sheet.points[..., :2].reshape(-1, 2)
    window = compositing.window_around(outline, 0.02 * frame.unit + 2, photo)
    if window is None:
        return drawn
    cover = _look(photo, frame, mesh.raster([sheet], window), window, rng)
    return replace(drawn, photo=lay(cover, drawn.photo), bare=lay(cover, photo))


def _visor(frame: Frame, rng: np.random.Generator) -> Sheet:
    """A plate bent round the face, from the forehead to below the chin."""
    unit = frame.unit
    brow = frame.points[[19, 24]].mean(axis=0)
    top = brow - frame.down * rng.uniform(0.15, 0.4) * unit
    low = frame.points[8] + frame.down * rng.uniform(0.05, 0.35) * unit
    radius = rng.uniform(0.56, 0.66) * unit
    wide = rng.uniform(1.2, 1.5)  # radians to each side
    away = rng.uniform(0.12, 0.25) * unit  # from the forehead
    angles = np.linspace(-wide, wide, _COLUMNS)[None, :, None]
    shares = np.linspace(0, 1, _ROWS)[:, None, None]
    height = float((low - top) @ frame.down)
    line = top + frame.down * height * shares + frame.out * (away + 0.1 * unit * shares)
    corner = 1 - 0.25 * np.maximum(shares - 0.7, 0) / 0.3  # rounded off below
    bent = np.sin(angles * corner) * frame.right + (np.cos(angles * corner) - 1) * frame.out
    points = line + radius * bent
    u = np.broadcast_to(np.linspace(-1, 1, _COLUMNS)[None], points.shape[:2])
    v = np.broadcast_to(np.linspace(0, 1, _ROWS)[:, None], points.shape[:2])
    return Sheet(points, u, v, mesh.rim_distance(points))


def _look(
    photo: Photo,
    frame: Frame,
    seen: Raster,
    window: compositing.Window,
    rng: np.random.Generator,
) -> Cover:
    """What the visor adds: foam at the forehead, reflections, a bright cut edge, a little haze."""
    light = light_on(photo, frame, rng)
    unit = np.float32(frame.unit)
    edge = np.maximum(seen.edge, 0) / unit
    grazing = (1 - seen.normal[..., 2].clip(0, 1)) ** 3
    alpha = np.float32(rng.uniform(0.01, 0.07)) + np.float32(0.5) * grazing
    for _ in range(int(rng.integers(0, 4))):  # windows and lamps
        place, slope = rng.uniform(-0.9, 0.9), rng.normal(0, 0.3)
        off = (seen.u - place - slope * (seen.v - 0.5)) / rng.uniform(0.02, 0.12)
        ends = 1 / (1 + np.exp(((np.abs(seen.v - rng.uniform(0.2, 0.7)) - 0.25) * 30).clip(-9, 9)))
        alpha = alpha + rng.uniform(0.1, 0.6) * np.exp(-(off**2)) * ends
    alpha = np.maximum(alpha, rng.uniform(0.1, 0.6) * np.exp(-((edge / 0.008) ** 2)))
    white = light.on(np.ones((1, 1, 3), np.float32)) * np.float32(0.95)
    picture: Layer = np.broadcast_to(white.clip(0, 255), (*window.shape, 3)).astype(np.float32)
    band = seen.v < rng.uniform(0.06, 0.16)
    foam = light.on(np.full((1, 1, 3), rng.uniform(0.05, 0.9), np.float32)).clip(0, 255)
    picture = np.asarray(np.where(band[..., None], foam, picture), np.float32)
    alpha = np.where(band, np.float32(rng.uniform(0.5, 0.95)), alpha)
    alpha = (alpha.clip(0, 1) * seen.alpha).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(alpha, (3, 3), 0), np.float32)
    return Cover(picture, soft, window)
