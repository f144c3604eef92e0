"""A crop cache -> a folder of small files that travels: shards of WebP pictures, points and rows.

`index.json` names every file with its size and SHA-256; `crops-000.npz` and its like hold pictures
(`sizes` int64 (n,), bytes of each; `data` uint8, all of them one after the other), `points.npz` the
points, `crops.jsonl` and `refused.jsonl` the rows. `unpacking` is the way back.
"""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.crops import CropCache
from mask2face.drawing import shrink
from mask2face.errors import DataError, OutputError
from mask2face.files import renamed, write
from mask2face.parallel import in_order
from mask2face.progress import track
from mask2face.registry import lookup
from mask2face.splits import SPLITS

FORMAT: Final = "mask2face packed crops 1"
QUALITY: Final = 90  # of WebP, 1 to 100
SHARD: Final = 14 * 2**20  # bytes
_ROOM: Final = 4096  # bytes of a shard that are no pictures


def pack(
    cache: str | Path,
    out: str | Path,
    *,
    quality: int = QUALITY,
    shard: int = SHARD,
    side: int | None = None,
    splits: Sequence[str] = SPLITS,
    workers: int = 2,
) -> dict[str, Any]:
    """Pack a crop cache, or go on where the same packing was stopped.

    Args:
        cache: folder of the crop cache; it stays as it is.
        out: the folder to make.
        quality: of the WebP pictures, 1 to 100; they are lossy.
        shard: no file of pictures is larger, bytes; a picture alone may be.
        side: of the packed crops, px; None keeps the cache's, smaller ones are averaged down.
        splits: which splits to take.
        workers: processes; 0 works in this one.

    Returns:
        The index, as `index.json` holds it.

    Raises:
        DataError: the cache is missing or broken, or has no crops in `splits`.
        OutputError: `out` holds something else, or cannot be written.
        UnknownNameError: a split that does not exist.
    """
    opened, out = CropCache.open(cache), Path(out)
    chosen = _chosen(opened, splits)
    side = side or opened.meta["side"]
    if not (1 <= quality <= 100 and 8 <= side <= opened.meta["side"] and shard > _ROOM):
        raise ValueError(
            f"expected quality 1 to 100, side 8 to {opened.meta['side']} and shard above {_ROOM}, "
            f"got quality={quality}, side={side}, shard={shard}"
        )
    how = {"codec": "webp", "quality": quality, "side": opened.meta["side"]}
    how |= {"splits": [name for name in SPLITS if name in splits]}
    meta = _meta(opened, chosen, side) | {"packed": how}
    index = _begin(out, {"crops": len(chosen), "shard": shard, "meta": meta})
    _write_facts(out, index, opened, chosen, side)
    packed = sum(entry.get("crops", 0) for entry in index["files"].values())
    start = partial(_encoder, opened.folder, side, quality)
    todo = chosen[packed:].tolist()
    pictures = track(in_order(start, todo, workers), len(todo), "packed")
    for data in _shards(pictures, shard - _ROOM):
        number = sum("crops" in entry for entry in index["files"].values())
        arrays: dict[str, NDArray[Any]] = {
            "sizes": np.array(list(map(len, data)), np.int64),
            "data": np.frombuffer(b"".join(data), np.uint8),
        }
        file = _npz(np.savez, arrays)
        _add(out, index, f"crops-{number:03d}.npz", file, first=packed, crops=len(data))
        packed += len(data)
    return index


def read_index(folder: Path) -> dict[str, Any]:
    """Read the index of a packed cache.

    Raises:
        DataError: it is missing, broken, of another format, of a packing that was stopped, or
            names a file in another folder.
    """
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(folder)!r} is no packed crop cache, its index.json is missing or broken "
            f"({error}): make it with  mask2face dataset pack"
        ) from error
    if not isinstance(index, dict) or index.get("format") != FORMAT:
        raise DataError(
            f"{str(folder)!r} is not packed as this version does it ({FORMAT!r}): pack it again"
        )
    try:
        packed = sum(entry.get("crops", 0) for entry in index["files"].values())
        whole = packed == index["crops"] and index["meta"]["side"] > 0
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"index.json of {str(folder)!r} is broken: pack it again") from error
    for name in index["files"]:
        if name in ("", "..") or PureWindowsPath(name).name != name:  # knows both slashes
            raise DataError(
                f"index.json of {str(folder)!r} names {name!r}, which is no plain file name: "
                "pack the cache again"
            )
    if not whole:
        raise DataError(
            f"{str(folder)!r} holds {packed} of {index['crops']} crops: run  mask2face dataset "
            "pack  again, it goes on"
        )
    return index


