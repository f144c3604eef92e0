"""Frames in a row -> the same frames with the face masks replaced, without flicker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face.faces import Face, align, cut, paste
from mask2face.hole_weights import LEAST_CERTAINTY, LEAST_HOLE, is_masked, soft_hole
from mask2face.video.tracking import Track, Tracker

# A face that wore a face mask in the frame before needs less, so that it does not blink.
_STAY_HOLE: Final = 0.6 * LEAST_HOLE
_STAY_CERTAINTY: Final = LEAST_CERTAINTY - 0.1
_LARGER: Final = 1.25  # times; less does not make another face the largest
_CUT: Final = 20.0  # of 255; a held face whose place changed so much is gone: a cut, or it left

Detect = Callable[[NDArray[np.uint8]], Sequence[Face]]
"""RGB uint8 (H, W, 3) -> its faces."""
Restore = Callable[[NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.float32]]]
"""RGB uint8 (N, S, S, 3) -> restored crops, the same shape, and holes, float32 (N, S, S)."""


@dataclass(frozen=True)
class Filled:
    """A frame and what was done to it.

    Attributes:
        pixels: RGB uint8 (H, W, 3); where `hole` is 0 the frame bit for bit.
        hole: float32 (H, W) in [0, 1], 1 = replaced.
        faces: how many were followed in it.
        masked: how many of them had a face mask replaced.
    """

    pixels: NDArray[np.uint8]
    hole: NDArray[np.float32]
    faces: int
    masked: int


@dataclass(frozen=True)
class _View:
    """One face in one frame, before the net has seen it."""

    frame: int
    track: Track
    matrix: NDArray[np.float64]
    crop: NDArray[np.uint8]
    keep: float


class FaceFiller:
    """Replace the face masks of the frames of one clip, in order.

    Faces are followed; their alignment is smoothed, and what the net says about a face is averaged
    over the time in which it looks the same. Faces of several frames go through the net together.

    Args:
        detect: finds the faces of a frame.
        restore: the net.
        side: of its crops, px.
        threshold: hole probability in (0, 1) above which a pixel belongs to the face mask.
        smoothing: False treats each frame as a photo by itself.
        largest: fill one face only, the largest, and stay with it until another is much larger.
    """

    def __init__(
        self,
        detect: Detect,
        restore: Restore,
        side: int,
        *,
        threshold: float = 0.5,
        smoothing: bool = True,
        largest: bool = False,
    ) -> None:
        self._detect, self._restore, self._side = detect, restore, side
        self._threshold, self._smoothing = threshold, smoothing
        self._tracker = Tracker()
        self._largest = largest
        self._chosen: Track | None = None

    def __call__(self, frames: Sequence[NDArray[np.uint8]], times: Sequence[float]) -> list[Filled]:
        """Fill the next frames of the clip.

        Args:
            frames: RGB uint8 (H, W, 3), upright.
            times: s, one a frame, rising.
        """
        views: list[_View] = []
        for index, (frame, time) in enumerate(zip(frames, times, strict=True)):
            views += self._views(index, frame, time)
        pixels = list(frames)
        holes = [np.zeros(frame.shape[:2], np.float32) for frame in frames]
        faces, masked = [0] * len(pixels), [0] * len(pixels)
        side = self._side
        crops = np.array([view.crop for view in views], np.uint8).reshape(-1, side, side, 3)
        restored, probabilities = self._restore(crops)
        for view, crop, probability in zip(views, restored, probabilities, strict=True):
            at = view.frame
            faces[at] += 1
            crop, weight = self._decided(view, crop, probability)
            if view.track.masked:
                masked[at] += 1
                pixels[at], here = paste(pixels[at], crop, weight, view.matrix)
                holes[at] = np.maximum(holes[at], here)
        return [Filled(*done) for done in zip(pixels, holes, faces, masked, strict=True)]

    def _views(self, index: int, frame: NDArray[np.uint8], time: float) -> list[_View]:
        """Return the faces of a frame."""
        if not self._smoothing:
            self._tracker.forget()
        views = []
        for track in self._wanted(self._tracker(self._detect(frame), time)):
            matrix = align(track.eyes, 0.0, self._side)
            crop = cut(frame, matrix, self._side)
            if track.held and track.memory.change(crop) > _CUT:
                self._tracker.drop(track)
                continue
            keep = track.memory.see(crop, track.elapsed)
            views.append(_View(index, track, matrix, crop, keep))
        return views

    def _wanted(self, tracks: list[Track]) -> list[Track]:
        """Return the faces to fill of those that are followed."""
        if not self._largest or not tracks:
            return tracks
        most = max(tracks, key=lambda track: track.extent)
        known = [track for track in tracks if track is self._chosen]
        if not known or most.extent > _LARGER * known[0].extent:
            self._chosen = most
        return [track for track in tracks if track is self._chosen]

    def _decided(
        self, view: _View, crop: NDArray[np.uint8], probability: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Return crop and weight to paste; say in the track whether it wears a face mask."""
        track = view.track
        crop, probability = track.memory.blend(view.keep, crop, probability)
        weight, fraction = soft_hole(probability, self._threshold)
        limits = (_STAY_HOLE, _STAY_CERTAINTY) if track.masked else (LEAST_HOLE, LEAST_CERTAINTY)
        track.masked = is_masked(probability, fraction, *limits)
        return crop, weight
