"""Photo -> the same photo with a face mask drawn on every face, and where."""

import operator
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import mean_face, photos
from mask2face.detectors import CenterFace
from mask2face.errors import UsageError
from mask2face.facemasks import FACEMASKS
from mask2face.faces import Face
from mask2face.landmarks import EYES_AGREE, Landmarker, on_face
from mask2face.masking.choice import drawer
from mask2face.masking.faces import Located, Masked, MaskedFace, Pose, draw_on

STATEMENT: Final = "face masks are drawn on the faces, they were not in the photo"
STYLES: Final = ("random", "all", *FACEMASKS)
FACES: Final = ("all", "largest")
SEARCH: Final = 0.5  # of the photo's size: faces under about 32 px get no face mask

Points = Callable[[NDArray[np.uint8], Face], NDArray[np.float32]]
"""(photo, face) -> 68 landmarks (68, 2) in photo px."""


class Masker:
    """Draw face masks on photos; detector and landmarks are loaded once.

    Args:
        points: where the 68 landmarks of a face come from; by default dlib's.
        device: of the detector: "auto", "cpu", "cuda", "coreml" or "dml".
        threads: CPU threads of the detector; 0 = one a core.

    Raises:
        MissingExtraError: dlib or its landmark file is not installed, and `points` is not given.
        DeviceError: the device is not available.
    """

    def __init__(
        self, points: Points | None = None, device: str = "auto", threads: int = 0
    ) -> None:
        self._points = points or _dlib_points()
        self._detector = CenterFace(device, shrink=SEARCH, threads=threads)

    def __call__(
        self,
        photo: photos.Source | photos.Photo,
        style: str = "random",
        seed: int = 0,
        *,
        faces: str = "all",
        **options: Any,  # noqa: ANN401 - those of `mask`
    ) -> Masked:
        """Draw face masks; see `mask`."""
        check_call(seed, faces)
        drawing = drawer(_one_photo(style), **options)
        read = photo if isinstance(photo, photos.Photo) else photos.read(photo)
        return draw_on(read.pixels, self.locate(read.pixels, faces), drawing, seed)

    def locate(self, pixels: NDArray[np.uint8], faces: str = "all") -> tuple[Located, ...]:
        """Find the faces of a photo and their landmarks.

        Args:
            pixels: uint8 (H, W, 3) RGB.
            faces: "all", or "largest" for the one with the largest box.

        Returns:
            The faces, the surest first; each has the same index, whatever `faces` is.
        """
        found = list(enumerate(self._detector(pixels)))
        if faces == "largest":
            found = sorted(found, key=lambda one: one[1].area)[-1:]
        return tuple(Located(index, face, self._points(pixels, face)) for index, face in found)


def mask(
    photo: photos.Source,
    style: str = "random",
    seed: int = 0,
    *,
    color: str | None = None,
    color_weight: float | None = None,
    pattern: str | os.PathLike[str] | None = None,
    pattern_weight: float | None = None,
    wear: str | None = None,
    in_front: str | None = None,
    templates: str | os.PathLike[str] | None = None,
    code: str | None = None,
    faces: str = "all",
) -> Masked:
    """Draw a face mask on every face of a photo.

    The n-th surest face of a photo always gets the same face mask from the same seed, whatever is
    drawn on the other faces and whether they are drawn at all.

    Args:
        photo: path, bytes of a file, binary stream, Pillow image, or RGB uint8 array (H, W, 3).
        style: a key of `FACEMASKS`, a comma list of them, of which each face gets one, or
            "random" for any that covers something and takes the options below.
        seed: the same seed gives the same pixels; 0 or more.
        color: "#rrggbb", None for a random one.
        color_weight: share of `color` against the face mask's own, 0 to 1; by default 1, on
            templates 0.5.
        pattern: name of a print (`facemasks.fabric.PRINTS`) or a picture file, None for any.
        pattern_weight: share of `pattern`, as `color_weight`.
        wear: "over_nose", "nose_out", "chin" or "one_ear"; None for "over_nose", and now and then
            another if nothing is asked for.
        in_front: what is in front of every face mask: a key of `OCCLUDERS`, or "hand" for
            any of its hands.
        templates: folder in MaskTheFace's format: the styles are then its names.
        code: MaskTheFace's comma list of STYLE, STYLE-COLOR and STYLE-PATTERN instead of `style`,
            `color` and `pattern`. The faces of a photo take the entries in turn, in an order that
            hangs on the seed; a photo of one face takes any. (MaskTheFace gives all faces of a
            photo the same.)
        faces: "all", or "largest".

    Raises:
        PhotoError: the photo cannot be read.
        UnknownNameError: no such style, or nothing of that name to hold in front.
        UsageError: a value is not accepted, or the style does not take an option.
        MissingExtraError: dlib is not installed.
    """
    check_call(seed, faces)  # all of it before anything is loaded
    drawing = drawer(
        _one_photo(style),
        color,
        color_weight=color_weight,
        pattern=pattern,
        pattern_weight=pattern_weight,
        wear=wear,
        in_front=in_front,
        templates=templates,
        code=code,
    )
    read = photos.read(photo)
    return draw_on(read.pixels, _shared().locate(read.pixels, faces), drawing, seed)


def check_call(seed: int, faces: str) -> None:
    """Refuse a wrong seed, or a wrong word for which faces.

    Raises:
        UsageError: one is not accepted.
    """
    try:
        whole = operator.index(seed)
    except TypeError:
        whole = -1
    if isinstance(seed, bool) or whole < 0:
        raise UsageError(f"seed is {seed!r}: give a whole number, 0 or more")
    if faces not in FACES:
        raise UsageError(f"faces is {faces!r}: choose {' or '.join(map(repr, FACES))}")


def _one_photo(style: str) -> str:
    if style == "all":
        raise UsageError("style 'all' is one photo for each style: call once for each of FACEMASKS")
    return style


def _dlib_points() -> Points:
    landmarker = Landmarker()

    def points(photo: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        found, off = on_face(photo, face, landmarker)
        return found if off <= EYES_AGREE else mean_face.guess(face)

    return points


@lru_cache(maxsize=1)
def _shared() -> Masker:
    return Masker()


__all__ = [
    "FACES",
    "STATEMENT",
    "STYLES",
    "Masked",
    "MaskedFace",
    "Masker",
    "Pose",
    "check_call",
    "mask",
]
