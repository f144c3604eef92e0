"""How far CenterFace's eyes and box move when the same face puts on a face mask.

    python benchmarks/wobble.py --lfw PATH_OF_LFW --count 300

Prints the shift of the eye points in eye distances (mean and standard deviation along and across
the line of the eyes) and the ratio of the box heights. `drawing.WOBBLE` comes from here.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.datasets import DATASETS
from mask2face.detectors import CenterFace
from mask2face.facemasks import draw_random
from mask2face.faces import Face
from mask2face.landmarks import Landmarker


def nearest(faces: list[Face], eyes: NDArray[np.float32]) -> Face | None:
    """Return the face whose eyes are nearest to `eyes`, within one eye distance."""
    reach = float(np.hypot(*(eyes[1] - eyes[0])))
    near = [face for face in faces if np.abs(face.landmarks[:2] - eyes).max() < reach]
    return min(near, key=lambda face: float(np.abs(face.landmarks[:2] - eyes).sum()), default=None)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    given = parser.parse_args()
    records = DATASETS["lfw"].photos(given.lfw)
    rng = np.random.default_rng(0)
    detector, landmarker = CenterFace("cpu", threads=1), Landmarker()
    shifts, ratios, lost = [], [], 0
    for index in rng.choice(len(records), given.count, replace=False):
        pixels = photos.read(records[index].path).pixels
        bare = detector(pixels)
        if not bare:
            continue
        eyes = bare[0].landmarks[:2]
        drawn = draw_random(pixels, landmarker(pixels, bare[0].box), rng)
        if drawn.style in ("bare", "scarf"):
            continue
        again = nearest(detector(drawn.photo), eyes)
        if again is None:
            lost += 1
            continue
        along = (eyes[1] - eyes[0]) / np.hypot(*(eyes[1] - eyes[0])) ** 2
        moved = again.landmarks[:2] - eyes
        shifts.append(np.stack([moved @ along, moved @ np.array([-along[1], along[0]])], 1))
        ratios.append((again.box[3] - again.box[1]) / (bare[0].box[3] - bare[0].box[1]))
    found = np.array(shifts)  # (faces, eye, along/across)
    print(f"{len(found)} faces in face masks, {lost} not found again")
    print("mean shift (eye distances), left eye and right eye, along and across:")
    print(found.mean(0).round(4))
    print("standard deviation:")
    print(found.std(0).round(4))
    print(f"box height ratio: mean {np.mean(ratios):.3f}, deviation {np.std(np.log(ratios)):.3f}")


if __name__ == "__main__":
    main()
