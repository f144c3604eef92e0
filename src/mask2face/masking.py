"""Photo -> the same photo with a face mask drawn on every face, and where."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face import mean_face, photos
from mask2face.detectors import CenterFace
from mask2face.errors import UsageError
from mask2face.facemasks import FACEMASKS, WEIGHTS, Drawn, draw, draw_random
from mask2face.facemasks.fabric import parse
from mask2face.faces import Box, Face
from mask2face.landmarks import EYES_AGREE, Landmarker, on_face
from mask2face.registry import lookup

STATEMENT: Final = "face masks are drawn on the faces, they were not in the photo"
STYLES: Final = ("random", *FACEMASKS)
_DRAWN: Final = {style: share for style, share in WEIGHTS.items() if style != "bare"}

Points = Callable[[NDArray[np.uint8], Face], NDArray[np.float32]]
"""(photo, face) -> 68 landmarks (68, 2) in photo px."""


@dataclass(frozen=True)
class MaskedFace:
    """One face of a photo and the face mask drawn on it.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels.
        landmarks: float32 (68, 2), x and y in photo pixels, iBUG order.
        style: key of `FACEMASKS`.
        options: what was drawn, as far as it has a name or a number (`colour`, `pattern`, `wear`).
    """

    box: Box
    landmarks: NDArray[np.float32]
    style: str
    options: dict[str, str | float]


@dataclass(frozen=True)
class Masked:
    """What `mask` gives back.

    Attributes:
        photo: uint8 (H, W, 3) RGB; where `hole` is 0 it is the input bit for bit.
        hole: float32 (H, W) in [0, 1], 1 = covered by a face mask.
        faces: every face with a face mask on it, the surest first; empty where none was found.
    """

    photo: NDArray[np.uint8]
    hole: NDArray[np.float32]
    faces: tuple[MaskedFace, ...]


class Masker:
    """Draw face masks on photos; detector and landmarks are loaded once.

    Args:
        points: where the 68 landmarks of a face come from; by default dlib's.
        device: of the detector: "auto", "cpu", "cuda", "coreml" or "dml".

    Raises:
        MissingExtraError: dlib or its landmark file is not installed, and `points` is not given.
        DeviceError: the device is not available.
    """

    def __init__(self, points: Points | None = None, device: str = "auto") -> None:
        self._points = points or _dlib_points()
        self._detector = CenterFace(device)

    def __call__(
        self,
        photo: photos.Source | photos.Photo,
        style: str = "random",
        seed: int = 0,
        *,
        color: str | None = None,
    ) -> Masked:
        """Draw a face mask on every face; see `mask`."""
        drawing = drawer(style, color)
        _check_seed(seed)
        read = photo if isinstance(photo, photos.Photo) else photos.read(photo)
        pixels = read.pixels.copy()
        hole = np.zeros(pixels.shape[:2], np.float32)
        done = []
        for index, face in enumerate(self._detector(read.pixels)):
            landmarks = self._points(read.pixels, face)
            try:
                drawn = drawing(pixels, landmarks, np.random.default_rng([seed, index]))
            except ValueError:  # too small to draw on: style and colour were checked before
                continue
            pixels, hole = drawn.photo, np.maximum(hole, drawn.hole)
            done.append(MaskedFace(face.box, landmarks, drawn.style, drawn.options))
        return Masked(pixels, hole, tuple(done))


def mask(
    photo: photos.Source, style: str = "random", seed: int = 0, *, color: str | None = None
) -> Masked:
    """Draw a face mask on every face of a photo.

    Args:
        photo: path, bytes of a file, binary stream, Pillow image, or RGB uint8 array (H, W, 3).
        style: a key of `FACEMASKS`, or "random" for any that covers something.
        seed: the same seed gives the same pixels; 0 or more.
        color: "#rrggbb" for the styles that take one, None for a random one.

    Raises:
        PhotoError: the photo cannot be read.
        UnknownNameError: no such style.
        UsageError: not a colour, or the style takes none; a negative seed.
        MissingExtraError: dlib is not installed.
    """
    _check_seed(seed)  # before anything is loaded
    drawer(style, color)
    return _shared()(photo, style, seed, color=color)


def drawer(style: str, color: str | None = None) -> Callable[..., Drawn]:
    """Return the function `(photo, landmarks, rng) -> Drawn` that draws what was asked for.

    Raises:
        UnknownNameError: no such style.
        UsageError: not a colour, or the style takes none.
    """
    if style != "random":
        lookup("face-mask style", dict.fromkeys(STYLES), style)
    weights = _DRAWN if style == "random" else {style: 1.0}
    if color is not None:
        try:
            parse(color)
        except ValueError as error:
            raise UsageError(f"color is {color!r}: give one like '#0473e2'") from error
        weights = {name: share for name, share in weights.items() if name in COLORED}
        if not weights:
            raise UsageError(
                f"the style {style!r} takes no color: leave it out, or use {', '.join(COLORED)}"
            )

    def drawn(
        photo: NDArray[np.uint8], landmarks: NDArray[np.float32], rng: np.random.Generator
    ) -> Drawn:
        if color is None and style == "random":
            return draw_random(photo, landmarks, rng, weights)
        shares = np.array(list(weights.values()))
        name = list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]
        options = {} if color is None else {"colour": color}
        return draw(name, photo, landmarks, rng, **options)

    return drawn


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise UsageError(f"seed is {seed}: give 0 or more")


def _takes_color(style: str) -> bool:
    return "colour" in inspect.signature(FACEMASKS[style]).parameters


COLORED: Final = tuple(filter(_takes_color, FACEMASKS))  # styles that take a colour


def _dlib_points() -> Points:
    landmarker = Landmarker()

    def points(photo: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        found, off = on_face(photo, face, landmarker)
        return found if off <= EYES_AGREE else mean_face.guess(face)

    return points


@lru_cache(maxsize=1)
def _shared() -> Masker:
    return Masker()
