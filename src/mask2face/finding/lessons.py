"""The lesson folder: photos with and without drawn face masks, and what the teacher saw in them.

`masked/NAME.jpg` and `bare/NAME.jpg`; a row a photo in `lessons.jsonl`, `meta.json` the rest.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.errors import DataError, OutputError

FORMAT: Final = "mask2face lessons 1"
_ROWS: Final = "lessons.jsonl"
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
        try:
            self.meta = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{str(folder)!r} is no complete lesson folder: make it with "
                "`mask2face detector lessons`"
            ) from error
        if self.meta.get("format") != FORMAT:
            raise DataError(f"{str(folder)!r} is not of the format {FORMAT!r}: make it again")
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
    text = path.read_text(encoding="utf-8")
    try:
        return [Lesson.from_json(line) for line in text.splitlines(True) if line.endswith("\n")]
    except (ValueError, KeyError, TypeError) as error:
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
        path.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(path), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]):
            raise OutputError(f"cannot write {path}: check the folder's rights and free space")


def add_row(folder: Path, lesson: Lesson) -> None:
    """Append a lesson to the rows."""
    with (folder / _ROWS).open("a", encoding="utf-8") as rows:
        rows.write(lesson.to_json() + "\n")


def keep_whole_rows(folder: Path) -> list[Lesson]:
    """Return the lessons written so far, and cut off what a killed process left half."""
    folder.mkdir(parents=True, exist_ok=True)
    lessons = read_rows(folder)
    (folder / _ROWS).write_text("".join(f"{one.to_json()}\n" for one in lessons), encoding="utf-8")
    return lessons


def write_meta(folder: Path, facts: Mapping[str, Any]) -> None:
    """Say that the folder is complete."""
    text = json.dumps({"format": FORMAT, **facts}, indent=1) + "\n"
    (folder / "meta.json").write_text(text, encoding="utf-8")
