"""What a followed face remembers: where its eyes were, how it looked, what was painted."""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_LOOK: Final = 12  # px, side of the thumbnail that says whether a crop changed: noise averages out
_STILL: Final = 1.0  # of 255; a thumbnail of a still face moves by less from frame to frame
_CHANGE: Final = 4.0  # of 255; so large a change divides what is remembered by e
_LASTS: Final = 0.4  # s until a still face's memory has fallen to 1 / e


class OneEuro:
    """Low-pass filter that is slow on what stands still and quick on what moves.

    Casiez, Roussel and Vogel, "1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
    Interactive Systems", CHI 2012, algorithm 1. Departures: the values are points that share one
    cut-off, that of the quickest, and speeds are in `unit`s, so that near and far faces are alike.

    Args:
        cutoff: Hz, of points that stand still.
        beta: Hz more for each unit a second.
        speed_cutoff: Hz, of the speed itself.
    """

    def __init__(self, cutoff: float = 0.5, beta: float = 6.0, speed_cutoff: float = 1.0) -> None:
        self._cutoff, self._beta, self._speed_cutoff = cutoff, beta, speed_cutoff
        self._points: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] = np.zeros(0)

    def __call__(
        self, points: NDArray[np.float64], seconds: float, unit: float = 1.0
    ) -> NDArray[np.float64]:
        """Return `points`, any shape, smoothed.

        Args:
            points: as measured.
            seconds: since the points before; 0 or less takes them as they are.
            unit: length that speeds are measured in, above 0.
        """
        if self._points is None or seconds <= 0:
            self._points, self._speed = points.copy(), np.zeros_like(points)
            return points.copy()
        speed = (points - self._points) / (seconds * unit)
        self._speed = self._speed + _share(self._speed_cutoff, seconds) * (speed - self._speed)
        cutoff = self._cutoff + self._beta * float(np.abs(self._speed).max())
        self._points = self._points + _share(cutoff, seconds) * (points - self._points)
        return self._points.copy()


def _share(cutoff: float, seconds: float) -> float:
    """Return the share of the new value in a low-pass filter of `cutoff` Hz."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff * seconds))


class Memory:
    """Averages what the net says about one face, over the time in which the face looks the same.

    While the aligned crop stands still, all of the last `_LASTS` s count; the more it changes, the
    quicker the past is forgotten. So neither the hole nor the invented face flickers on a still
    face, and neither trails behind a moving one.
    """

    def __init__(self) -> None:
        self._look: NDArray[np.float32] | None = None
        self._looks = 0.0  # how many crops the average stands for
        self._said: NDArray[np.float32] | None = None
        self._saids = 0.0

    def change(self, crop: NDArray[np.uint8]) -> float:
        """Return how far `crop` is from what is remembered, of 255; 0 where nothing is."""
        if self._look is None:
            return 0.0
        return float(np.abs(_thumbnail(crop) - self._look).mean())

    def see(self, crop: NDArray[np.uint8], seconds: float) -> float:
        """Take a new crop in; return the share in [0, 1] of the past that `blend` is to keep.

        Args:
            crop: RGB uint8 (S, S, 3), aligned.
            seconds: since the crop before.
        """
        change = max(0.0, self.change(crop) - _STILL)
        keep = math.exp(-max(seconds, 0.0) / _LASTS - change / _CHANGE)
        self._looks = keep * self._looks + 1
        look = _thumbnail(crop)
        old = look if self._look is None else self._look
        self._look = old + (look - old) / self._looks
        return keep

    def blend(
        self, keep: float, restored: NDArray[np.uint8], probability: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return the averages of what the net said until now.

        Args:
            keep: what `see` gave for this crop.
            restored: RGB uint8 (S, S, 3), from the net.
            probability: of the hole, float32 (S, S) in [0, 1], from the net.

        Returns:
            Both averaged, of the same types and shapes.
        """
        said = np.dstack([restored.astype(np.float32), probability])
        self._saids = keep * self._saids + 1
        old = said if self._said is None else self._said
        new = np.asarray(old + (said - old) / self._saids, np.float32)
        self._said = new
        return np.rint(new[..., :3]).astype(np.uint8), new[..., 3]


def _thumbnail(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(crop, (_LOOK, _LOOK), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
