"""Photo -> the same photo with a plausible lower face where each face mask was."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import detectors, photos, provenance
from mask2face.errors import UsageError
from mask2face.extra_input import NOISE
from mask2face.faces import Box, alignment, cut, paste
from mask2face.hole_weights import is_masked, soft_hole
from mask2face.restorer import ModelCard, Restorer, find_model

FACES: Final = ("all", "largest")


@dataclass(frozen=True)
class RestoredFace:
    """One face of a photo and what was done to it.

    Attributes:
        box: x0, y0, x1, y1 in photo pixels.
        landmarks: float32 (5, 2), as in `faces.Face`.
        score: the detector's confidence in [0, 1].
        masked: whether a face mask was found, and so replaced.
        hole_fraction: share of the aligned crop that the face mask covers, in [0, 1].
    """

    box: Box
    landmarks: NDArray[np.float32]
    score: float
    masked: bool
    hole_fraction: float


@dataclass(frozen=True)
class Restoration:
    """What `Unmasker` gives back.

    Attributes:
        photo: uint8 (H, W, 3) RGB; where `hole` is 0 it is the input bit for bit.
        hole: float32 (H, W) in [0, 1], 1 = replaced.
        faces: every face found, the surest first.
    """

    photo: NDArray[np.uint8]
    hole: NDArray[np.float32]
    faces: tuple[RestoredFace, ...]

    @property
    def changed(self) -> bool:
        """Whether any face mask was replaced."""
        return any(face.masked for face in self.faces)


@dataclass(frozen=True)
class FoundFaces:
    """What `Unmasker.find` saw in a photo: enough to fill it several times.

    Attributes:
        pixels: the photo, uint8 (H, W, 3) RGB.
        faces: every face found, the surest first.
        matrices: photo px -> crop px, float64 (2, 3), of the faces with a face mask; so the rest.
        crops: as they are, RGB uint8 (N, S, S, 3).
        restored: with their likeliest lower faces, RGB uint8 (N, S, S, 3).
        weights: of the paste, float32 (N, S, S) in [0, 1].
    """

    pixels: NDArray[np.uint8]
    faces: tuple[RestoredFace, ...]
    matrices: tuple[NDArray[np.float64], ...]
    crops: NDArray[np.uint8]
    restored: NDArray[np.uint8]
    weights: NDArray[np.float32]


class Unmasker:
    """Replace the face masks of a photo by plausible, invented lower faces.

    Args:
        model: name of a shipped model, path of an exported ONNX file, or None for the default.
        device: "auto", "cpu", "cuda", "coreml" or "dml".
        faces: "all", or "largest" for the largest face only.
        threshold: hole probability in (0, 1) above which a pixel belongs to the face mask.
        threads: CPU threads of each network call; 0 = one a core.
        restorer: opens the model's file on the device, with so many threads.
        detector: key of `DETECTORS`, "centerface" or "own": ours is about five times as fast, and
            misses about a tenth of the faces that the other finds.

    Attributes:
        card: the model's card.
        provider: ONNX Runtime's execution provider in use.

    Raises:
        ModelError: the model is missing or broken, or wants a FaceNet file that is not beside it.
        MissingExtraError: the model wants dlib's face embeddings, and dlib is not installed.
        UnknownNameError: no model, device or detector of that name.
        DeviceError: the device is not available.
        UsageError: `faces` or `threshold` is not accepted.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        device: str = "auto",
        *,
        faces: str = "all",
        threshold: float = 0.5,
        threads: int = 0,
        restorer: Callable[[Path, str, int], Restorer] = Restorer,
        detector: str = "centerface",
    ) -> None:
        if faces not in FACES:
            raise UsageError(f"faces is {faces!r}: choose {' or '.join(map(repr, FACES))}")
        if not 0 < threshold < 1:
            raise UsageError(f"threshold is {threshold}: give a number between 0 and 1")
        self.faces, self.threshold = faces, threshold
        self._restorer = restorer(find_model(model, device), device, threads)
        self._restorer.prepare()
        extra = self._restorer.extra
        self._noise = extra.size if extra is not None and extra.name == NOISE else 0
        self._detector = detectors.detector(detector, device, threads)
        self.card: ModelCard = self._restorer.card
        self.provider: str = self._restorer.provider

    def __call__(self, photo: photos.Source | photos.Photo) -> Restoration:
        """Find every face, and replace the face mask of each that wears one.

        Args:
            photo: path, bytes, binary stream, Pillow image, RGB uint8 array (H, W, 3), or a
                `photos.Photo`.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.fill(self.find(photo))

    def sample(
        self, photo: photos.Source | photos.Photo, count: int, seed: int = 0
    ) -> tuple[Restoration, ...]:
        """Fill one photo several times, each time with other plausible lower faces.

        The first result is the likeliest one, that of `unmasker(photo)`; the others are drawn at
        random, each face of a photo by itself. All replace the same pixels. A result depends on
        the seed and on its number, not on `count`.

        Args:
            photo: as in `unmasker(photo)`.
            count: results, at least 1.
            seed: 0 or more; the same seed gives the same pictures.

        Raises:
            UsageError: the model knows one lower face only, or `count` or `seed` is not accepted.
            PhotoError: the photo cannot be read.
        """
        self.check_samples(count, seed)
        found = self.find(photo)
        return tuple(self.fill(found, seed, number) for number in range(count))

    def check_samples(self, count: int, seed: int) -> None:
        """Refuse what `sample` cannot do.

        Raises:
            UsageError: see `sample`.
        """
        if not self._noise:
            raise UsageError(
                f"model {self.card.name!r} ({self.card.net}) knows one lower face for a photo: "
                "for several, train the net 'vae', export it and give that file as the model"
            )
        if count < 1 or seed < 0:
            raise UsageError(f"samples is {count}, seed is {seed}: give at least 1, and at least 0")

    def find(self, photo: photos.Source | photos.Photo) -> FoundFaces:
        """Find every face of a photo, and restore those that wear a face mask.

        Raises:
            PhotoError: the photo cannot be read.
        """
        pixels = (photo if isinstance(photo, photos.Photo) else photos.read(photo)).pixels
        found = self._detector(pixels)
        if self.faces == "largest" and found:
            found = [max(found, key=lambda face: face.area)]
        side = self.card.side
        matrices = [alignment(face, side) for face in found]
        crops = np.empty((len(found), side, side, 3), np.uint8)
        for index, matrix in enumerate(matrices):
            crops[index] = cut(pixels, matrix, side)
        restored, probabilities = self._restorer(crops)
        weights = np.empty(probabilities.shape, np.float32)
        done = []
        for index, (face, probability) in enumerate(zip(found, probabilities, strict=True)):
            weights[index], fraction = soft_hole(probability, self.threshold)
            masked = is_masked(probability, fraction)
            done.append(RestoredFace(face.box, face.landmarks, face.score, masked, fraction))
        kept = [index for index, face in enumerate(done) if face.masked]
        chosen = tuple(matrices[index] for index in kept)
        return FoundFaces(pixels, tuple(done), chosen, crops[kept], restored[kept], weights[kept])

    def fill(self, found: FoundFaces, seed: int = 0, number: int = 0) -> Restoration:
        """Put lower faces into a photo.

        Args:
            found: what `find` gave.
            seed: 0 or more; see `sample`.
            number: 0 for the likeliest lower faces; others, of models that pass `check_samples`,
                for those drawn by (`seed`, `number`).
        """
        restored = found.restored
        if number:
            wanted = (len(found.crops), self._noise)
            noise = np.random.default_rng([seed, number]).standard_normal(wanted, np.float32)
            restored, _ = self._restorer(found.crops, noise)
        pixels = found.pixels if found.matrices else found.pixels.copy()
        hole = np.zeros(pixels.shape[:2], np.float32)
        for crop, weight, matrix in zip(restored, found.weights, found.matrices, strict=True):
            pixels, here = paste(pixels, crop, weight, matrix)
            hole = np.maximum(hole, here)
        return Restoration(pixels, hole, found.faces)

    def restore(self, photo: photos.Photo) -> tuple[photos.Photo, Restoration]:
        """Return `photo` with its face masks replaced and marked as such, and what was done.

        A photo without a face mask comes back as it is, without a mark.
        """
        result = self(photo)
        return marked(photo, result), result


def marked(photo: photos.Photo, result: Restoration) -> photos.Photo:
    """Return `photo` with the pixels of a result and the mark of altered photos.

    A photo without a face mask comes back as it is, without a mark.
    """
    if not result.changed:
        return photo
    return replace(photo, pixels=result.photo, xmp=provenance.mark(photo.xmp))


def unmask(photo: photos.Source, model: str | Path | None = None, device: str = "auto") -> Any:  # noqa: ANN401 - the kind that came in
    """Replace every face mask of a photo by a plausible, invented lower face.

    The result does not show who someone is: never use it to identify, verify or accuse anyone.

    Args:
        photo: path, bytes of a file, Pillow image, or RGB uint8 array (H, W, 3).
        model: see `Unmasker`.
        device: see `Unmasker`.

    Returns:
        The same kind: bytes (same format, marked) for bytes, an array for an array, a Pillow image
        for a Pillow image, a path or a stream. An array holds no mark; a Pillow image has it in
        `info["xmp"]` where a face changed, and its `save` writes it only when told:
        `save(path, xmp=out.info.get("xmp", b""))`.

    Raises:
        PhotoError: the photo cannot be read.
        ModelError: the model is missing or broken, or wants a FaceNet file that is not beside it.
        MissingExtraError: the model wants dlib's face embeddings, and dlib is not installed.
        DeviceError: the device is not available.
    """
    read = photos.read(photo)
    changed, result = _shared(model, device).restore(read)
    if isinstance(photo, np.ndarray):
        return result.photo
    if isinstance(photo, bytes):
        return photos.encode(changed) if result.changed else photo
    return photos.to_image(changed)


@lru_cache(maxsize=2)
def _shared(model: str | Path | None, device: str) -> Unmasker:
    return Unmasker(model, device)


def summary(faces: Sequence[RestoredFace]) -> str:
    """Say in a few words what was found: "2 faces, 1 face mask replaced"."""
    if not faces:
        return "no face"
    masked = sum(face.masked for face in faces)
    count = f"{len(faces)} face{'s' if len(faces) != 1 else ''}"
    return f"{count}, {masked or 'no'} face mask{'' if masked == 1 else 's'} replaced"
