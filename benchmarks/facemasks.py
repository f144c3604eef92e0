"""Time the drawing of face masks, and the whole path beside MaskTheFace's recipe, in one run.

    python benchmarks/facemasks.py --photos FOLDER [--templates PACK] [--count 200]

Prints a Markdown table for each number of threads:

- `facemasks.draw_random` from landmarks found beforehand, styles that are worn, one process;
- `masking.Masker` as users call it on a decoded photo: CenterFace, dlib's landmarks, drawing;
- the original recipe on the same photo, one after the other with ours: dlib's frontal HOG detector
  with one upsampling, 68 points, a template warped by a six-point homography. The template is
  drawn by `templates.TemplatePack`; without `--templates` by OpenCV alone, and plain;
- every style alone.

Wall time and, beside it, the processor time of the process, which other work on the machine slows
less: where the two differ with one thread, the machine was not quiet. Ratios are medians over
photos.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import facemasks, masking, photos
from mask2face.detectors import CenterFace
from mask2face.facemasks.template_points import six_points
from mask2face.facemasks.templates import TemplatePack
from mask2face.landmarks import Landmarker, on_face

STYLES = tuple(name for name in facemasks.FACEMASKS if name != "bare")
WORN = {name: share for name, share in facemasks.WEIGHTS.items() if name in STYLES}
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
LEAST_FACES_A_SECOND, LEAST_RATIO = 60, 3  # what this project set out for
PLAIN = (384, 512)  # height and width of the plain template, px
ANCHORS = np.array([(30, 90), (256, 12), (482, 90), (70, 290), (256, 372), (442, 290)], np.float32)

Pixels = NDArray[np.uint8]
Located = tuple[Pixels, NDArray[np.float32]]


class Original:
    """The recipe of MaskTheFace on one photo: find, 68 points, warp.

    Args:
        landmarker: dlib's 68 points; only its predictor is used.
        pack: folder of the templates, None for a plain one.
    """

    def __init__(self, landmarker: Landmarker, pack: Path | None) -> None:
        import dlib

        self._find = dlib.get_frontal_face_detector()
        self._predictor = landmarker._predictor  # the same file, without our box's shape
        self._pack = TemplatePack.open(pack) if pack else None

    def __call__(self, photo: Pixels, rng: np.random.Generator) -> Pixels:
        """Return the photo with a template on every face found."""
        for box in self._find(photo, 1):
            parts = self._predictor(photo, box).parts()
            points = np.array([(part.x, part.y) for part in parts], np.float64)
            if self._pack:
                name = self._pack.names[int(rng.integers(len(self._pack.names)))]
                photo = self._pack.draw(name, photo, points, rng).photo
            else:
                photo = plain(photo, points)
        return photo


def plain(photo: Pixels, points: NDArray[np.float64]) -> Pixels:
    """Return the photo with a pale template warped onto six points and blended."""
    template = np.zeros((*PLAIN, 4), np.uint8)
    outline = ANCHORS[[0, 1, 2, 5, 4, 3]].astype(np.int32)
    cv2.fillPoly(template, [outline], (200, 220, 235, 255), cv2.LINE_AA)
    matrix = cv2.findHomography(ANCHORS, six_points(points).astype(np.float32))[0]
    height, width = photo.shape[:2]
    laid = cv2.warpPerspective(template, matrix, (width, height)).astype(np.float32)
    alpha = laid[..., 3:] / 255
    return (photo * (1 - alpha) + laid[..., :3] * alpha).astype(np.uint8)


def spread(folder: Path, count: int) -> list[Path]:
    """Return `count` photos of a folder and those below it, evenly spread over their names."""
    found = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in photos.READABLE_SUFFIXES
    )
    if not found:
        raise SystemExit(f"no photo in {folder}")
    return [found[index * len(found) // count] for index in range(min(count, len(found)))]


def located(pictures: Sequence[Pixels], landmarker: Landmarker) -> list[Located]:
    """Return each photo whose surest face CenterFace finds, with its landmarks."""
    detector = CenterFace("cpu")
    faces = [(photo, detector(photo)) for photo in pictures]
    return [(photo, on_face(photo, found[0], landmarker)[0]) for photo, found in faces if found]


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Return wall time and processor time of a call, ms."""
    began, worked = time.perf_counter(), time.process_time()
    call()
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)


def row(label: str, taken: Sequence[tuple[float, float]], note: str = "") -> str:
    """Return a line of the table: median, quantiles, and how many a second by the mean."""
    wall, worked = np.array(taken).T
    low, middle, high = np.quantile(wall, (0.1, 0.5, 0.9))
    cells = [label, f"{middle:.1f}", f"{low:.1f}", f"{high:.1f}", f"{1000 / wall.mean():.0f}"]
    cells += [f"{np.median(worked):.1f}", f"{1000 / worked.mean():.0f}", note]
    return f"| {' | '.join(cells)} |"


