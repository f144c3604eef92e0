"""A photo and its faces -> the photo with a face mask on each, window by window."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mask2face.facemasks import Drawn
from mask2face.facemasks.compositing import Window, window_around
from mask2face.facemasks.drawn import check
from mask2face.facemasks.head import lift
from mask2face.facemasks.occluders import put_in_front
from mask2face.faces import Box, Face
from mask2face.masking.choice import Drawer
from mask2face.masking.options import spelled

_REACHES: Final = (1.5, 4.0)  # face sizes around a face that are drawn on; then the whole photo
_RIM: Final = 2  # px; what is drawn as near as that to the window's border may go on outside it


class Pose(NamedTuple):
    """How a head is turned, in degrees.

    Attributes:
        yaw: above 0 the nose points to image right.
        pitch: above 0 the head looks down.
        roll: above 0 it is tilted clockwise in the image.
    """

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class Located:
    """A face of a photo, ready to be drawn on.

    Attributes:
        index: place among the photo's faces, the surest first; the face's random numbers and its
            entry of a code hang on it.
        face: as the detector found it.
        landmarks: float32 (68, 2), x and y in photo pixels, iBUG order.
    """

    index: int
    face: Face
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class MaskedFace:
    """One face of a photo and the face mask drawn on it.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels.
        landmarks: float32 (68, 2), x and y in photo pixels, iBUG order.
        style: key of `FACEMASKS`, or a name of the template pack.
        options: what was drawn, as far as it has a name or a number (`color`, `pattern`, `wear`,
            `in_front`, ...).
        score: the detector's confidence in [0, 1].
        pose: of the head, by the landmarks.
    """

    box: Box
    landmarks: NDArray[np.float32]
    style: str
    options: dict[str, str | float]
    score: float
    pose: Pose


@dataclass(frozen=True)
class Masked:
    """What `mask` gives back.

    Attributes:
        photo: uint8 (H, W, 3) RGB. Where `hole` is 0 it is the input bit for bit, except for
            objects in front of a face mask.
        hole: float32 (H, W) in [0, 1], 1 = covered by a face mask.
        faces: every face with a face mask on it, the surest first; empty where none was found.
        undrawn: boxes of the faces on which nothing could be drawn: smaller than 4 px, or their
            lower half outside the photo.
    """

    photo: NDArray[np.uint8]
    hole: NDArray[np.float32]
    faces: tuple[MaskedFace, ...]
    undrawn: tuple[Box, ...] = ()


def draw_on(
    pixels: NDArray[np.uint8], located: Sequence[Located], drawing: Drawer, seed: int
) -> Masked:
    """Draw face masks on the faces of a photo that are known.

    Each is drawn on a window around its face, and on a larger one where the drawing reaches the
    window's border. Smaller faces are drawn first: larger ones are nearer. The shapes equal those
    drawn on the whole photo; so do the colours, except that the exposure is judged by the
    highlights of the window, and that the print "collage" is cut from it.

    Args:
        pixels: uint8 (H, W, 3) RGB, not changed.
        located: the faces.
        drawing: what is drawn.
        seed: 0 or more.
    """
    result = Masked(pixels.copy(), np.zeros(pixels.shape[:2], np.float32), ())
    done: dict[int, MaskedFace] = {}
    undrawn = {}
    for one in sorted(located, key=lambda one: (one.face.area, one.index)):
        try:
            done[one.index] = _draw_face(result, one, drawing, seed)
        except ValueError:  # the face: what is asked for was checked before
            undrawn[one.index] = one.face.box
    faces = tuple(done[index] for index in sorted(done))
    return replace(result, faces=faces, undrawn=tuple(undrawn[key] for key in sorted(undrawn)))


def _draw_face(result: Masked, one: Located, drawing: Drawer, seed: int) -> MaskedFace:
    """Draw on one face of `result`, in place.

    Raises:
        ValueError: the face is too small, or outside the photo.
    """
    check(result.photo, one.landmarks)
    pose = lift(one.landmarks)
    for window in _windows(result.photo, one):
        photo, hole = window.of(result.photo), window.of(result.hole)
        rng = np.random.default_rng([seed, one.index])
        drawn = _draw_in(photo, hole, one, window, drawing, seed, rng)
        if not _cut_off(window, result.photo.shape, (photo, drawn.photo), (hole, drawn.hole)):
            break
    photo[:], hole[:] = drawn.photo, drawn.hole
    options = spelled(drawn.options)
    angles = Pose(*(float(angle) for angle in (pose.yaw, pose.pitch, pose.roll)))
    return MaskedFace(
        one.face.box, one.landmarks, drawn.style, options, float(one.face.score), angles
    )


def _draw_in(
    photo: NDArray[np.uint8],
    hole: NDArray[np.float32],
    one: Located,
    window: Window,
    drawing: Drawer,
    seed: int,
    rng: np.random.Generator,
) -> Drawn:
    """Draw in one window: its photo and its hole, that of the faces drawn before included."""
    points = one.landmarks - np.array([window.x0, window.y0], np.float32)
    drawn = drawing(photo, points, rng, drawing.deal(seed, one.index))
    if drawn.style != "bare" and not drawn.hole.any():
        raise ValueError("nothing of the face mask lies in the photo")
    drawn = replace(drawn, hole=np.maximum(hole, drawn.hole))
    if not drawing.in_front:
        return drawn
    name = drawing.in_front[int(rng.integers(len(drawing.in_front)))]
    return put_in_front(drawn, photo, points, rng, name)


def _windows(photo: NDArray[np.uint8], one: Located) -> Iterator[Window]:
    """Yield larger and larger windows around a face, the whole photo last."""
    height, width = photo.shape[:2]
    x0, y0, x1, y1 = one.face.box
    points = np.vstack([one.landmarks, [(x0, y0), (x1, y1)]])
    size = float(np.ptp(points, axis=0).max())
    for reach in _REACHES:
        window = window_around(points, reach * size, photo)
        if window is not None and np.prod(window.shape) < 0.7 * height * width:
            yield window
    yield Window(0, 0, width, height)


def _cut_off(
    window: Window,
    shape: tuple[int, ...],
    *layers: tuple[NDArray[Any], NDArray[Any]],
) -> bool:
    """Say whether a drawing reaches a border of its window that is not one of the photo.

    Args:
        window: where it was drawn.
        shape: H, W, ... of the photo.
        layers: (before, after) of the window, photo and hole.
    """
    height, width = shape[:2]
    rims: list[tuple[slice, slice]] = []
    if window.y0 > 0:
        rims.append(np.s_[:_RIM, :])
    if window.y1 < height:
        rims.append(np.s_[-_RIM:, :])
    if window.x0 > 0:
        rims.append(np.s_[:, :_RIM])
    if window.x1 < width:
        rims.append(np.s_[:, -_RIM:])
    return any((before[rim] != after[rim]).any() for rim in rims for before, after in layers)
