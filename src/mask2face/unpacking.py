"""What `packing` made -> the crop cache again, its files coming together or in several batches."""

import io
import json
import shutil
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.crops import CropCache
from mask2face.errors import DataError, OutputError
from mask2face.files import renamed, write
from mask2face.packing import digest, read_index
from mask2face.parallel import in_order
from mask2face.progress import track

_TASK: Final = 64  # crops that a worker decodes at once
_POINTS: Final = ("landmarks", "eyes", "heights")


def unpack(packed: str | Path, out: str | Path, *, workers: int = 2) -> tuple[str, ...]:
    """Unpack those files of a packed cache that are there.

    The cache appears under its name only when it is complete. Until then what was unpacked waits
    beside it, so that the files may come a few at a time, each time with the same `index.json`.

    Args:
        packed: folder with `index.json` and any of the files it names.
        out: the crop cache to make.
        workers: processes; 0 works in this one.

    Returns:
        Names of the files that are still missing; none when the cache is there.

    Raises:
        DataError: the index or a file is broken, or of another version.
        OutputError: `out` exists or cannot be written, or what waits beside it is of another
            packing.
    """
    packed, out = Path(packed), Path(out)
    index = read_index(packed)
    if out.exists():
        raise OutputError(f"{str(out)!r} exists: choose another folder, or remove it first")
    stage = out.with_name(f".{out.name}.part")
    try:
        done = _enter(stage, index)
        arrived = _arrived(packed, index, done)
        for name, data in arrived.items():
            if "crops" not in index["files"][name]:
                _take_facts(stage, name, data)
                _tick(stage, done, name)
        _decode(packed, stage, index, [name for name in arrived if name not in done], done, workers)
        missing = tuple(name for name in index["files"] if name not in done)
        if not missing:
            _finish(stage, out, index)
    except OSError as error:
        raise OutputError(f"cannot write the crop cache {str(out)!r}: {error}") from error
    return missing


def _enter(stage: Path, index: dict[str, Any]) -> list[str]:
    """Make the folder of what is unpacked so far, or enter it; return the files that are in it."""
    text = json.dumps(index, indent=1) + "\n"
    known = stage / "index.json"
    if known.exists():
        if known.read_text(encoding="utf-8") != text:
            raise OutputError(
                f"{str(stage)!r} holds parts of another packing: remove it, or choose another "
                "folder to unpack into"
            )
        found = stage / "done.json"
        return list(json.loads(found.read_text(encoding="utf-8"))) if found.exists() else []
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    with (stage / "crops.npy").open("wb") as file:
        shape = (index["crops"], index["meta"]["side"], index["meta"]["side"], 3)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + int(np.prod(shape)))
    write(text.encode(), known)
    return []


def _arrived(packed: Path, index: dict[str, Any], done: list[str]) -> dict[str, bytes]:
    """Return the files that are there and not unpacked; each must be what the index says.

    Files of pictures come without their bytes, which the workers read.
    """
    found = {}
    for name, entry in index["files"].items():
        if name in done or not (packed / name).exists():
            continue
        data = (packed / name).read_bytes()
        if len(data) != entry["bytes"] or digest(data) != entry["sha256"]:
            raise DataError(
                f"{name} of {str(packed)!r} is not the file that index.json names "
                f"({len(data)} bytes of {entry['bytes']}, or another SHA-256): copy it again"
            )
        found[name] = b"" if "crops" in entry else data
    return found


def _take_facts(stage: Path, name: str, data: bytes) -> None:
    if name != "points.npz":
        write(data, stage / name, overwrite=True)
        return
    with np.load(io.BytesIO(data), allow_pickle=False) as points:
        for key in _POINTS:
            with renamed(stage / f"{key}.npy") as part, part.open("wb") as file:
                np.save(file, points[key])


def _tick(stage: Path, done: list[str], name: str) -> None:
    done.append(name)
    write(json.dumps(done).encode(), stage / "done.json", overwrite=True)


def _finish(stage: Path, out: Path, index: dict[str, Any]) -> None:
    (stage / "meta.json").write_text(json.dumps(index["meta"], indent=1) + "\n", encoding="utf-8")
    CropCache.open(stage)
    (stage / "done.json").unlink()
    (stage / "index.json").unlink()
    stage.rename(out)


@dataclass(frozen=True)
class _Part:
    """Pictures `begin` to `end` of a file, of which the first is crop `first`."""

    path: Path
    first: int
    begin: int
    end: int


def _decode(
    packed: Path,
    stage: Path,
    index: dict[str, Any],
    names: list[str],
    done: list[str],
    workers: int,
) -> None:
    """Decode files of pictures into their places; each counts as done when all of it is."""
    parts = [
        _Part(packed / name, entry["first"], begin, min(begin + _TASK, entry["crops"]))
        for name in names
        for entry in [index["files"][name]]
        for begin in range(0, entry["crops"], _TASK)
    ]
    start = partial(_Decoder, stage / "crops.npy", index["meta"]["side"])
    results = track(in_order(start, parts, workers), len(parts), f"unpacked, by {_TASK}")
    for part, _ in zip(parts, results, strict=True):
        if part.end == index["files"][part.path.name]["crops"]:
            _tick(stage, done, part.path.name)


class _Decoder:
    """Decodes a part of a file of pictures and writes it into `crops.npy`, in any order."""

    def __init__(self, target: Path, side: int) -> None:
        self._target, self._side = target, side
        self._size = side * side * 3
        self._path: Path | None = None
        self._sizes: NDArray[np.int64] = np.empty(0, np.int64)
        self._data = b""

    def __call__(self, part: _Part) -> None:
        if part.path != self._path:
            self._read(part.path)
        ends = np.cumsum(self._sizes)
        crops = [
            self._picture(self._data[int(ends[number] - self._sizes[number]) : int(ends[number])])
            for number in range(part.begin, part.end)
        ]
        try:
            with self._target.open("r+b") as file:
                np.lib.format.read_magic(file)
                np.lib.format.read_array_header_1_0(file)
                file.seek(file.tell() + (part.first + part.begin) * self._size)
                file.write(b"".join(crops))
        except OSError as error:
            raise OutputError(f"cannot write {str(self._target)!r}: {error}") from error

    def _read(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self._sizes, self._data = arrays["sizes"], arrays["data"].tobytes()
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(f"{path.name} is not packed as expected ({error})") from error
        self._path = path

    def _picture(self, data: bytes) -> bytes:
        try:
            with Image.open(io.BytesIO(data), formats=("WEBP",)) as picture:
                pixels = np.asarray(picture.convert("RGB"))
        except (OSError, ValueError) as error:
            raise DataError(f"a picture of {self._path} cannot be decoded: {error}") from error
        if pixels.shape != (self._side, self._side, 3):
            raise DataError(f"a picture of {self._path} is {pixels.shape}, not {self._side} px")
        return pixels.tobytes()
