"""How much a still clip changes from frame to frame inside the hole, smoothed and not.

    python benchmarks/flicker.py

The clip: `skimage.data.astronaut()` in a drawn surgical face mask, 300 x 340 px, 24 frames at 25 a
second, each with its own sensor noise. Prints the mean absolute change between frames, of 255, over
the pixels that are hole in every frame; and the same of frames blurred before, which is what the
eye sees as flicker. The first frames, in which the smoothing begins, do not count.
"""

import argparse
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from mask2face import masking, mean_face
from mask2face.detectors import CenterFace
from mask2face.restorer import Restorer, find_model
from mask2face.video import FaceFiller, Filled

VIEW = (slice(0, 340), slice(76, 376))  # of the astronaut, px
BEGIN = 6  # frames
BLUR = 4.0  # px


def noisy(count: int, sigma: float) -> list[NDArray[np.uint8]]:
    """Return the clip's frames, RGB uint8 (340, 300, 3)."""
    masker = masking.Masker(lambda _, face: mean_face.guess(face), "cpu")
    still = masker(astronaut(), style="surgical", seed=0).photo[VIEW]
    rng = np.random.default_rng(0)
    frames = (still + sigma * rng.standard_normal(still.shape) for _ in range(count))
    return [np.clip(np.rint(frame), 0, 255).astype(np.uint8) for frame in frames]


def change(frames: list[NDArray[np.uint8]], inside: NDArray[np.bool_], blur: float) -> float:
    """Return the mean absolute change from frame to frame where `inside`, of 255."""
    seen = [frame.astype(np.float32) for frame in frames[BEGIN:]]
    if blur:
        seen = [cv2.GaussianBlur(frame, (0, 0), blur) for frame in seen]
    return float(np.mean([np.abs(a - b)[inside].mean() for a, b in pairwise(seen)]))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="name or ONNX file; default: natural")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--noise", type=float, default=4.0, help="of each pixel, sigma of 255")
    given = parser.parse_args()
    frames = noisy(given.frames, given.noise)
    times = [index / 25 for index in range(len(frames))]
    detector, restorer = CenterFace("cpu", threshold=0.4), Restorer(find_model(given.model))
    done: dict[str, list[Filled]] = {}
    for label, smoothing in (("each frame by itself", False), ("smoothed", True)):
        filler = FaceFiller(detector, restorer, restorer.card.side, smoothing=smoothing)
        done[label] = filler(frames, times)
    inside = np.min([one.hole for rows in done.values() for one in rows], axis=0) > 0.5
    clips = {"input": frames} | {key: [one.pixels for one in rows] for key, rows in done.items()}
    print(f"{inside.sum()} px of hole in every frame; mean change from frame to frame, of 255:")
    for label, pictures in clips.items():
        plain, blurred = (change(pictures, inside, blur) for blur in (0.0, BLUR))
        print(f"  {label}: {plain:.2f}, blurred {blurred:.2f}")


if __name__ == "__main__":
    main()
