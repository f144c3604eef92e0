"""The 68 iBUG landmarks of a bare face: by dlib, or read from a landmark file."""

import csv
import importlib.util
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.errors import DataError, MissingExtraError
from mask2face.faces import EYE_DISTANCE, SIDE_PER_HEIGHT, Face

LEFT_EYE: Final = slice(36, 42)  # the eye at image left of an upright face
RIGHT_EYE: Final = slice(42, 48)
MIRRORED: Final[tuple[int, ...]] = (
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *range(27, 31),  # bridge of the nose
    *range(35, 30, -1),  # nostrils
    *(45, 44, 43, 42, 47, 46),  # image-left eye from the image-right one
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),  # outer lip, upper
    *range(59, 54, -1),  # outer lip, lower
    *range(64, 59, -1),  # inner lip, upper
    *range(67, 64, -1),  # inner lip, lower
)  # new[i] = old[MIRRORED[i]] keeps the iBUG order of a mirrored face

EYES_AGREE: Final = 0.2  # eye distances; landmarks further from the detector's eyes are wrong
# Where to look: share of the way from the box's middle to the points, size, shift down.
_TRIES: Final = (
    (0.5, 1.0, 0.0),
    (1.0, 0.85, 0.0),
    (1.0, 1.15, 0.0),
    (0.5, 1.0, -0.08),
    (0.5, 0.85, 0.0),
)
_SIDE: Final = 0.96  # side of dlib's square over the geometric mean of the box's sides
_DOWN: Final = 0.03  # shift of its centre, in box heights
_FILE: Final = Path("models") / "shape_predictor_68_face_landmarks.dat"


