"""Where face masks come from, behind one face: our own styles, or a template pack."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mask2face.facemasks import FACEMASKS, WEIGHTS, Drawn, draw
from mask2face.facemasks.drawn import Photo, Points


class Wardrobe(Protocol):
    """A set of face masks by name.

    Attributes:
        folder: of the template pack, None for our own styles.
        names: all of them.
        shares: name -> how often "random" draws it. "all" is all of these, also those with 0; what
            is left out is drawn only where it is named.
    """

    folder: Path | None
    names: tuple[str, ...]
    shares: Mapping[str, float]

    def takes(self, name: str) -> frozenset[str]:
        """Return which options a face mask takes: `colour`, `wear`, ..."""

    def draw(
        self,
        name: str,
        photo: Photo,
        landmarks: Points,
        rng: np.random.Generator,
        **options: str | float,
    ) -> Drawn:
        """Draw one; see `facemasks.draw`."""


class Own:
    """The styles of `FACEMASKS`."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.names = tuple(FACEMASKS)
        self.shares: Mapping[str, float] = {
            style: WEIGHTS.get(style, 0) for style in self.names if style != "bare"
        }

    def takes(self, name: str) -> frozenset[str]:
        """Return which options a style takes, as its signature says."""
        return _keywords(FACEMASKS[name])

    def draw(
        self,
        name: str,
        photo: Photo,
        landmarks: Points,
        rng: np.random.Generator,
        **options: str | float,
    ) -> Drawn:
        """Draw one; see `facemasks.draw`."""
        return draw(name, photo, landmarks, rng, **options)


class Pack:
    """The templates of a folder in MaskTheFace's format.

    Raises:
        Mask2FaceError: the folder holds no template pack.
    """

    def __init__(self, folder: str | Path) -> None:
        from mask2face.facemasks.templates import TemplatePack

        self._pack = TemplatePack.open(folder)
        self.folder: Path | None = Path(folder)
        self.names = tuple(self._pack.names)
        self.shares: Mapping[str, float] = dict.fromkeys(self.names, 1.0)

    def takes(self, name: str) -> frozenset[str]:
        """Return which options a template takes."""
        return _keywords(self._pack.draw)

    def draw(
        self,
        name: str,
        photo: Photo,
        landmarks: Points,
        rng: np.random.Generator,
        **options: str | float,
    ) -> Drawn:
        """Draw one; see `TemplatePack.draw`."""
        told: dict[str, Any] = dict(options)  # `drawer` has checked the types
        return self._pack.draw(name, photo, landmarks, rng, **told)


def _keywords(function: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(function).parameters.values()
    return frozenset(one.name for one in parameters if one.kind is one.KEYWORD_ONLY)
