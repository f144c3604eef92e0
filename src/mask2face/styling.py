"""What a configuration asks for -> the function that draws it, and what of it has no effect."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face import photos
from mask2face.configuration import Configuration
from mask2face.datasets.record import photo_files
from mask2face.drawing import Draw
from mask2face.errors import ConfigurationError, PhotoError
from mask2face.facemasks import FACEMASKS, WEIGHTS, Drawn, draw, draw_random
from mask2face.facemasks.fabric import PRINTS
from mask2face.facemasks.templates import TemplatePack
from mask2face.registry import lookup

FACE: Final = 100  # px, width of the face that `coordinates_range` is meant for: that of LFW
_KEYS: Final = (
    *("mask_type", "mask_weights", "templates_path", "mask_color", "mask_color_weight"),
    *("mask_pattern", "mask_pattern_weight", "path_to_patterns", "coordinates_range"),
)


@dataclass(frozen=True)
class Styling:
    """How a configuration wants face masks drawn.

    Attributes:
        draw: draws one; picklable.
        facts: what `draw` depends on, for `meta.json`.
        notes: the keys that change nothing, each with the reason.
    """

    draw: Draw
    facts: dict[str, Any]
    notes: tuple[str, ...]


def styling(settings: Configuration) -> Styling:
    """Read the keys about style, colour, pattern and shape.

    Raises:
        UnknownNameError: no such style, template or print.
        ConfigurationError: no style takes the colour and the pattern that were asked for, a
            picture is missing or broken, or keys contradict each other.
        DataError: the template pack is missing or broken.
    """
    pack = None if settings.templates_path is None else TemplatePack.open(settings.templates_path)
    shares = _shares(settings, pack)
    pattern, folder = _pattern(settings, pack), _pictures(settings)
    must = {"colour": settings.mask_color, "pattern": pattern}
    must = {name: value for name, value in must.items() if value is not None}
    taking = {name: _parameters(name, pack) for name in shares}
    taking = {name: found for name, found in taking.items() if must.keys() <= found}
    if not taking:
        raise ConfigurationError(
            f"mask_type {settings.mask_type!r} takes no {' and '.join(sorted(must))}: "
            "leave mask_color and mask_pattern null, or choose another mask_type"
        )
    may, notes = _wishes(settings, folder)
    notes += [
        f"{key} has no effect: {', '.join(taking)} take no {name}"
        for name, (key, _) in may.items()
        if not any(name in found for found in taking.values())
    ]
    if folder and pattern is not None and pattern not in folder:
        notes.append("path_to_patterns has no effect: mask_pattern names another one")
    options = {
        style: must | {name: value for name, (_, value) in may.items() if name in found}
        for style, found in taking.items()
    }
    facts = {key: _plain(getattr(settings, key)) for key in _KEYS}
    facts["patterns"] = [Path(path).name for path in folder]
    random = settings.mask_type.lower() == "random"
    plain = random and pack is None and not any(options.values())
    drawn: Draw
    if plain:
        drawn = draw_random if shares is WEIGHTS else partial(draw_random, weights=shares)
    elif (
        random and pack is not None and settings.mask_weights is None and not any(options.values())
    ):
        drawn = pack.draw_random
    else:
        drawn = _Drawer({name: shares[name] for name in taking}, options, pack, random)
    return Styling(drawn, facts, tuple(notes))


@dataclass(frozen=True)
class _Drawer:
    """Draws one of some styles with fixed options; a list of patterns is one to choose from."""

    shares: Mapping[str, float]
    options: Mapping[str, Mapping[str, Any]]
    pack: TemplatePack | None
    random: bool

    def __call__(
        self,
        photo: NDArray[np.uint8],
        landmarks: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> Drawn:
        options = {style: _one_pattern(own, rng) for style, own in self.options.items()}
        if self.random and self.pack is None:
            return _without_folder(draw_random(photo, landmarks, rng, self.shares, options))
        weights = np.array(list(self.shares.values()))
        style = list(self.shares)[rng.choice(len(weights), p=weights / weights.sum())]
        draws = draw if self.pack is None else self.pack.draw
        drawn = draws(style, photo, landmarks, rng, **options[style])
        return _without_folder(drawn)


def _one_pattern(options: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Choose one where there is a list of patterns."""
    pattern = options.get("pattern")
    if not isinstance(pattern, tuple):
        return dict(options)
    return {**options, "pattern": pattern[int(rng.integers(len(pattern)))]}


