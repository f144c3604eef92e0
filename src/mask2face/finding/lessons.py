"""The lesson folder: photos with and without drawn face masks, and what the teacher saw in them.

`masked/NAME.jpg` and `bare/NAME.jpg`; a row a photo in `lessons.jsonl`; in `meta.json` the settings
and whether all is there.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import files
from mask2face.errors import DataError, OutputError

FORMAT: Final = "mask2face lessons 1"
_ROWS: Final = "lessons.jsonl"
_META: Final = "meta.json"
_QUALITY: Final = 95  # JPEG; the photos of the data sets are JPEGs already


@dataclass(frozen=True)
class SeenFace:
    """A face as the teacher saw it on the bare photo.

    Attributes:
        box: x0, y0, x1, y1 in photo px; may lie outside the photo in part.
        points: five times x, y in photo px, in the order of `faces.Face.landmarks`.
        score: the teacher's, in [0, 1].
        masked: whether a face mask was drawn on it.
    """

    box: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    score: float
    masked: bool


@dataclass(frozen=True)
class Lesson:
    """A photo with everything that the teacher says about it.

    Attributes:
        name: of the files, without suffix.
        photo: the data set's name of the photo.
        identity: who is in it.
        split: "train" or "validation".
        faces: all faces, unsure ones too.
    """

    name: str
    photo: str
    identity: str
    split: str
    faces: tuple[SeenFace, ...]

    @classmethod
    def from_json(cls, text: str) -> "Lesson":
        """Read what `to_json` wrote.

        Raises:
            ValueError: not JSON.
            KeyError: a value is missing.
            TypeError: a value is of another kind.
        """
        values = json.loads(text)
        faces = tuple(
            SeenFace(
                tuple(face["box"]),
                tuple((x, y) for x, y in face["points"]),
                face["score"],
                face["masked"],
            )
            for face in values.pop("faces")
        )
        return cls(**values, faces=faces)

    def to_json(self) -> str:
        """Return the lesson as a line of JSON."""
        return json.dumps(asdict(self))


class LessonFolder:
    """An open lesson folder.

    Args:
        folder: where it is.

    Raises:
        DataError: it is missing, broken or not complete.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.meta = _read_meta(self.folder)
        if not self.meta.get("complete", True):  # earlier versions wrote `meta.json` at the end
            raise DataError(
                f"the lesson folder {str(folder)!r} is not complete: run "
                "`mask2face detector lessons` again, it goes on"
            )
        self.lessons = read_rows(self.folder)

    def of(self, split: str) -> list[Lesson]:
        """Return the lessons of a split.

        Raises:
            DataError: there are none.
        """
        found = [lesson for lesson in self.lessons if lesson.split == split]
        if not found:
            raise DataError(f"the lesson folder {str(self.folder)!r} has no photo in {split!r}")
        return found

    def picture(self, lesson: Lesson, *, masked: bool, half: int = 1) -> NDArray[np.uint8]:
        """Return a photo, RGB uint8 (H, W, 3), in 1 / `half` of its size (1, 2, 4 or 8).

        Raises:
            DataError: the file is missing or broken.
        """
        path = self.folder / ("masked" if masked else "bare") / f"{lesson.name}.jpg"
        reading = {
            1: cv2.IMREAD_COLOR_RGB,
            2: cv2.IMREAD_REDUCED_COLOR_2,
            4: cv2.IMREAD_REDUCED_COLOR_4,
            8: cv2.IMREAD_REDUCED_COLOR_8,
        }[half]
        picture = cv2.imread(str(path), reading)
        if picture is None:
            raise DataError(f"{path} is missing or broken: make the lesson folder again")
        return np.asarray(picture if half == 1 else picture[:, :, ::-1], np.uint8)


def read_rows(folder: Path) -> list[Lesson]:
    """Return the lessons written so far; a line that a killed process left half is left out.

    Raises:
        DataError: the rows are broken.
    """
    path = folder / _ROWS
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        return [Lesson.from_json(line) for line in text.splitlines(True) if line.endswith("\n")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is broken: {error}") from error


def write_pictures(
    folder: Path, name: str, masked: NDArray[np.uint8], bare: NDArray[np.uint8]
) -> None:
    """Write the two pictures of a lesson, RGB uint8.

    Raises:
        OutputError: a picture cannot be written.
    """
    for kind, picture in (("masked", masked), ("bare", bare)):
        path = folder / kind / f"{name}.jpg"
        with writing(folder):
            path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
            raise OutputError(f"cannot write {path}: check the folder's rights and free space")


def begin(folder: Path, facts: Mapping[str, Any]) -> list[Lesson]:
    """Make a lesson folder, or go on in one with the same facts; return what is written so far.

    Args:
        folder: made if it is not there.
        facts: what the lessons depend on.

    Raises:
        OutputError: the folder holds something else, was begun with other facts, or cannot be
            written.
        DataError: the rows are broken.
    """
    with writing(folder):
        if folder.exists() and any(map(_foreign, folder.iterdir())):
            _check_begun(folder, facts)
        folder.mkdir(parents=True, exist_ok=True)
        write_meta(folder, facts, complete=False)  # first: from now on it can go on
        return keep_whole_rows(folder)


def add_row(folder: Path, lesson: Lesson) -> None:
    """Append a lesson to the rows.

    Raises:
        OutputError: it cannot be written.
    """
    with writing(folder), (folder / _ROWS).open("a", encoding="utf-8") as rows:
        rows.write(lesson.to_json() + "\n")


def keep_whole_rows(folder: Path) -> list[Lesson]:
    """Return the lessons written so far, and cut off what a killed process left half.

    Raises:
        DataError: the rows are broken.
        OutputError: they cannot be written.
    """
    lessons = read_rows(folder)
    rows = "".join(f"{one.to_json()}\n" for one in lessons)
    files.write(rows.encode(), folder / _ROWS, overwrite=True)
    return lessons


def write_meta(folder: Path, facts: Mapping[str, Any], *, complete: bool = True) -> None:
    """Write what the lessons depend on, and whether all of them are there.

    Raises:
        OutputError: it cannot be written.
    """
    text = json.dumps({"format": FORMAT, **facts, "complete": complete}, indent=1) + "\n"
    files.write(text.encode(), folder / _META, overwrite=True)


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{str(folder)!r} is no complete lesson folder: make it with "
            "`mask2face detector lessons`"
        ) from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise DataError(f"{str(folder)!r} is not of the format {FORMAT!r}: make it again")
    return meta


def _check_begun(folder: Path, facts: Mapping[str, Any]) -> None:
    """Refuse a folder that was not begun with `facts`."""
    try:
        meta = _read_meta(folder)
    except DataError as error:
        raise OutputError(
            f"{str(folder)!r} is not empty and no lesson folder to go on in: choose another folder"
        ) from error
    asked = json.loads(json.dumps({"format": FORMAT, **facts, "complete": False}))
    if meta | {"complete": False} != asked:
        raise OutputError(
            f"the lesson folder {str(folder)!r} was made with other settings or photos, or by an "
            "earlier version: choose another folder, or use what its meta.json says"
        )


def _foreign(path: Path) -> bool:
    """Say whether a file is none that a writer, killed at its first step, leaves."""
    return not (path.name.startswith(".") and path.suffix == ".part")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in words of ours that a folder cannot be written.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write into {str(folder)!r} ({error}): check its rights and free space, "
            "or choose another folder"
        ) from error
