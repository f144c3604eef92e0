"""A clean crop -> a training pair: wobble, mirror, draw a face mask, degrade, shrink.

Training draws pairs as it goes; `freeze` draws those of a split once, into a pair folder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.clean import CleanCrop
from mask2face.crops import CropCache
from mask2face.errors import DataError
from mask2face.facemasks import Drawn, degrade, draw_random
from mask2face.faces import align, cut, transform
from mask2face.landmarks import MIRRORED
from mask2face.pairs import Pair, PairFolder, PairWriter
from mask2face.progress import track
from mask2face.splits import generator

DRAWING_SIDE: Final = 128  # px, at least: strings and pleats of smaller drawings break up
WOBBLE: Final = 0.05  # standard deviation of an eye point, in eye distances

Draw = Callable[[NDArray[np.uint8], NDArray[np.float32], np.random.Generator], Drawn]


def draw_pair(
    crop: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    eyes: NDArray[np.float32],
    side: int,
    rng: np.random.Generator,
    wobble: float = WOBBLE,
    *,
    height: float,
    draw: Draw = draw_random,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
    """Draw one training pair from a clean crop; the training loader calls this.

    Args:
        crop: uint8 (C, C, 3) RGB.
        landmarks: float32 (68, 2), px of the crop.
        eyes: float32 (2, 2), the detector's eyes, px of the crop.
        side: S of the pair, px.
        rng: source of all randomness.
        wobble: standard deviation of each eye point in eye distances, as the detector's wobble.
        height: of the detector's box, px of the crop.
        draw: draws the face mask.

    Returns:
        Input and output uint8 (S, S, 3), hole float32 (S, S) in [0, 1].
    """
    clean = CleanCrop(crop, landmarks, eyes, height)
    pair = drawn_pair(clean, side, rng, wobble, draw)
    return pair.input, pair.output, pair.hole


def drawn_pair(
    clean: CleanCrop,
    side: int,
    rng: np.random.Generator,
    wobble: float = WOBBLE,
    draw: Draw = draw_random,
) -> Pair:
    """Draw one pair, with style, options and landmarks; see `draw_pair`.

    Raises:
        ValueError: `side` is below 8 or `wobble` is negative.
    """
    if side < 8 or wobble < 0:
        raise ValueError(f"expected side >= 8 and wobble >= 0, got side={side}, wobble={wobble}")
    large = max(side, DRAWING_SIDE)
    matrix, mirrored = _wobbled(clean, side, rng, wobble)
    zoom = large / side
    matrix = matrix * zoom
    matrix[:, 2] += (zoom - 1) / 2  # shrinking puts the middle of zoom x zoom pixels into one
    points = transform(clean.landmarks, matrix)
    if mirrored:
        points = points[list(MIRRORED)]
    bare = cut(clean.crop, matrix, large)
    drawn = draw(bare, points, rng)
    masked, bare = degrade(drawn.photo, bare, rng)
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


def freeze(
    cache: CropCache,
    split: str,
    out: str | Path,
    side: int,
    seed: int = 0,
    count: int | None = None,
    *,
    wobble: float = WOBBLE,
    draw: Draw = draw_random,
) -> PairFolder:
    """Draw the pairs of one split once, for validation and test; see `draw_pairs`."""
    return draw_pairs(cache, {split: count}, out, side, seed, wobble=wobble, draw=draw)


def draw_pairs(
    cache: CropCache,
    counts: Mapping[str, int | None],
    out: str | Path,
    side: int,
    seed: int = 0,
    *,
    wobble: float = WOBBLE,
    draw: Draw = draw_random,
    facts: Mapping[str, Any] | None = None,
) -> PairFolder:
    """Draw pairs of clean crops into a pair folder.

    Each photo's face mask depends on (seed, photo) only, not on the other photos. A folder that
    was left half-way with the same settings is continued.

    Args:
        cache: clean crops.
        counts: split -> at most so many photos, the first in the cache; None for all.
        out: the pair folder.
        side: S of the pairs, px.
        seed: of the drawings.
        wobble: see `draw_pair`.
        draw: draws the face mask.
        facts: anything more to keep in `meta.json`, such as what `draw` draws.

    Raises:
        DataError: the cache has no photo for a split that is asked for.
        OutputError: `out` cannot be written or continued.
    """
    indices = {split: cache.indices(split)[:count].tolist() for split, count in counts.items()}
    for split, found in indices.items():
        if not found and counts[split] != 0:
            raise DataError(f"the crop cache {str(cache.folder)!r} has no photo in {split!r}")
    origin = {key: cache.meta[key] for key in ("seed", "side", "photos", "counts")}
    asked = {"seed": seed, "wobble": wobble, "pairs": {key: len(indices[key]) for key in indices}}
    writer = PairWriter(out, side, asked | {"crops": origin} | dict(facts or {}))
    jobs = [(split, index) for split, found in indices.items() for index in found]
    for split, index in track(jobs, len(jobs), "pairs"):
        name, row = f"{index:06d}", cache.rows[index]
        if name in writer:
            continue
        pair = drawn_pair(cache[index], side, generator(seed, row["photo"]), wobble, draw)
        writer.write(name, pair, identity=row["identity"], dataset=row["dataset"], split=split)
    return writer.finish()


def shrink(photo: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return `photo` (S, S, 3) averaged down to (side, side, 3)."""
    small = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def _wobbled(
    clean: CleanCrop, side: int, rng: np.random.Generator, wobble: float
) -> tuple[NDArray[np.float64], bool]:
    """Return the alignment by eyes that moved, of the crop or of its mirror image."""
    eyes = clean.eyes.astype(np.float64)
    eyes += wobble * np.hypot(*(eyes[1] - eyes[0])) * rng.standard_normal((2, 2))
    height = clean.height * float(np.exp(wobble * rng.standard_normal()))
    mirrored = bool(rng.random() < 0.5)
    if not mirrored:
        return align(eyes, height, side), False
    last = clean.crop.shape[1] - 1
    eyes[:, 0] = last - eyes[:, 0]
    matrix = align(eyes[::-1], height, side)
    # the mirror x -> last - x first, then the alignment of the mirror image
    matrix[:, 2] += matrix[:, 0] * last
    matrix[:, 0] *= -1
    return matrix, True
