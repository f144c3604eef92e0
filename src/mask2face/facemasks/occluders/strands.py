"""Hair that hangs over the cheek, and a collar that is pulled up before the chin."""

import numpy as np

from mask2face.facemasks import compositing, surface
from mask2face.facemasks.camera import LUMA
from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.occluders.cup import COLOURS
from mask2face.facemasks.occluders.face import Face
from mask2face.facemasks.occluders.light import face_light
from mask2face.facemasks.occluders.sprite import Cover

HAIR = np.array([(0.1, 0.08, 0.07), (0.22, 0.14, 0.09), (0.42, 0.3, 0.18), (0.62, 0.5, 0.33)])


def _hair_colour(photo: Photo, face: Face, rng: np.random.Generator) -> Points | None:
    """The median above the forehead, or None where that looks like skin or lies outside."""
    lift = rng.uniform(0.55, 0.75)
    spots = np.array([face.at(face.points[27], x, -lift) for x in (-0.2, -0.1, 0, 0.1, 0.2)])
    columns, rows = np.rint(spots).astype(int).T
    height, width = photo.shape[:2]
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    if inside.sum() < 3:
        return None
    colour = np.median(photo[rows[inside], columns[inside]].astype(float), axis=0)
    return None if colour @ LUMA > 170 else np.asarray(colour)


def hair(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """Strands from above one temple over the cheek, in the colour of the hair."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    side = -1 if rng.random() < 0.5 else 1
    sampled = _hair_colour(photo, face, rng)
    if sampled is None or np.abs(sampled - light.skin).max() < 25:  # out of the photo, or bald
        sampled = light.on(HAIR[rng.integers(len(HAIR))][None])[0]
    colour = np.clip(sampled, 12, 235)
    temple = face.points[0 if side < 0 else 16]
    root = face.at(temple, -side * rng.uniform(-0.05, 0.22), -rng.uniform(0.35, 0.55))
    low = face.points[3 if side < 0 else 13]
    end = face.at(low, -side * rng.uniform(-0.1, 0.2), rng.uniform(-0.15, 0.5))
    bow = face.at((root + end) / 2, side * rng.uniform(-0.25, 0.25), rng.uniform(-0.1, 0.1))
    count = int(rng.integers(4, 26))
    loose = rng.normal(0, rng.uniform(0.01, 0.035), (count, 3, 2)) * ((0.5,), (1,), (1.6,))
    t = np.linspace(0, 1, 14)[:, None]
    weights = np.hstack([(1 - t) ** 2, 2 * t * (1 - t), t**2])
    curves = weights @ (np.array([root, bow, end]) + loose * face.unit)
    wave = 0.02 * np.sin(t * rng.uniform(4, 10) + rng.uniform(0, 6) + rng.normal(0, 0.3, count)).T
    curves = curves + (wave * rng.uniform(0, 1.2) * face.unit)[..., None] * face.right
    window = compositing.window_around(curves.reshape(-1, 2), 0.03 * face.unit + 3, photo)
    if window is None:
        return None
    thin = float(max(rng.uniform(0.004, 0.009) * face.unit, 0.5))
    alpha = compositing.stroke(list(curves), thin, window)
    x = np.arange(window.x0, window.x1)[None] - root[0]
    y = np.arange(window.y0, window.y1)[:, None] - root[1]
    share = (x * face.down[0] + y * face.down[1]) / max(float((end - root) @ face.down), 1.0)
    fade = np.clip((1.05 - share) * 4, 0, 1) * np.clip(share * 6 + 0.2, 0, 1)  # both ends thin out
    alpha = (alpha * rng.uniform(0.75, 1.0) * fade).astype(np.float32)
    bright = compositing.stroke(list(curves[::3] + 0.3 * thin), 0.6 * thin, window)
    picture = colour * (0.8 + rng.uniform(0.2, 0.5) * bright[..., None])
    shade = 0.3 * compositing.shadow(alpha, face.down * 0.02 * face.unit, 0.015 * face.unit)
    return Cover(np.clip(picture, 0, 250).astype(np.float32), alpha, window, shade)


def collar(photo: Photo, landmarks: Points, rng: np.random.Generator) -> Cover | None:
    """A zipped-up collar or a scarf before the chin, down to the photo's lower end."""
    face, light = Face.of(landmarks), face_light(photo, landmarks, rng)
    lift = rng.uniform(-0.12, 0.16)
    low = face.at(face.points[8], rng.normal(0, 0.03), -lift)
    ends = [
        face.at(
            face.points[k], side * rng.uniform(0.08, 0.22), rng.uniform(-0.1, 0.12) - 0.5 * lift
        )
        for k, side in ((3, -1), (13, 1))
    ]
    t = np.linspace(0, 1, 24)[:, None]
    bow = 2 * low - (ends[0] + ends[1]) / 2
    rim = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * bow + t**2 * ends[1]
    rim += face.down * (rng.normal(0, 0.006, (24, 1)) * face.unit)
    feet = []
    beyond = 2.4 + float(np.hypot(*photo.shape[:2])) / face.unit  # below the photo
    for end, side in zip(ends, (-1, 1), strict=True):
        steps = ((0.03, 0.3), (0.15, 0.42), (0.9, 0.75), (1.0, beyond))  # neck, shoulder, arm
        feet.append(np.array([face.at(end, side * x, y) for x, y in steps]))
    window = compositing.window_around(np.concatenate([rim, *feet]), 2, photo)
    if window is None:
        return None
    alpha = compositing.coverage(np.concatenate([rim, feet[1], feet[0][::-1]]), window)
    if not alpha.any():
        return None
    colour = light.on(COLOURS[rng.integers(len(COLOURS))][None] * rng.uniform(0.5, 1))[0]
    depth = np.minimum(surface.edge_distance(alpha) / (0.08 * face.unit), 1)
    x = np.arange(window.x0, window.x1, dtype=np.float32)[None] - np.float32(low[0])
    y = np.arange(window.y0, window.y1, dtype=np.float32)[:, None] - np.float32(low[1])
    across = (x * face.right[0] + y * face.right[1]) / face.unit
    under = (x * face.down[0] + y * face.down[1]) / face.unit
    side = np.clip(1 - 0.35 * across**2 + 0.35 * across * light.direction[0], 0.4, 1.2)
    folds = np.sin(
        under * rng.uniform(8, 22) + across**2 * rng.uniform(-12, 12) + rng.uniform(0, 6)
    )
    knit = np.sin(across * rng.uniform(60, 120)) if rng.random() < 0.5 else np.float32(0)
    level = (0.72 + 0.28 * np.sqrt(depth)) * side
    level = level * (1 + rng.uniform(0, 0.14) * folds + rng.uniform(0, 0.1) * knit)
    level = level * (1 + 0.03 * surface.noise(rng, alpha.shape, 8, 8))
    picture = colour * level[..., None]
    if rng.random() < 0.4:
        teeth = compositing.stroke(
            [np.array([low, low + face.down * 2 * face.unit])], max(0.03 * face.unit, 1), window
        )
        metal = light.on(np.full((1, 3), rng.choice([0.08, 0.65])))[0]
        picture = (
            picture + (metal - picture) * (teeth * (0.7 + 0.3 * np.sin(under * 160)))[..., None]
        )
    shade = 0.5 * compositing.shadow(alpha, -face.down * 0.02 * face.unit, 0.035 * face.unit)
    return Cover(np.clip(picture, 0, 250).astype(np.float32), alpha, window, shade)