def digest(data: bytes) -> str:
    """Return the SHA-256 of a file's bytes, as the index has it."""
    return hashlib.sha256(data).hexdigest()


def _chosen(cache: CropCache, splits: Sequence[str]) -> NDArray[np.int64]:
    for name in splits:
        lookup("split", dict.fromkeys(SPLITS), name)
    chosen = np.flatnonzero([row["split"] in splits for row in cache.rows])
    if not len(chosen):
        raise DataError(f"the crop cache {str(cache.folder)!r} has no crops in {', '.join(splits)}")
    return chosen


def _meta(cache: CropCache, chosen: NDArray[np.int64], side: int) -> dict[str, Any]:
    """Return what `meta.json` of the unpacked cache will say."""
    counts = Counter(cache.rows[index]["split"] for index in chosen)
    return cache.meta | {"side": side, "counts": {name: counts[name] for name in SPLITS}}


def _begin(out: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the index of a new packing in `out`, or of the same one that was stopped."""
    index = {"format": FORMAT, **settings, "files": {}}
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not any(out.iterdir()):
            return index
        found = json.loads((out / "index.json").read_text(encoding="utf-8"))
        if isinstance(found, dict) and {**found, "files": {}} == index:
            return found
    except (FileNotFoundError, NotADirectoryError, FileExistsError, ValueError):
        pass
    except OSError as error:
        raise OutputError(f"cannot write the packed cache {str(out)!r}: {error}") from error
    raise OutputError(
        f"{str(out)!r} holds something else than the begin of this packing: choose another folder"
    )


def _write_facts(
    out: Path, index: dict[str, Any], cache: CropCache, chosen: NDArray[np.int64], side: int
) -> None:
    """Write points and rows; in a packing that goes on they must be those that are there."""
    zoom = side / cache.meta["side"]
    points: dict[str, NDArray[np.float32]] = {
        "landmarks": (cache.landmarks[chosen] + 0.5) * zoom - 0.5,
        "eyes": (cache.eyes[chosen] + 0.5) * zoom - 0.5,
        "heights": cache.heights[chosen] * zoom,
    }
    if zoom == 1:
        points = {key: getattr(cache, key)[chosen] for key in points}
    rows = [cache.rows[index] for index in chosen]
    facts = {
        "points.npz": _npz(
            np.savez_compressed, {key: value.astype(np.float32) for key, value in points.items()}
        ),
        "crops.jsonl": _lines(rows),
        "refused.jsonl": _lines(cache.refused()),
    }
    for name, data in facts.items():
        known = index["files"].get(name)
        if known is not None and known["sha256"] != digest(data):
            raise OutputError(
                f"{str(out)!r} is of another crop cache, or its cache was built again: "
                "choose another folder"
            )
        if known is None:
            _add(out, index, name, data)


def _lines(rows: Sequence[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _npz(save: Callable[..., None], arrays: dict[str, NDArray[Any]]) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def _add(out: Path, index: dict[str, Any], name: str, data: bytes, **facts: int) -> None:
    """Write a file, then the index that names it: what no index names is written anew."""
    write(data, out / name, overwrite=True)
    index["files"][name] = {"bytes": len(data), "sha256": digest(data), **facts}
    with renamed(out / "index.json") as part:
        part.write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")


def _shards(pictures: Iterator[bytes], most: int) -> Iterator[list[bytes]]:
    """Yield runs of pictures, each as long as `most` bytes allow, a picture's length counted."""
    held: list[bytes] = []
    size = 0
    for picture in pictures:
        if held and size + len(picture) + 8 > most:
            yield held
            held, size = [], 0
        held.append(picture)
        size += len(picture) + 8
    if held:
        yield held


@dataclass(frozen=True)
class _Encoder:
    cache: CropCache
    side: int
    quality: int

    def __call__(self, index: int) -> bytes:
        crop = np.array(self.cache.crops[index])
        if self.side != crop.shape[0]:
            crop = shrink(crop, self.side)
        file = io.BytesIO()
        Image.fromarray(crop).save(file, "WEBP", quality=self.quality, method=4)
        return file.getvalue()


def _encoder(folder: Path, side: int, quality: int) -> _Encoder:
    return _Encoder(CropCache.open(folder), side, quality)
