"""The bytes of a photo and options -> the bytes of the answer; what the worker threads do."""

import base64
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.encoding import format_named
from mask2face.errors import UsageError
from mask2face.pipeline import FoundFaces, marked
from mask2face.registry import lookup
from mask2face.server.accept import JSON, MEDIA, best
from mask2face.server.batching import BatchedUnmasker
from mask2face.server.choosing import chosen
from mask2face.server.facts import face_with_mask, rounded, unmasked_face
from mask2face.server.metrics import Metrics
from mask2face.server.options import (
    MaskOptions,
    Unmasked,
    UnmaskOptions,
    WithMasks,
)

if TYPE_CHECKING:
    from mask2face.masking import Masked, Masker


@dataclass(frozen=True)
class Answer:
    """What to send.

    Attributes:
        body: all of it.
        media_type: of `body`.
        headers: counts, and whether the picture carries the mark of altered photos.
    """

    body: bytes
    media_type: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Picture:
    body: bytes
    media_type: str
    mark: bool = False


class Service:
    """Do requests; threads may share it.

    Args:
        unmasker: fills the photos.
        metrics: is told of faces.
        max_pixels: of a photo.
        device: of the detector of `mask`, as in `Masker`.
        threads: of that detector.
    """

    def __init__(
        self,
        unmasker: BatchedUnmasker,
        metrics: Metrics,
        max_pixels: int,
        device: str = "auto",
        threads: int = 0,
    ) -> None:
        self.unmasker = unmasker
        self._metrics, self._max_pixels = metrics, max_pixels
        self._device, self._threads = device, threads
        self._masker: Masker | None = None
        self._drawing = threading.Lock()

    def close(self) -> None:
        """End the batcher's thread."""
        self.unmasker.close()

    def unmask(self, data: bytes, asked: UnmaskOptions, wanted: Mapping[str, float]) -> Answer:
        """Replace the face masks of a photo.

        Args:
            data: the photo's file.
            asked: the options.
            wanted: of `accept.preferences`.

        Raises:
            Mask2FaceError: the photo cannot be read, or an option is not accepted.
        """
        format = _format(asked.format)
        if asked.hole_only and format not in (None, "PNG"):
            raise UsageError("hole_only answers with a PNG: leave format out")
        unmasker = self.unmasker.asked(asked.faces, asked.threshold)
        if asked.sample > 1:
            unmasker.check_samples(asked.sample, asked.seed)
        photo = photos.read(data, self._max_pixels)
        found = unmasker.find(photo)
        self._metrics.saw(face.masked for face in found.faces)
        filled = chosen(found, asked.only)
        kind = best(wanted, "PNG" if asked.hole_only else format or photo.format)
        picture = None
        if kind != JSON or asked.inline:
            picture = self._filled(data, photo, filled, asked, _target(kind, format, photo))
        replaced = [face.masked for face in filled.faces]
        if kind != JSON:
            counts = {"Faces": len(found.faces), "Replaced": sum(replaced)}
            return _picture_answer(picture, counts, "hole" if asked.hole_only else "unmasked")
        height, width = photo.pixels.shape[:2]
        answer = Unmasked(
            width=width,
            height=height,
            notes=list(photo.notes),
            statement=provenance.STATEMENT,
            changed=any(replaced),
            faces=list(map(unmasked_face, found.faces, replaced)),
            model=unmasker.card.name,
            sample=asked.sample,
            seed=asked.seed,
            **_inline(picture),
        )
        return Answer(answer.model_dump_json().encode(), "application/json", {})

    def _filled(
        self,
        data: bytes,
        photo: photos.Photo,
        found: FoundFaces,
        asked: UnmaskOptions,
        format: str,
    ) -> _Picture:
        result = self.unmasker.fill(found, asked.seed, asked.sample - 1)
        if asked.hole_only:
            return _Picture(_grey_png(result.hole), MEDIA["PNG"])
        changed = result.changed
        return _encoded(data, photo, marked(photo, result), changed, format, asked.quality)

    def mask(self, data: bytes, asked: MaskOptions, wanted: Mapping[str, float]) -> Answer:
        """Draw face masks on a photo; arguments and errors as in `unmask`.

        Raises:
            MissingExtraError: the extra `data` is not installed.
        """
        format = _format(asked.format)
        photo = photos.read(data, self._max_pixels)
        drawn = self._drawn(photo, asked)
        changed = bool((drawn.photo != photo.pixels).any())
        after = photo
        if changed:
            from mask2face.masking import STATEMENT

            xmp = provenance.mark(photo.xmp, STATEMENT, provenance.DRAWN)
            after = replace(photo, pixels=drawn.photo, xmp=xmp)
        kind = best(wanted, format or photo.format)
        picture = None
        if kind != JSON or asked.inline:
            target = _target(kind, format, photo)
            picture = _encoded(data, photo, after, changed, target, asked.quality)
        if kind != JSON:
            return _picture_answer(picture, {"Faces": len(drawn.faces)}, "masked")
        return Answer(_described(drawn, photo, asked, picture), "application/json", {})

    def _drawn(self, photo: photos.Photo, asked: MaskOptions) -> "Masked":
        from mask2face.facemasks.fabric import PRINTS
        from mask2face.masking import Masker

        if asked.pattern is not None:  # never a file of this machine
            lookup("print", dict.fromkeys(PRINTS), asked.pattern)
        options = asked.model_dump(exclude={"format", "quality", "inline"})
        with self._drawing:
            if self._masker is None:
                self._masker = Masker(device=self._device, threads=self._threads)
            return self._masker(photo, **options)


