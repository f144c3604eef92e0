"""One photo -> the bytes of its result and what to say about it: `unmask`, and what it shares."""

import io
import threading
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.cli.batch import Outcome, Tell
from mask2face.encoding import format_named
from mask2face.errors import UsageError
from mask2face.folders import Job
from mask2face.pipeline import FoundFaces, Restoration, RestoredFace, Unmasker, marked, summary

TAGS: Final = {"photo": "unmasked", "compare": "compare", "hole": "hole"}  # kind -> name's tag


@dataclass(frozen=True)
class Wanted:
    """What to write.

    Attributes:
        kind: key of `TAGS`.
        format: as the user says it, or None for what the output's suffix or the photo says.
        quality: 1 to 100, or None for the photo's own.
    """

    kind: str = "photo"
    format: str | None = None
    quality: int | None = None

    def __post_init__(self) -> None:
        if self.format is not None:
            format_named(self.format)
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise UsageError(f"quality {self.quality} is not accepted: give 1 to 100")


def wanted(compare: bool, hole_only: bool, format: str | None, quality: int | None) -> Wanted:
    """Return what the options of `unmask` ask for.

    Raises:
        UsageError: they contradict each other, or a value is not accepted.
        UnknownNameError: no such format.
    """
    if compare and hole_only:
        raise UsageError("--compare and --hole-only both say what to write: choose one")
    if hole_only and format is not None and format_named(format) != "PNG":
        raise UsageError("--hole-only writes PNG: leave --format out")
    kind = "compare" if compare else "hole" if hole_only else "photo"
    return Wanted(kind, "png" if hole_only else format, quality)


class Work:
    """Does the jobs of `mask2face unmask`; the faces of a photo are looked for once.

    Threads may share it, each with photos of its own.

    Args:
        unmasker: fills the photos.
        want: what to write.
        seed: of the samples but the first.
    """

    def __init__(self, unmasker: Unmasker, want: Wanted, seed: int = 0) -> None:
        self._unmasker, self._want, self._seed = unmasker, want, seed
        self._last = _Last()

    def __call__(self, job: Job, data: bytes, tell: Tell) -> Outcome:
        """Fill the photo in `data`."""
        want = self._want
        if want.kind == "hole" and job.target and job.target.suffix.lower() != ".png":
            raise UsageError(f"{job.target}: --hole-only writes PNG: name the output .png")
        photo, found = self._found(job, data, tell)
        result = self._unmasker.fill(found, self._seed, max(job.sample - 1, 0))
        out = self._encoded(job, data, photo, result)
        words = summary(result.faces)
        if not result.changed and want.kind == "photo":
            words += ": unchanged copy"
        if result.changed and want.kind != "hole":
            warn_without_mark(photo, job, want, tell)
        state = "done" if result.changed else "no face mask" if result.faces else "no face"
        facts: dict[str, Any] = {"faces": [_facts(face) for face in result.faces]}
        if job.sample:
            facts |= {"sample": job.sample, "seed": self._seed}
        return Outcome(state, words, out, facts)

    def _found(self, job: Job, data: bytes, tell: Tell) -> tuple[photos.Photo, FoundFaces]:
        if self._last.found is not None and self._last.data == data and job.sample > 1:
            return self._last.found
        self._last.found = None  # frees the photo before
        photo = read(job, data, tell)
        found = photo, self._unmasker.find(photo)
        if job.sample:  # others follow
            self._last.data, self._last.found = data, found
        return found

    def _encoded(self, job: Job, data: bytes, photo: photos.Photo, result: Restoration) -> bytes:
        """Return the file to write: its input byte for byte where nothing is to be changed."""
        want = self._want
        if want.kind == "hole":
            return grey_png(result.hole)
        changed = marked(photo, result)
        if want.kind == "compare":
            return encoded(_side_by_side(photo, changed), job, want)
        if not result.changed and photo.found == _format(photo, job, want):
            return data
        return encoded(changed, job, want)


class _Last(threading.local):
    """The photo that this thread worked on last, while it has several results."""

    data = b""
    found: tuple[photos.Photo, FoundFaces] | None = None


class _Named(io.BytesIO):
    """Bytes that know where they come from, for messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def read(job: Job, data: bytes, tell: Tell) -> photos.Photo:
    """Return the photo in `data`; tell what is lost of it.

    Raises:
        PhotoError: it cannot be read.
    """
    photo = photos.read(_Named(data, str(job.source or "stdin")))
    for note in photo.notes:
        tell(f"note: {job.source or 'stdin'}: {note}")
    return photo


def _format(photo: photos.Photo, job: Job, want: Wanted) -> str:
    if want.format is not None:
        return format_named(want.format)
    named = photos.format_of(job.target) if job.target is not None else None
    return named or photo.format


def encoded(photo: photos.Photo, job: Job, want: Wanted) -> bytes:
    """Return the file of a photo in the format asked for."""
    return photos.encode(photo, _format(photo, job, want), want.quality)


def warn_without_mark(photo: photos.Photo, job: Job, want: Wanted, tell: Tell) -> None:
    """Tell where the format cannot hold the mark of altered photos."""
    format = _format(photo, job, want)
    if not provenance.carries_mark(format):
        tell(f"warning: {job}: {format} cannot hold the mark of altered photos")


def _side_by_side(before: photos.Photo, after: photos.Photo) -> photos.Photo:
    alpha = None if before.alpha is None else np.hstack([before.alpha, before.alpha])
    return replace(after, pixels=np.hstack([before.pixels, after.pixels]), alpha=alpha)


def grey_png(hole: NDArray[np.float32]) -> bytes:
    """Return a hole (H, W) in [0, 1] as a grey PNG, 255 = 1."""
    level = np.rint(hole * 255).astype(np.uint8)
    return photos.encode(photos.Photo(np.repeat(level[..., None], 3, 2), format="PNG", grey=True))


def _facts(face: RestoredFace) -> dict[str, Any]:
    return {
        "box": rounded(face.box),
        "landmarks": [rounded(point) for point in face.landmarks.tolist()],
        "score": round(face.score, 4),
        "masked": face.masked,
        "hole_fraction": round(face.hole_fraction, 4),
    }


def rounded(values: Any) -> list[float]:  # noqa: ANN401
    """Return numbers with two decimals, for JSON."""
    return [round(float(value), 2) for value in values]
