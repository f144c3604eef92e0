"""A clean crop -> a training pair: wobble, mirror, draw a face mask, degrade, shrink.

Training draws pairs as it goes; `draw_pairs` draws those of splits once, into a pair folder.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.clean import CleanCrop
from mask2face.crops import CropCache
from mask2face.errors import DataError, OutputError
from mask2face.facemasks import Drawn, degrade, draw_random
from mask2face.faces import align, cut, transform
from mask2face.landmarks import MIRRORED
from mask2face.pair_rows import Pair, PairRow, row_of, write_pictures
from mask2face.pairs import PairFolder, PairWriter
from mask2face.parallel import in_order
from mask2face.progress import track
from mask2face.splits import generator

DRAWING_SIDE: Final = 128  # px, at least: strings and pleats of smaller drawings break up
WOBBLE: Final = 0.05  # standard deviation of an eye point, in eye distances

Draw = Callable[[NDArray[np.uint8], NDArray[np.float32], np.random.Generator], Drawn]


def drawn_pair(
    clean: CleanCrop,
    side: int,
    rng: np.random.Generator,
    wobble: float = WOBBLE,
    draw: Draw = draw_random,
    *,
    span: float | None = None,
    blur: float = 0.0,
) -> Pair:
    """Draw one pair.

    Args:
        clean: the face.
        side: S of the pair, px.
        rng: source of all randomness.
        wobble: standard deviation of each eye point in eye distances, as the detector's wobble.
        draw: draws the face mask.
        span: side of the pair in heights of the face's box; None = as `faces.align` has it, which
            the shipped models are trained on.
        blur: standard deviation of a blur of the whole input, px of the pair; 0 = none.

    Raises:
        ValueError: `side` is below 8, `span` not above 0, `wobble` or `blur` negative.
    """
    if side < 8 or wobble < 0 or blur < 0 or (span is not None and span <= 0):
        raise ValueError(
            "expected side >= 8, wobble >= 0, blur >= 0 and span > 0, "
            f"got side={side}, wobble={wobble}, blur={blur}, span={span}"
        )
    large = max(side, DRAWING_SIDE)
    matrix, mirrored = _wobbled(clean, side, rng, wobble, span)
    zoom = large / side
    matrix = matrix * zoom
    matrix[:, 2] += (zoom - 1) / 2  # shrinking puts the middle of zoom x zoom pixels into one
    points = transform(clean.landmarks, matrix)
    if mirrored:
        points = points[list(MIRRORED)]
    bare = cut(clean.crop, matrix, large)
    drawn = draw(bare, points, rng)
    masked = drawn.photo
    if blur:
        masked = np.asarray(cv2.GaussianBlur(masked, (0, 0), blur * zoom), np.uint8)
    masked, bare = degrade(masked, bare if drawn.bare is None else drawn.bare, rng)
    if large == side:
        return Pair(masked, bare, drawn.hole, drawn.style, drawn.options, points)
    return Pair(
        shrink(masked, side),
        shrink(bare, side),
        np.clip(cv2.resize(drawn.hole, (side, side), interpolation=cv2.INTER_AREA), 0, 1),
        drawn.style,
        drawn.options,
        ((points + 0.5) / zoom - 0.5).astype(np.float32),
    )


def draw_pairs(
    cache: CropCache,
    counts: Mapping[str, int | None],
    out: str | Path,
    side: int,
    seed: int = 0,
    *,
    wobble: float = WOBBLE,
    draw: Draw = draw_random,
    span: float | None = None,
    blur: float = 0.0,
    facts: Mapping[str, Any] | None = None,
    workers: int = 0,
) -> PairFolder:
    """Draw pairs of clean crops into a pair folder.

    Each photo's face mask depends on (seed, photo) only: not on the other photos, and not on the
    number of workers. A folder that was left half-way with the same settings, killed at whatever
    moment, is continued: the files end up the same byte for byte.

    Args:
        cache: clean crops.
        counts: split -> at most so many photos, the first in the cache; None for all.
        out: the pair folder.
        side: S of the pairs, px.
        seed: of the drawings.
        wobble: see `drawn_pair`.
        draw: draws the face mask; picklable when there are workers.
        span: see `drawn_pair`.
        blur: see `drawn_pair`.
        facts: anything more to keep in `meta.json`, such as what `draw` draws.
        workers: processes that draw; 0 draws in this one.

    Raises:
        DataError: the cache has no photo for a split that is asked for.
        OutputError: `out` cannot be written or continued.
        WorkerDiedError: a process was killed.
    """
    indices = {split: cache.indices(split)[:count].tolist() for split, count in counts.items()}
    for split, found in indices.items():
        if not found and counts[split] != 0:
            raise DataError(f"the crop cache {str(cache.folder)!r} has no photo in {split!r}")
    origin = {key: cache.meta[key] for key in ("seed", "side", "photos", "counts")}
    asked = {"seed": seed, "wobble": wobble, "pairs": {key: len(indices[key]) for key in indices}}
    asked |= {"span": span, "blur": blur, "crops": origin} | dict(facts or {})
    writer = PairWriter(out, side, asked)
    jobs = [index for found in indices.values() for index in found]
    todo = [index for index in jobs if _name(index) not in writer]
    settings = partial(drawn_pair, side=side, wobble=wobble, draw=draw, span=span, blur=blur)
    start = partial(_opened, cache.folder, writer.folder, seed, settings)
    for row in track(in_order(start, todo, workers), len(todo), "pairs"):
        writer.add(row)
    return writer.finish()


@dataclass(frozen=True)
class _Freezer:
    """Draws pairs of a cache and writes their pictures; the rows are written by one process."""

    cache: CropCache
    folder: Path
    seed: int
    drawn: Callable[..., Pair]

    def __call__(self, index: int) -> PairRow:
        row = self.cache.rows[index]
        pair = self.drawn(self.cache[index], rng=generator(self.seed, row["photo"]))
        try:
            write_pictures(self.folder, _name(index), pair)
        except OSError as error:
            raise OutputError(f"cannot write the pair {_name(index)!r}: {error}") from error
        return row_of(_name(index), pair, row["identity"], row["dataset"], row["split"])


def _opened(cache: Path, folder: Path, seed: int, drawn: Callable[..., Pair]) -> _Freezer:
    return _Freezer(CropCache.open(cache), folder, seed, drawn)


def _name(index: int) -> str:
    return f"{index:06d}"


def shrink(photo: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return `photo` (S, S, 3) averaged down to (side, side, 3)."""
    small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def _wobbled(
    clean: CleanCrop, side: int, rng: np.random.Generator, wobble: float, span: float | None
) -> tuple[NDArray[np.float64], bool]:
    """Return the alignment by eyes that moved, of the crop or of its mirror image."""
    eyes = clean.eyes.astype(np.float64)
    eyes += wobble * np.hypot(*(eyes[1] - eyes[0])) * rng.standard_normal((2, 2))
    height = clean.height * float(np.exp(wobble * rng.standard_normal()))
    mirrored = bool(rng.random() < 0.5)
    if not mirrored:
        return _align(eyes, height, side, span), False
    last = clean.crop.shape[1] - 1
    eyes[:, 0] = last - eyes[:, 0]
    matrix = _align(eyes[::-1], height, side, span)
    # the mirror x -> last - x first, then the alignment of the mirror image
    matrix[:, 2] += matrix[:, 0] * last
    matrix[:, 0] *= -1
    return matrix, True


def _align(
    eyes: NDArray[np.float64], height: float, side: int, span: float | None
) -> NDArray[np.float64]:
    """Return `faces.align`, scaled about the crop's middle until it spans `span` box heights."""
    matrix = align(eyes, height, side)
    if span is not None:
        zoom = side / (span * height) / float(np.hypot(*matrix[:, 0]))
        middle = (side - 1) / 2
        matrix = matrix * zoom
        matrix[:, 2] += (1 - zoom) * middle
    return matrix
