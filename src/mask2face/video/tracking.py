"""Faces of one frame after the other -> faces followed over time, each with steady eyes."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face.faces import EYE_DISTANCE, SIDE_PER_HEIGHT, Face
from mask2face.video.smoothing import Memory, OneEuro

_REACH: Final = 0.4  # crop sides that a face may move from one frame to the next
_GROWTH: Final = 1.6  # so many times larger or smaller a face is another one
_HOLD: Final = 0.3  # s for which a face stays where it was when the detector misses it


class Track:
    """One face, followed.

    Attributes:
        eyes: (2, 2) steady x and y of the eyes in frame px, as far apart as the crop's scale wants:
            `faces.align(track.eyes, 0, side)` is the alignment.
        masked: whether the face wore a face mask when last looked at; the filler keeps it.
        memory: of what the net said.
        seen: s, when the detector last found it.
        elapsed: s from the frame before to this one.
    """

    def __init__(self, eyes: NDArray[np.float64], time: float) -> None:
        self.masked = False
        self.memory = Memory()
        self._filter = OneEuro()
        self.eyes = self._filter(eyes, 0.0)
        self.seen = self._time = time
        self.elapsed = 0.0

    def follow(self, eyes: NDArray[np.float64] | None, time: float) -> None:
        """Move on to the frame at `time`; `eyes` as measured, or None where they were not found."""
        self.elapsed = time - self._time
        self._time = time
        if eyes is not None:
            self.eyes = self._filter(eyes, time - self.seen, _extent(self.eyes))
            self.seen = time

    @property
    def extent(self) -> float:
        """Side of the face's crop, px of the frame."""
        return _extent(self.eyes)

    @property
    def held(self) -> bool:
        """Whether the detector missed the face in this frame."""
        return self.seen < self._time


class Tracker:
    """Follow the faces of a clip from frame to frame."""

    def __init__(self) -> None:
        self._tracks: list[Track] = []

    def forget(self) -> None:
        """Follow none of the faces any more."""
        self._tracks = []

    def drop(self, track: Track) -> None:
        """Follow `track` no more."""
        self._tracks.remove(track)

    def __call__(self, faces: Sequence[Face], time: float) -> list[Track]:
        """Return the faces of the frame at `time` s, those that the detector just missed too."""
        measured = [effective_eyes(face) for face in faces]
        pairs = _matches([track.eyes for track in self._tracks], measured)
        kept = []
        for index, track in enumerate(self._tracks):
            found = pairs.pop(index, None)
            if found is None and not 0 <= time - track.seen <= _HOLD:
                continue
            track.follow(None if found is None else measured[found], time)
            kept.append(track)
            if found is not None:
                measured[found] = np.zeros(0)
        self._tracks = kept + [Track(eyes, time) for eyes in measured if eyes.size]
        return list(self._tracks)


def effective_eyes(face: Face) -> NDArray[np.float64]:
    """Return the eyes (2, 2), moved along their line to the distance that sets the crop's scale.

    `faces.align` takes the scale from the eyes' distance or from the box's height; of these points
    the distance alone gives the same crop, so that smoothing them smooths all of the alignment.
    """
    left, right = np.asarray(face.landmarks[:2], np.float64)
    across = right - left
    distance = float(np.hypot(*across))
    direction = across / distance if distance > 0 else np.array([1.0, 0.0])
    height = face.box[3] - face.box[1]
    half = max(distance, SIDE_PER_HEIGHT * EYE_DISTANCE * height) / 2 * direction
    middle = (left + right) / 2
    return np.stack([middle - half, middle + half])


def _extent(eyes: NDArray[np.float64]) -> float:
    """Return the side of the crop that these eyes give, px of the frame."""
    return float(np.hypot(*(eyes[1] - eyes[0]))) / EYE_DISTANCE


def _matches(
    known: Sequence[NDArray[np.float64]], found: Sequence[NDArray[np.float64]]
) -> dict[int, int]:
    """Pair followed faces with found ones, the nearest first: index of `known` -> of `found`."""
    near = []
    for row, one in enumerate(known):
        for column, other in enumerate(found):
            sizes = sorted((_extent(one), _extent(other)))
            far = float(np.hypot(*(one.mean(0) - other.mean(0)))) / sizes[1]
            if far < _REACH and sizes[1] < _GROWTH * sizes[0]:
                near.append((far, row, column))
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, row, column in sorted(near):
        if row not in pairs and column not in taken:
            pairs[row] = column
            taken.add(column)
    return pairs
