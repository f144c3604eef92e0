"""A crop cache or a pair folder -> one picture of its pairs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.crops import CropCache
from mask2face.drawing import drawn_pair
from mask2face.errors import DataError
from mask2face.masking import STATEMENT
from mask2face.pairs import PairFolder
from mask2face.splits import SPLITS, generator

_COLUMNS = 8  # pairs in a row of the picture

Row = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]


def sheet(data: Path, count: int, side: int, seed: int) -> NDArray[np.uint8]:
    """Return a picture of pairs chosen by `seed`: face mask, bare face and hole under each other.

    Args:
        data: a crop cache, whose pairs are drawn now, or a pair folder.
        count: of the pairs, at most.
        side: of the pairs drawn from a cache, px.
        seed: of the choice and of the drawings.

    Raises:
        DataError: `data` is neither.
    """
    found = _stored(data, count, seed) if is_pairs(data) else _drawn(data, count, side, seed)
    triples = [np.vstack([inp, out, _grey(hole)]) for inp, out, hole in found]
    if not triples:
        raise DataError(f"{str(data)!r} has no pairs to show")
    blank = np.full_like(triples[0], 255)
    triples += [blank] * (-len(triples) % min(_COLUMNS, len(triples)))
    columns = min(_COLUMNS, len(triples))
    rows = [np.hstack(triples[i : i + columns]) for i in range(0, len(triples), columns)]
    return np.vstack(rows).astype(np.uint8)


def is_pairs(data: Path) -> bool:
    """Say whether a folder is a pair folder rather than a crop cache."""
    return (data / "pairs.jsonl").exists()


def write(picture: NDArray[np.uint8], out: Path, overwrite: bool) -> None:
    """Write the picture, marked.

    Raises:
        OutputError: `out` is there, or cannot be written.
    """
    plain = photos.Photo(picture, xmp=provenance.mark(None, STATEMENT, provenance.DRAWN))
    photos.write(replace(plain, format="PNG"), out, overwrite=overwrite)


def _stored(data: Path, count: int, seed: int) -> list[Row]:
    folder = PairFolder.open(data)
    split = max(SPLITS, key=lambda name: len(folder.of(name)))
    # load() reads the first ones; a pair folder is in the order of its photos
    inputs, outputs, holes, _ = folder.load(split, count)
    order = generator(seed, "preview").permutation(len(inputs))
    return [(inputs[i], outputs[i], holes[i]) for i in order]


def _drawn(data: Path, count: int, side: int, seed: int) -> list[Row]:
    cache = CropCache.open(data)
    chosen = generator(seed, "preview").permutation(len(cache))[:count]
    found = []
    for index in chosen:
        rng = generator(seed, cache.rows[index]["photo"])
        pair = drawn_pair(cache[int(index)], side, rng)
        found.append((pair.input, pair.output, pair.hole))
    return found


def _grey(hole: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.repeat(np.rint(hole * 255).astype(np.uint8)[..., None], 3, 2)
