"""Photo records -> clean crops, in several processes, in order."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from mask2face import photos
from mask2face.clean import CleanCrop, Detector, Landmarks, RefusedError, clean_crop
from mask2face.datasets import PhotoRecord
from mask2face.errors import MissingExtraError, PhotoError
from mask2face.landmarks import Precomputed
from mask2face.parallel import in_order


@dataclass(frozen=True)
class Tools:
    """What cleaning needs; it travels to each worker's process once.

    Attributes:
        detector: makes the detector.
        landmarker: makes the landmarker, or landmarks from a file.
        side: of the crops, px.
    """

    detector: Callable[[], Detector]
    landmarker: Callable[[], Landmarks] | Precomputed
    side: int


@dataclass(frozen=True)
class Cleaner:
    """What `Tools` make in the process that uses them; `cleaner` makes one."""

    detector: Detector
    landmarker: Landmarks | Precomputed
    side: int

    def __call__(self, record: PhotoRecord, source: photos.Source | None = None) -> CleanCrop | str:
        """Return the crop of a photo, or the reason why there is none.

        Args:
            record: the photo.
            source: where its file is read; None for `record.path`.
        """
        try:
            landmarker = self.landmarker
            if isinstance(landmarker, Precomputed):
                landmarker = _fixed(landmarker, record.name)
            photo = photos.read(record.path if source is None else source).pixels
            return clean_crop(photo, self.detector, landmarker, self.side, record.eyes)
        except RefusedError as reason:
            return str(reason)
        except PhotoError as error:
            return f"broken photo: {error}"
        except MissingExtraError as error:  # detector and landmarker are there: it is HEIC
            return f"needs the extra {error.extra!r}: {error}"


def cleaner(tools: Tools) -> Cleaner:
    """Open detector and landmarker for this process."""
    landmarker = tools.landmarker
    ready = landmarker if isinstance(landmarker, Precomputed) else landmarker()
    return Cleaner(tools.detector(), ready, tools.side)


def clean_crops(
    records: Sequence[PhotoRecord], tools: Tools, workers: int = 2
) -> Iterator[CleanCrop | str]:
    """Yield for each record, in order, its crop or the reason why there is none.

    Args:
        records: the photos.
        tools: detector, landmarker, side.
        workers: processes; 0 works in this one.

    Raises:
        MissingExtraError: the packages of detector or landmarker are not installed.
        WorkerDiedError: a process was killed.
    """
    yield from in_order(partial(cleaner, tools), records, workers)


def _fixed(landmarks: Precomputed, name: str) -> Landmarks:
    if name not in landmarks:
        raise RefusedError("not in the landmark file")
    return lambda _photo, _box: landmarks[name]


def centerface() -> Detector:
    """Make the default detector, on one CPU thread: the processes share the cores."""
    from mask2face.detectors import CenterFace

    return CenterFace(device="cpu", threads=1)


def dlib_landmarks() -> Landmarks:
    """Make the default landmarker."""
    from mask2face.landmarks import Landmarker

    return Landmarker()
