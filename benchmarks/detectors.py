"""Our own face detector beside CenterFace, in one run, the two called in turn.

    python benchmarks/detectors.py --real PHOTOS --lfw LFW_ROOT --out FOLDER

Writes FOLDER/detectors.json and, to be looked at, FOLDER/only_*.png: numbered pictures of each face
that one of the two alone found in the real photos. Prints what was found:

- real photos of people in face masks (no truth): photos with a face, faces, agreement;
- people of LFW whom no training saw (`splits`, test), bare and with drawn face masks, as they are
  and in groups at several sizes; the truth is dlib's eyes on the bare photo;
- pictures without a face, made of what is around the faces of these photos: false faces;
- how still eyes and box stay under small changes, and how far the eyes are from dlib's;
- time of a photo with 1 and 2 threads.
"""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from detector_measures import Detector, Known, Photo, eye_error, jitter, paired, recall, times
from detector_sheets import write_sheets
from numpy.typing import NDArray

from mask2face import photos
from mask2face.datasets import DATASETS
from mask2face.datasets.record import photo_files
from mask2face.detectors import CenterFace
from mask2face.detectors.own import Own
from mask2face.facemasks import draw_random
from mask2face.faces import Face
from mask2face.landmarks import EYES_AGREE, Landmarker, eye_centres, on_face
from mask2face.splits import split

THRESHOLD = 0.4  # `pipeline.Unmasker`'s, for CenterFace
SIZES = (12, 16, 24, 48, 96)  # px, heights of faces in groups
GROUP = (480, 640)  # px, height and width of a group's picture