def eye_centres(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centres of the eye at image left and at image right: (68, 2) -> (2, 2), px."""
    left, right = landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)
    return np.stack([left, right]).astype(np.float32)


def eye_distance(face: Face) -> float:
    """Return the distance of the eyes in photo px, as if the face were seen from the front."""
    (x0, y0), (x1, y1) = face.landmarks[:2].tolist()
    height = face.box[3] - face.box[1]
    return max(float(np.hypot(x1 - x0, y1 - y0)), EYE_DISTANCE * SIDE_PER_HEIGHT * height)


def on_face(
    photo: NDArray[np.uint8],
    face: Face,
    landmarker: Callable[
        [NDArray[np.uint8], tuple[float, float, float, float]], NDArray[np.float32]
    ],
) -> tuple[NDArray[np.float32], float]:
    """Find the landmarks of a detected face, trying again where they miss the detector's eyes.

    The box of a head turned away holds its back: the search box moves towards the five points
    of the detector. That and four more tries find 9 of 10 faces whose plain box misled dlib.

    Args:
        photo: uint8 (H, W, 3) RGB.
        face: a face of the photo.
        landmarker: photo, box -> landmarks; see `Landmarker`.

    Returns:
        The landmarks, float32 (68, 2) in photo px, and how far their eyes are from the
        detector's, in eye distances (of the face seen from the front).
    """
    x0, y0, x1, y1 = face.box
    width, height = x1 - x0, y1 - y0
    eyes = face.landmarks[:2]
    scale = eye_distance(face)
    aside = float(face.landmarks[:, 0].mean()) - (x0 + x1) / 2
    tried = []
    for shift, size, down in _TRIES:
        x, y = (x0 + x1) / 2 + shift * aside, (y0 + y1) / 2 + down * height
        w, h = size * width / 2, size * height / 2
        points = landmarker(photo, (x - w, y - h, x + w, y + h))
        off = float(np.hypot(*(eye_centres(points) - eyes).T).max()) / scale
        tried.append((points, off))
        if off <= EYES_AGREE:
            break
    return min(tried, key=lambda one: one[1])


class Landmarker:
    """dlib's 68-point predictor; the model file is loaded once, here.

    Args:
        path: the file `shape_predictor_68_face_landmarks.dat`; by default the one inside the
            package `face_recognition_models`. It is not licensed for commercial use.

    Raises:
        MissingExtraError: dlib or the package with the model file is not installed.
        DataError: the model file is missing or broken.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        try:
            import dlib
        except ImportError as error:
            raise MissingExtraError("dlib", "data") from error
        file = _packaged() if path is None else Path(path)
        if not file.is_file():
            raise DataError(
                f"landmark model {str(file)!r} does not exist; expected dlib's "
                "shape_predictor_68_face_landmarks.dat, or None for the packaged one"
            )
        try:
            self._predictor: Any = dlib.shape_predictor(str(file))
        except RuntimeError as error:
            raise DataError(
                f"landmark model {str(file)!r} is broken or not dlib's: {error}"
            ) from error
        self._rectangle: Any = dlib.rectangle

    def __call__(
        self, photo: NDArray[np.uint8], box: tuple[float, float, float, float]
    ) -> NDArray[np.float32]:
        """Find the landmarks of the face in `box`.

        Args:
            photo: uint8 (H, W, 3) RGB.
            box: the detector's box around the face, (x0, y0, x1, y1) in photo px.

        Returns:
            float32 (68, 2), x and y in photo px, iBUG order; may lie outside the photo.
        """
        shape = self._predictor(
            np.ascontiguousarray(photo), self._rectangle(*(round(v) for v in square(box)))
        )
        return np.array([(point.x, point.y) for point in shape.parts()], np.float32)


def square(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """Map a detector's box (hairline to chin) to the square that dlib's predictor was trained on.

    dlib's own detector gives squares from the brows to the chin. The constants are medians of
    its squares against CenterFace's boxes on 209 photos of LFW and CelebA; with them the points
    move by 1.3 % of the eye distance (median) against dlib's own square.

    >>> square((0.0, 0.0, 100.0, 100.0))
    (2.0, 5.0, 98.0, 101.0)
    """
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    half = _SIDE * (width * height) ** 0.5 / 2
    x, y = (x0 + x1) / 2, (y0 + y1) / 2 + _DOWN * height
    return x - half, y - half, x + half, y + half


def _packaged() -> Path:
    # The package is found, not imported: its import needs pkg_resources, which is gone.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("face_recognition_models", "data")
    return Path(next(iter(spec.submodule_search_locations))) / _FILE


class Precomputed:
    """Landmarks from a file, loaded once: photo name -> 68 points.

    The file is CSV (a photo's name, then 136 numbers x0, y0, x1, y1, ... in photo px; a header
    line is allowed) or, if its name ends in `.jsonl`, JSON lines
    `{"photo": name, "landmarks": [[x, y], ...]}`.

    Args:
        path: the file.

    Raises:
        DataError: the file is missing, empty or a line of it is broken.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"landmark file {str(path)!r} does not exist")
        lines = _json_lines if self.path.suffix == ".jsonl" else _csv_lines
        self._points = dict(lines(self.path))
        if not self._points:
            raise DataError(f"landmark file {str(path)!r} is empty; expected a line a photo")

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self._points)

    def __contains__(self, photo: object) -> bool:
        """Say whether the file has the landmarks of the photo of that name."""
        return photo in self._points

    def __getitem__(self, photo: str) -> NDArray[np.float32]:
        """Return the landmarks of `photo`, float32 (68, 2) in photo px.

        Raises:
            DataError: the file has no line for it.
        """
        try:
            return self._points[photo]
        except KeyError as error:
            raise DataError(f"no landmarks of {photo!r} in {str(self.path)!r}") from error


def _csv_lines(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.reader(file), 1):
            if row and not (number == 1 and len(row) > 1 and not _is_number(row[1])):
                yield row[0], _points(path, number, row[1:])


def _json_lines(path: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            photo, points = str(row["photo"]), row["landmarks"]
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(
                f"line {number} of {str(path)!r} is not "
                f'{{"photo": name, "landmarks": 68 points}}: {error}'
            ) from error
        yield photo, _points(path, number, points)


def _points(path: Path, number: int, values: Any) -> NDArray[np.float32]:  # noqa: ANN401
    try:
        points = np.array(values, np.float32)
    except (ValueError, TypeError) as error:
        raise DataError(f"line {number} of {str(path)!r} is not numbers: {error}") from error
    if points.size != 136 or not np.isfinite(points).all():
        raise DataError(
            f"line {number} of {str(path)!r} has {points.size} values; expected 136 finite numbers"
        )
    return points.reshape(68, 2)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
