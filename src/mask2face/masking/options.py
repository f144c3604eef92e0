"""Values that a user gives for a face mask -> the options of a style, checked."""

import difflib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mask2face import photos
from mask2face.errors import PhotoError, UsageError
from mask2face.facemasks.drawn import Options
from mask2face.facemasks.fabric import PRINTS, parse
from mask2face.facemasks.outline import WEARS
from mask2face.registry import lookup

_SPELLED: Final = {"colour": "color", "colour_weight": "color_weight"}  # inside -> for users
_WEIGHED: Final = ("colour", "pattern")  # options that have a weight


def said(option: str) -> str:
    """Return an option of a style as users spell it: `color` for `colour`."""
    return _SPELLED.get(option, option)


def spelled(options: Mapping[str, str | float]) -> dict[str, str | float]:
    """Return options as users spell them."""
    return {said(name): value for name, value in options.items()}


def weights(color_weight: float | None, pattern_weight: float | None) -> dict[str, float | None]:
    """Return both weights by the option that each belongs to.

    Raises:
        UsageError: one is not a number from 0 to 1.
    """
    given = zip(_WEIGHED, (color_weight, pattern_weight), strict=True)
    return {option: _weight(f"{said(option)}_weight", value) for option, value in given}


def _weight(name: str, value: float | None) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool | str) or not 0 <= number <= 1:  # NaN is refused too
        raise UsageError(f"{name} is {value!r}: give a number from 0 to 1")
    return number


def check_wear(name: str | None) -> None:
    """Refuse an unknown way to wear a face mask.

    Raises:
        UnknownNameError: it is none of `WEARS`.
    """
    if name is not None:
        lookup("way to wear a face mask", dict.fromkeys(WEARS), name)


def in_front_of(name: str) -> tuple[str, ...]:
    """Return the keys of `OCCLUDERS` that a name stands for: "hand" also for "hand_at_rim".

    Raises:
        UnknownNameError: there are none.
    """
    from mask2face.facemasks.occluders import OCCLUDERS

    kinds = {key.partition("_")[0]: key for key in OCCLUDERS}
    lookup("object in front", {**OCCLUDERS, **kinds}, name)
    return tuple(key for key in OCCLUDERS if key == name or key.startswith(f"{name}_"))


def told(
    color: str | None,
    pattern: str | os.PathLike[str] | None,
    wear: str | None,
    shares: Mapping[str, float | None],
    folder: Path | None,
) -> Options:
    """Return what is asked for as the styles spell it; a weight only beside what it weighs.

    Args:
        color: "#rrggbb".
        pattern: a print or a picture file.
        wear: one of `WEARS`.
        shares: as `weights` returns them.
        folder: of a template pack, whose pictures `pattern` may name too.

    Raises:
        UsageError: not a colour; neither a print nor a picture.
    """
    found: Options = {}
    if color is not None:
        found["colour"] = _color(color)
    if pattern is not None:
        found["pattern"] = _pattern(pattern, folder)
    for option, share in shares.items():
        if share is not None and option in found:
            found[f"{option}_weight"] = share
    return found if wear is None else found | {"wear": wear}


def check_weighed(shares: Mapping[str, float | None], told_of: set[str]) -> None:
    """Refuse a weight of nothing.

    Args:
        shares: as `weights` returns them.
        told_of: options that some face mask gets.

    Raises:
        UsageError: there is a weight without what it weighs.
    """
    for option, share in shares.items():
        if share is not None and option not in told_of:
            name = said(option)
            raise UsageError(f"{name}_weight says how much of a {name} is seen: give a {name} too")


def _color(text: str) -> str:
    try:
        parse(text)
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"color is {text!r}: give one like '#0473e2'") from error
    return text


def _pattern(asked: str | os.PathLike[str], folder: Path | None) -> str:
    """Return a print's name, or a picture's path, which may start in the pack or beside it."""
    try:
        text = os.fspath(asked)
    except TypeError as error:
        raise UsageError(f"pattern is {asked!r}: give a name or the path of a picture") from error
    if text in PRINTS:
        return text
    roots = [Path()] if folder is None else [Path(), folder, folder.parent]
    for place in (root / text for root in roots):
        if os.path.isfile(place):  # noqa: PTH113 - pathlib's raises where a name is too long
            try:
                photos.read(place)
            except PhotoError as error:
                raise UsageError(f"the pattern is not a picture file: {error}") from error
            return text
    near = difflib.get_close_matches(text, PRINTS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    where = "" if folder is None else f", here or in {folder},"
    raise UsageError(
        f"pattern {text:.200} is no picture file{where} and none of {', '.join(PRINTS)}{hint}"
    )