def _without_folder(drawn: Drawn) -> Drawn:
    """Name a picture without its folder: pairs are the same wherever they are made."""
    pattern = drawn.options.get("pattern")
    if not isinstance(pattern, str) or pattern in PRINTS:
        return drawn
    return replace(drawn, options={**drawn.options, "pattern": Path(pattern).name})


def _shares(settings: Configuration, pack: TemplatePack | None) -> Mapping[str, float]:
    """Return the styles that are drawn, with their shares."""
    known: Iterable[str] = FACEMASKS if pack is None else pack.names
    kind = "face-mask style" if pack is None else "template"
    asked = settings.mask_weights
    style = settings.mask_type.lower()
    if style != "random":
        lookup(kind, dict.fromkeys(known), style)
        if asked is not None:
            raise ConfigurationError(
                f"mask_weights is for mask_type 'random', but mask_type is {settings.mask_type!r}: "
                "remove one of them"
            )
        return {style: 1.0}
    if asked is None:
        return WEIGHTS if pack is None else dict.fromkeys(pack.names, 1.0)
    for name in asked:
        lookup(kind, dict.fromkeys(known), name)
    return {name: share for name, share in asked.items() if share > 0}


def _wishes(
    settings: Configuration, folder: tuple[str, ...]
) -> tuple[dict[str, tuple[str, Any]], list[str]]:
    """Return option -> (key, value) for the styles that take it; and the keys without effect."""
    wishes: dict[str, tuple[str, Any]] = {}
    notes = []
    if settings.mask_color_weight is not None:
        if settings.mask_color is None:
            notes.append("mask_color_weight has no effect: mask_color is null")
        else:
            wishes["colour_weight"] = "mask_color_weight", settings.mask_color_weight
    if settings.mask_pattern_weight is not None:
        if settings.mask_pattern is None and not folder:
            notes.append(
                "mask_pattern_weight has no effect: mask_pattern and path_to_patterns are null"
            )
        else:
            wishes["pattern_weight"] = "mask_pattern_weight", settings.mask_pattern_weight
    if folder and settings.mask_pattern is None:
        wishes["pattern"] = "path_to_patterns", folder
    if settings.coordinates_range is not None:
        low, high = settings.coordinates_range
        wishes["spread"] = "coordinates_range", (low / FACE, high / FACE)
    return wishes, notes


def _parameters(style: str, pack: TemplatePack | None) -> frozenset[str]:
    """Return the names of the options that a style takes."""
    function = FACEMASKS[style] if pack is None else pack.draw
    return frozenset(inspect.signature(function).parameters)


def _pattern(settings: Configuration, pack: TemplatePack | None) -> str | None:
    """Return the print or the picture file that `mask_pattern` names."""
    name = settings.mask_pattern
    if name is None or name in PRINTS:
        return name
    folders = [Path(), settings.path_to_patterns, settings.templates_path]
    for folder in folders:
        if folder is not None and (folder / name).is_file():
            return _readable(folder / name, "mask_pattern")
    if Path(name).suffix or Path(name).name != name:
        raise ConfigurationError(
            f"mask_pattern is {name!r}: there is no such picture; expected a file, a file of "
            "path_to_patterns, or a print"
        )
    lookup("print", dict.fromkeys(PRINTS), name)
    return name


def _pictures(settings: Configuration) -> tuple[str, ...]:
    """Return the pictures in `path_to_patterns`, sorted; none if it is null."""
    folder = settings.path_to_patterns
    if folder is None:
        return ()
    if not folder.is_dir():
        raise ConfigurationError(
            f"path_to_patterns is {str(folder)!r}: there is no such folder; put pictures of "
            "patterns there, or set it to null for prints"
        )
    found = tuple(_readable(path, "path_to_patterns") for path in photo_files(folder.iterdir()))
    if not found:
        raise ConfigurationError(f"path_to_patterns is {str(folder)!r}: it holds no pictures")
    return found


def _readable(path: Path, key: str) -> str:
    try:
        photos.read(path)
    except PhotoError as error:
        raise ConfigurationError(f"{key}: {error}") from error
    return str(path)


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value