def test_people(root: Path, count: int) -> list[tuple[Photo, Photo, Face, NDArray[np.float64]]]:
    """Return photos of LFW's test people: bare, masked, CenterFace's face, dlib's eyes."""
    records = DATASETS["lfw"].photos(root)
    splits = split(records, test=1000)
    chosen = [record for record in records if splits[record.identity] == "test"]
    finder, landmarker = CenterFace("cpu", threads=2), Landmarker()
    found = []
    for number, record in enumerate(chosen[:: max(1, len(chosen) // count)][:count]):
        photo = photos.read(record.path).pixels
        faces = finder(photo)
        middle = np.array(photo.shape[1::-1]) / 2
        face = min(
            faces,
            key=lambda one: float(np.hypot(*(one.landmarks.mean(0) - middle))),
            default=None,
        )
        if face is None:
            continue
        points, off = on_face(photo, face, landmarker)
        if off <= EYES_AGREE:
            weights = {"surgical": 3.0, "cloth": 3.0, "kn95": 1.0, "n95": 1.0, "respirator": 0.5}
            masked = draw_random(photo, points, np.random.default_rng(number), weights).photo
            found.append((photo, masked, face, eye_centres(points).astype(np.float64)))
    return found


def group(
    people: Sequence[tuple[Photo, Face, NDArray[np.float64]]], size: int, rng: np.random.Generator
) -> Known:
    """Return a picture of many people, their faces `size` px high."""
    height, width = GROUP
    cell = round(2.2 * size)
    picture = np.full((height, width, 3), 90, np.uint8)
    eyes = []
    for y in range(0, height - cell + 1, cell):
        for x in range(0, width - cell + 1, cell):
            photo, face, truth = people[int(rng.integers(len(people)))]
            zoom = size / (face.box[3] - face.box[1])
            small = cv2.resize(photo, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
            factors = np.array(small.shape[1::-1]) / np.array(photo.shape[1::-1])
            middle = (np.array(face.box[:2]) + np.array(face.box[2:])) / 2 * factors
            corner = np.maximum(np.rint(middle - cell / 2), 0).astype(int)
            part = small[corner[1] : corner[1] + cell, corner[0] : corner[0] + cell]
            picture[y : y + part.shape[0], x : x + part.shape[1]] = part
            eyes.append((truth + 0.5) * factors - 0.5 - corner + (x, y))
    return Known(picture, np.array(eyes))


def faceless(
    people: Sequence[tuple[Photo, Photo, Face, Any]], finders: Sequence[Detector], count: int
) -> list[Photo]:
    """Return pictures of 4 x 3 parts of photos that no detector sees a face near, even unsurely."""
    rng = np.random.default_rng(5)
    made = []
    for _ in range(count):
        picture = np.zeros((480, 640, 3), np.uint8)
        for y in range(0, 480, 160):
            for x in range(0, 640, 160):
                part = None
                while part is None:
                    part = _free(people[int(rng.integers(len(people)))][0], finders, rng)
                picture[y : y + 160, x : x + 160] = cv2.resize(part, (160, 160))
        made.append(picture)
    return made


def _free(photo: Photo, finders: Sequence[Detector], rng: np.random.Generator) -> Photo | None:
    side = int(rng.integers(40, 100))
    x, y = int(rng.integers(photo.shape[1] - side)), int(rng.integers(photo.shape[0] - side))
    for finder in finders:
        for face in finder(photo):
            x0, y0, x1, y1 = face.box
            if x0 < x + side and x1 > x and y0 < y + side and y1 > y:
                return None
    return photo[y : y + side, x : x + side]


def real(detectors: dict[str, Detector], folder: Path, out: Path) -> dict[str, Any]:
    """Count faces on real photos and write sheets of what one detector alone found."""
    sums: dict[str, Any] = {f"{name}_photos": 0 for name in detectors}
    sums |= {f"{name}_faces": 0 for name in detectors} | {"photos": 0, "both": 0}
    alone: dict[str, list[tuple[str, Photo, Face]]] = {name: [] for name in detectors}
    for path in photo_files(folder.iterdir()):
        photo = photos.read(path).pixels
        sums["photos"] += 1
        faces = {name: detector(photo) for name, detector in detectors.items()}
        for name, found in faces.items():
            sums[f"{name}_photos"] += bool(found)
            sums[f"{name}_faces"] += len(found)
        both, *rest = paired(*faces.values())
        sums["both"] += len(both)
        for name, found in zip(detectors, rest, strict=True):
            alone[name] += [(path.stem, photo, face) for face in found]
    for name, found in alone.items():
        sums[f"only_{name}"] = len(found)
        write_sheets(found, out / f"only_{name}")
    return sums


def on_people(detectors: dict[str, Detector], people: Any) -> dict[str, Any]:  # noqa: ANN401
    """Measure recall, error and jitter on bare and masked people and groups of them."""
    results: dict[str, Any] = {}
    for kind, place in (("bare", 0), ("masked", 1)):
        singles = [Known(one[place], one[3][None]) for one in people]
        parts = [(one[place], one[2], one[3]) for one in people]
        for name, detector in detectors.items():
            mine = {"single": recall(detector, singles)}
            for size in SIZES:
                rng = np.random.default_rng(size)
                groups = [group(parts, size, rng) for _ in range(1 + size // 16)]
                mine[f"group of {size} px"] = recall(detector, groups)
            error = eye_error(detector, singles)
            mine["eye error"] = {
                "median": float(np.median(error)),
                "95": float(np.quantile(error, 0.95)),
            }
            results[f"{kind} {name}"] = mine
        results[f"jitter {kind}"] = jitter(detectors, [one[place] for one in people[::4]])
    return results


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=None, help="of our own detector")
    parser.add_argument("--threshold", type=float, default=THRESHOLD, help="of our own detector")
    parser.add_argument("--count", type=int, default=400, help="people of LFW")
    parser.add_argument("--rounds", type=int, default=2, help="of the timing")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)

    def both(threads: int) -> dict[str, Callable[[Photo], list[Face]]]:
        own = Own("cpu", given.threshold, threads=threads, weights=given.weights)
        return {"own": own, "centerface": CenterFace("cpu", THRESHOLD, threads=threads)}

    detectors = both(2)
    people = test_people(given.lfw, given.count)
    results: dict[str, Any] = {"real": real(detectors, given.real, given.out)}
    results |= on_people(detectors, people)
    unsure = [Own("cpu", 0.15, weights=given.weights), CenterFace("cpu", 0.15)]
    empty = faceless(people, unsure, 25)
    results["faceless"] = {
        name: sum(len(detector(picture)) for picture in empty)
        for name, detector in detectors.items()
    } | {"pictures": len(empty)}
    some = [photos.read(path).pixels for path in photo_files(given.real.iterdir())[:40]]
    results["jitter real"] = jitter(detectors, some)
    for threads in (1, 2):
        taken = times(both(threads), some, given.rounds)
        results[f"ms, {threads} threads"] = taken | {"ratio": taken["centerface"] / taken["own"]}
    text = json.dumps(results, indent=1)
    (given.out / "detectors.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