def header() -> str:
    """Return the head of the table."""
    names = ("what", "ms", "10 %", "90 %", "a second", "CPU ms", "a CPU second", "note")
    return f"| {' | '.join(names)} |\n{'|---' * len(names)}|"


def drawn(faces: Sequence[Located]) -> list[tuple[float, float]]:
    """Return ms a face, of styles as often as in training, but always one that is worn."""
    taken = []
    for number, (photo, points) in enumerate(faces):

        def call(photo: Pixels = photo, points: Any = points, seed: int = number) -> None:  # noqa: ANN401
            facemasks.draw_random(photo, points, np.random.default_rng(seed), WORN)

        taken.append(timed(call))
    return taken


def whole_path(
    pictures: Sequence[Pixels], masker: masking.Masker, original: Original
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return ms a photo of ours and of the original recipe, in turn on each photo."""
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    for seed, photo in enumerate(pictures):
        calls = (
            (ours, lambda photo=photo, seed=seed: masker(photo, seed=seed)),
            (theirs, lambda photo=photo, seed=seed: original(photo, np.random.default_rng(seed))),
        )
        for taken, call in calls if seed % 2 else calls[::-1]:
            taken.append(timed(call))
    return ours, theirs


def measure(arguments: argparse.Namespace) -> None:
    """Measure with the threads of this process and print a table."""
    cv2.setNumThreads(arguments.threads[0])
    pictures = [photos.read(path).pixels for path in spread(arguments.photos, arguments.count)]
    landmarker = Landmarker()
    faces = located(pictures, landmarker)
    masker = masking.Masker(device="cpu")
    # ONNX Runtime heeds no environment variable
    masker._detector = CenterFace("cpu", threads=arguments.threads[0], shrink=masking.SEARCH)
    original = Original(landmarker, arguments.templates)
    for warm in (pictures[0], pictures[-1]):
        masker(warm), original(warm, np.random.default_rng(0))
    drawn(faces[:5])
    alone = drawn(faces)
    ours, theirs = whole_path(pictures, masker, original)
    ratio, worked = np.median(np.array(theirs) / np.array(ours), axis=0)
    sizes = sorted({photo.shape[:2] for photo in pictures})
    print(f"\n{arguments.threads[0]} thread(s), {len(pictures)} photos of {sizes[0]}", end="")
    print(f"{f' to {sizes[-1]}' if len(sizes) > 1 else ''} px, {len(faces)} with a face; ", end="")
    print(f"load before {arguments.load:.1f} on {os.cpu_count()} cores, {platform.machine()}\n")
    print(header())
    verdict = f"target: {LEAST_FACES_A_SECOND} faces/s"
    print(row("draw_random from known landmarks", alone, verdict))
    note = f"original / ours: {ratio:.2f}, of CPU time {worked:.2f}; target: {LEAST_RATIO}"
    print(row("whole path: CenterFace, landmarks, draw", ours, note))
    kind = "template pack" if arguments.templates else "plain template"
    print(row("original recipe: HOG, landmarks, homography", theirs, kind))
    for style in STYLES:
        print(row(f"style {style}", of_style(style, faces[: arguments.each])))


def of_style(style: str, faces: Sequence[Located]) -> list[tuple[float, float]]:
    """Return ms a face of one style after one call to warm up."""
    taken = []
    for number, (photo, points) in enumerate([faces[0], *faces]):
        rng = np.random.default_rng(number)
        taken.append(timed(lambda p=photo, q=points, r=rng: facemasks.draw(style, p, q, r)))
    return taken[1:]


def main() -> None:
    """Measure in a fresh process for each number of threads: pools are made when libraries load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder, searched through")
    parser.add_argument("--templates", type=Path, help="template pack in MaskTheFace's format")
    parser.add_argument("--count", type=int, default=200, help="photos; default 200")
    parser.add_argument("--each", type=int, default=40, help="faces for each style; default 40")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="default 1 2")
    parser.add_argument("--load", type=float, help=argparse.SUPPRESS)  # set: measure here
    arguments = parser.parse_args()
    if arguments.load is not None:
        measure(arguments)
        return
    load = os.getloadavg()[0]
    for threads in arguments.threads:
        environment = os.environ | dict.fromkeys(POOLS, str(threads))
        command = [sys.executable, __file__, *sys.argv[1:], "--threads", str(threads)]
        command += ["--load", str(load)]
        subprocess.run(pinned(command, threads), env=environment, check=True)


def pinned(command: list[str], threads: int) -> list[str]:
    """Return the command that runs on so many cores only, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        return command
    cores = sorted(os.sched_getaffinity(0))[:threads]
    start = "import os, sys; os.sched_setaffinity(0, {}); os.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-c", start.format(set(cores)), *command]


if __name__ == "__main__":
    main()
