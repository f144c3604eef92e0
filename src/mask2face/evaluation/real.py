"""Real photos, where no truth exists: is the face mask found, and is there a face afterwards?"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.errors import DataError, MissingExtraError, OutputError, PhotoError
from mask2face.evaluation.panels import save, sheet

Box = tuple[float, float, float, float]
Pixels = NDArray[np.uint8]
FindFaces = Callable[[Pixels], list[Box]]


class RestoredFace(Protocol):
    """A face of the result."""

    @property
    def box(self) -> Box:
        """x0, y0, x1, y1 in photo pixels."""

    @property
    def masked(self) -> bool:
        """Whether a face mask was replaced."""


class Restoration(Protocol):
    """What the callable gives back for a photo."""

    @property
    def photo(self) -> Pixels:
        """RGB uint8 (H, W, 3)."""

    @property
    def hole(self) -> NDArray[np.float32]:
        """(H, W) in [0, 1], 1 = replaced."""

    @property
    def faces(self) -> Sequence[RestoredFace]:
        """Every face found."""


def hog_faces() -> FindFaces:
    """Return dlib's HOG frontal face detector: photo -> boxes; the photo is doubled once.

    Raises:
        MissingExtraError: dlib is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError("dlib", "data") from error
    detector = dlib.get_frontal_face_detector()

    def find(photo: Pixels) -> list[Box]:
        found = detector(np.ascontiguousarray(photo), 1)
        return [
            (float(r.left()), float(r.top()), float(r.right()), float(r.bottom())) for r in found
        ]

    return find


def evaluate_real(
    unmask: Callable[[Any], Restoration],
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    find_faces: FindFaces | None = None,
    pictures: int = 24,
    seed: int = 0,
    command: str = "",
    file: str = "",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Unmask real photos and count what can be counted without a truth.

    Written: `real.json`, `real.jsonl` (a row a photo), `real.md` and the contact sheet
    `real.png` of `pictures` photos drawn by `seed`, before and after side by side.

    Args:
        unmask: RGB uint8 (H, W, 3) -> photo, hole and faces, as `pipeline.Unmasker`.
        paths: the photos; one that cannot be read is counted and reported.
        out: folder of the report; made if it is not there.
        find_faces: photo -> boxes, an independent detector; dlib's HOG if None.
        pictures: photos on the contact sheet.
        seed: which of them.
        command: how the report was made, to be printed in it.
        file: of the model, to be printed in it.
        overwrite: replace an older report.

    Returns:
        `masked_found`: share of photos with a masked face found; `face_before` and `face_after`:
        share of photos in which the independent detector finds any face; `masked_before` and
        `masked_after`: share of the masked faces found in which it finds a face; `changed`:
        share of photos changed at all; `outside_identical`: share in which every pixel outside
        the hole is the same.

    Raises:
        DataError: there are no photos, or none can be read.
        MissingExtraError: no `find_faces`, and dlib is not installed.
        OutputError: `out` holds a report already, or cannot be written.
    """
    out = Path(out)
    if (out / "real.json").exists() and not overwrite:
        raise OutputError(f"{out} holds a report already: choose another folder or overwrite it")
    if not paths:
        raise DataError("there are no photos to evaluate")
    find = find_faces or hog_faces()
    shown = set(np.random.default_rng(seed).permutation(len(paths))[:pictures].tolist())
    rows: list[dict[str, Any]] = []
    cells: list[tuple[str, Pixels]] = []
    for index, path in enumerate(map(Path, paths)):
        try:
            before = photos.read(path).pixels
        except (PhotoError, MissingExtraError) as error:  # of HEIC, without its package
            rows.append({"photo": path.name, "error": str(error)})
            continue
        result = unmask(before)
        row = _look(before, result, find)
        rows.append({"photo": path.name, **row})
        if index in shown:
            text = f"{path.name}  faces {row['faces']}, masked {row['masked']}"
            text += f", HOG {row['seen_before']} -> {row['seen_after']}"
            cells += [(text, before), ("", result.photo)]
    report = {"command": command, "file": file, **_count(rows)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        save(out / "real.png", sheet(cells, columns=4))
        (out / "real.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (out / "real.md").write_text(_markdown(report), encoding="utf-8")
        (out / "real.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write the report into {out}: {error}") from error
    return report


def _look(before: Pixels, result: Restoration, find: FindFaces) -> dict[str, Any]:
    """Return the facts of one photo."""
    masked = [face.box for face in result.faces if face.masked]
    old, new = find(before), find(result.photo)
    differs = (before != result.photo).any(axis=2)
    return {
        "faces": len(result.faces),
        "masked": len(masked),
        "seen_before": len(old),
        "seen_after": len(new),
        "masked_seen_before": sum(any(_meets(box, other) for other in old) for box in masked),
        "masked_seen_after": sum(any(_meets(box, other) for other in new) for box in masked),
        "changed": bool(differs.any()),
        "outside_identical": not bool((differs & (result.hole == 0)).any()),
        "hole_fraction": round(float((result.hole > 0).mean()), 5),
    }


def _meets(one: Box, two: Box) -> bool:
    """Whether the centre of each box lies inside the other."""

    def inside(box: Box, other: Box) -> bool:
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return other[0] <= x <= other[2] and other[1] <= y <= other[3]

    return inside(one, two) and inside(two, one)


def _count(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares over all photos that could be read."""
    read = [row for row in rows if "error" not in row]
    if not read:
        raise DataError(f"none of {len(rows)} photos can be read: {rows[0]['error']}")
    masked = sum(row["masked"] for row in read)

    def share(condition: Callable[[dict[str, Any]], bool]) -> float:
        return sum(condition(row) for row in read) / len(read)

    def of_masked(key: str) -> float | None:
        return sum(row[key] for row in read) / masked if masked else None

    return {
        "photos": len(read),
        "failed": len(rows) - len(read),
        "faces": sum(row["faces"] for row in read),
        "masked_faces": masked,
        "masked_found": share(lambda row: row["masked"] > 0),
        "face_before": share(lambda row: row["seen_before"] > 0),
        "face_after": share(lambda row: row["seen_after"] > 0),
        "masked_before": of_masked("masked_seen_before"),
        "masked_after": of_masked("masked_seen_after"),
        "changed": share(lambda row: row["changed"]),
        "outside_identical": share(lambda row: row["outside_identical"]),
    }


def _markdown(report: dict[str, Any]) -> str:
    def percent(key: str) -> str:
        return "–" if report[key] is None else f"{report[key]:.1%}"

    lines = [
        f"# {report['photos']} real photos, {report['masked_faces']} masked faces found",
        "",
        "| what | share |",
        "|---|---:|",
        f"| photos with a masked face found | {percent('masked_found')} |",
        f"| photos in which HOG finds a face, before | {percent('face_before')} |",
        f"| photos in which HOG finds a face, after | {percent('face_after')} |",
        f"| masked faces that HOG finds, before | {percent('masked_before')} |",
        f"| masked faces that HOG finds, after | {percent('masked_after')} |",
        f"| photos changed | {percent('changed')} |",
        f"| photos identical outside the hole, bit for bit | {percent('outside_identical')} |",
        "",
        f"{report['failed']} photos could not be read.",
        "",
        *([f"File of the model: `{report['file']}`.", ""] if report["file"] else []),
        "![before and after](real.png)",
        "",
        "The lower faces are invented, not recovered: never use them to identify anyone.",
    ]
    if report["command"]:
        lines += ["", "Made by:", "", "```", report["command"], "```"]
    return "\n".join(lines) + "\n"