def _described(
    drawn: "Masked", photo: photos.Photo, asked: MaskOptions, picture: _Picture | None
) -> bytes:
    from mask2face.masking import STATEMENT

    height, width = photo.pixels.shape[:2]
    answer = WithMasks(
        width=width,
        height=height,
        notes=list(photo.notes),
        statement=STATEMENT,
        seed=asked.seed,
        faces=[face_with_mask(face) for face in drawn.faces],
        undrawn=[rounded(box) for box in drawn.undrawn],
        **_inline(picture),
    )
    return answer.model_dump_json().encode()


def _format(name: str | None) -> str | None:
    return None if name is None else format_named(name)


def _target(kind: str, format: str | None, photo: photos.Photo) -> str:
    """Return the format to write: what ?format= says, else what Accept prefers, else as sent."""
    return format or (photo.format if kind == JSON else kind)


def _encoded(
    data: bytes,
    before: photos.Photo,
    after: photos.Photo,
    changed: bool,
    format: str,
    quality: int | None,
) -> _Picture:
    """Return the file to send: what came, byte for byte, where nothing is to be changed."""
    if not changed and before.found == format:
        return _Picture(data, MEDIA[format])
    mark = changed and provenance.carries_mark(format)
    return _Picture(photos.encode(after, format, quality), MEDIA[format], mark)


def _picture_answer(picture: _Picture | None, counts: Mapping[str, int], name: str) -> Answer:
    if picture is None:
        raise TypeError("an answer in pixels needs a picture")
    headers = {f"Mask2face-{key}": str(value) for key, value in counts.items()}
    headers["Mask2face-Mark"] = "xmp" if picture.mark else "none"
    suffix = next(end for key, end in photos.FORMATS.items() if MEDIA[key] == picture.media_type)
    headers["Content-Disposition"] = f'inline; filename="{name}{suffix}"'
    return Answer(picture.body, picture.media_type, headers)


def _inline(picture: _Picture | None) -> dict[str, Any]:
    if picture is None:
        return {}
    return {
        "photo": base64.b64encode(picture.body).decode(),
        "media_type": picture.media_type,
    }


def _grey_png(hole: NDArray[np.float32]) -> bytes:
    """Return a hole (H, W) in [0, 1] as a grey PNG, 255 = 1."""
    level = np.rint(hole * 255).astype(np.uint8)
    return photos.encode(photos.Photo(np.repeat(level[..., None], 3, 2), format="PNG", grey=True))
