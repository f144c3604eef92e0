"""The second input of some exported models: a vector a crop, noise or a face embedding."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.errors import ModelError

if TYPE_CHECKING:
    from mask2face.face_embedding import FaceEmbedder

FACE, NOISE = "face", "noise"
EXTRAS: Final = (FACE, NOISE)
BUILT_IN: Final = "dlib"  # the embedder that is no file
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Crops, RGB uint8 (N, S, S, 3) -> float32 (N, E); `FaceVectors` is one."""


@dataclass(frozen=True)
class Extra:
    """The vector that a model wants beside each crop.

    Attributes:
        name: "face", the numbers that a face-recognition net gives for the face in its face mask,
            or "noise", standard normal numbers of which zeros give the likeliest face.
        size: numbers a crop.
    """

    name: str
    size: int


class FaceVectors:
    """Compute the input "face" of a model; what computes it is opened at the first use.

    Args:
        model: the model's file, for messages; a FaceNet file is looked for beside it.
        embedder: of the model's card: "dlib", or the name of a FaceNet file.
        size: numbers a crop that the model wants.
    """

    def __init__(self, model: Path, embedder: str, size: int) -> None:
        self._model, self._embedder, self._size = model, embedder, size
        self._found: FaceEmbedder | None = None

    def open(self) -> "FaceEmbedder":
        """Return what computes the embeddings.

        Raises:
            ModelError: the card names none; its file is missing or broken, or gives vectors of
                another size.
            MissingExtraError: dlib, or the package with its model file, is not installed.
        """
        if self._found is None:
            from mask2face.face_embedding import FaceEmbedder

            found = FaceEmbedder.find(self._place())
            if found.size != self._size:
                raise ModelError(
                    f"{found.name} gives {found.size} numbers a face, {self._model} wants "
                    f"{self._size}: use the face-recognition net that the model was trained with"
                )
            self._found = found
        return self._found

    def _place(self) -> str | Path:
        if self._embedder == BUILT_IN:
            return BUILT_IN
        if not self._embedder:
            raise ModelError(
                f"{self._model} wants face embeddings, and its card does not say whose: "
                "export it again with `mask2face export`"
            )
        place = self._model.parent / Path(self._embedder).name
        if not place.is_file():
            raise ModelError(
                f"{self._model} wants the face embeddings of {place.name}, which is not beside it: "
                f"copy that file to {place}, or use a model trained with {BUILT_IN!r}"
            )
        return place

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the embeddings (N, `size`) of `crops`, RGB uint8 (N, S, S, 3).

        Raises:
            ModelError: see `open`.
            MissingExtraError: see `open`.
        """
        if not len(crops):
            return np.zeros((0, self._size), np.float32)
        return self.open()(crops)
