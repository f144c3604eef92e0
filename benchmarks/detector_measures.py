"""What `detectors.py` measures: faces found and missed, false ones, stillness of the eyes, time."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.faces import Face

Photo = NDArray[np.uint8]
Detector = Callable[[Photo], list[Face]]
SAME = 0.35  # intersection over union from which two detectors mean one face
NEAR = 0.35  # eye distances; eyes this near to the truth are those of the face
CHANGES = 8  # small changes of a photo in which the eyes should stay


@dataclass(frozen=True)
class Known:
    """A photo and the eyes that are in it, float (n, 2, 2), px."""

    photo: Photo
    eyes: NDArray[np.float64]


def overlap(first: Face, second: Face) -> float:
    """Return intersection over union of two boxes."""
    a, b = np.array(first.box), np.array(second.box)
    shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
    return float(shared / (first.area + second.area - shared))


def paired(first: list[Face], second: list[Face]) -> tuple[list[tuple[Face, Face]], Any, Any]:
    """Return faces that both found, those of `first` alone and those of `second` alone."""
    free = list(second)
    both, alone = [], []
    for face in first:
        best = max(free, key=lambda other: overlap(face, other), default=None)
        if best is None or overlap(face, best) < SAME:
            alone.append(face)
            continue
        free.remove(best)
        both.append((face, best))
    return both, alone, free


def matches(faces: list[Face], eyes: NDArray[np.float64]) -> Face | None:
    """Return the face whose eyes are `eyes` (2, 2), or None."""
    reach = NEAR * float(np.hypot(*(eyes[1] - eyes[0])))
    off = [float(np.hypot(*(face.landmarks[:2] - eyes).T).max()) for face in faces]
    best = int(np.argmin(off)) if off else -1
    return faces[best] if off and off[best] <= reach else None


def recall(detector: Detector, known: Sequence[Known]) -> dict[str, float]:
    """Return how many of the known faces are found, and how many faces beside them."""
    found = total = beside = 0
    for one in known:
        faces = detector(one.photo)
        hits = [face for eyes in one.eyes if (face := matches(faces, eyes)) is not None]
        found, total = found + len(hits), total + len(one.eyes)
        beside += len(faces) - len({id(face) for face in hits})
    return {"found": found, "faces": total, "beside": beside}


def eye_error(detector: Detector, known: Sequence[Known]) -> NDArray[np.float64]:
    """Return the eyes' mean distance from the truth, in eye distances, for each face found."""
    errors = []
    for one in known:
        faces = detector(one.photo)
        for eyes in one.eyes:
            face = matches(faces, eyes)
            if face is not None:
                off = np.hypot(*(face.landmarks[:2] - eyes).T).mean()
                errors.append(off / np.hypot(*(eyes[1] - eyes[0])))
    return np.array(errors)


def changed(photo: Photo, rng: np.random.Generator) -> tuple[Photo, NDArray[np.float64]]:
    """Return a slightly changed photo, and the (2, 3) matrix that takes it back."""
    height, width = photo.shape[:2]
    zoom = float(np.exp(rng.uniform(-0.08, 0.08)))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom)
    matrix[:, 2] += rng.uniform(-0.01, 0.01, 2) * max(height, width)
    moved = cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    noisy = moved + rng.normal(0, 4, moved.shape)
    _, packed = cv2.imencode(
        ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85]
    )
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8), back


def jitter(detectors: dict[str, Detector], photos: Sequence[Photo]) -> dict[str, Any]:
    """Return for each detector how far eyes and height move, over faces that both always find.

    A face's value: the root mean square distance of its eyes from their mean place, in eye
    distances, and the standard deviation of the log of its box's height.
    """
    eyes: dict[str, list[float]] = {name: [] for name in detectors}
    heights: dict[str, list[float]] = {name: [] for name in detectors}
    for number, photo in enumerate(photos):
        starts = {name: detector(photo) for name, detector in detectors.items()}
        both, _, _ = paired(*starts.values())
        rng = np.random.default_rng(number)
        seen = [changed(photo, rng) for _ in range(CHANGES if both else 0)]
        tracks = [
            _track(detector, seen, [pair[place] for pair in both])
            for place, detector in enumerate(detectors.values())
        ]
        for index in range(len(both)):
            if any(track[index] is None for track in tracks):
                continue
            for name, track in zip(detectors, tracks, strict=True):
                places, tall = track[index]  # type: ignore[misc]
                distance = np.hypot(*(places[:, 1] - places[:, 0]).mean(0))
                away = ((places - places.mean(0)) ** 2).sum(2).mean() ** 0.5
                eyes[name].append(float(away / distance))
                heights[name].append(float(np.log(tall).std()))
    return {
        name: {
            "faces": len(eyes[name]),
            "eyes_median": float(np.median(eyes[name])),
            "eyes_95": float(np.quantile(eyes[name], 0.95)),
            "height_median": float(np.median(heights[name])),
        }
        for name in detectors
    }


def _track(
    detector: Detector, seen: list[tuple[Photo, NDArray[np.float64]]], faces: list[Face]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]] | None]:
    """Return the eyes (k, 2, 2) and heights (k,) of each face in the changed photos, or None."""
    places: list[list[NDArray[np.float64]]] = [[] for _ in faces]
    heights: list[list[float]] = [[] for _ in faces]
    for photo, back in seen:
        found = [_moved(face, back) for face in detector(photo)]
        for index, face in enumerate(faces):
            near = matches(found, face.landmarks[:2].astype(np.float64))
            if near is not None:
                places[index].append(near.landmarks[:2].astype(np.float64))
                heights[index].append(near.box[3] - near.box[1])
    whole = [len(place) == len(seen) for place in places]
    return [
        (np.array(place), np.array(tall)) if all_ else None
        for place, tall, all_ in zip(places, heights, whole, strict=True)
    ]


def _moved(face: Face, matrix: NDArray[np.float64]) -> Face:
    def move(points: Any) -> Any:  # noqa: ANN401
        return np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]

    corners = move(np.array(face.box).reshape(2, 2))
    x0, y0, x1, y1 = (float(value) for value in corners.ravel())
    return Face((x0, y0, x1, y1), move(face.landmarks).astype(np.float32), face.score)


def times(detectors: dict[str, Detector], photos: Sequence[Photo], rounds: int) -> dict[str, float]:
    """Return the median time of a photo in ms, the detectors called in turn on each photo."""
    taken: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(rounds):
        for photo in photos:
            for name, detector in detectors.items():
                begin = time.perf_counter()
                detector(photo)
                taken[name].append(1000 * (time.perf_counter() - begin))
    return {name: statistics.median(values) for name, values in taken.items()}
