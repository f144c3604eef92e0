"""What a user asks for -> a `Drawer`, all of it checked before anything is drawn."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from mask2face import mean_face
from mask2face.errors import UsageError
from mask2face.facemasks import Drawn, draw_random
from mask2face.facemasks.drawn import Options, Photo, Points
from mask2face.faces import Face
from mask2face.masking.code import parse_code
from mask2face.masking.options import check_wear, check_weighed, in_front_of, said, told, weights
from mask2face.masking.wardrobe import Own, Pack, Wardrobe
from mask2face.registry import lookup

ALIASES: Final = {"surgical_blue": "#3f8fcb", "surgical_green": "#5fb59b"}  # MaskTheFace's names
_DEALING: Final = 0xC0DE  # keeps the order of a code apart from the faces' own random numbers


@dataclass(frozen=True)
class Choice:
    """A face mask that a face may get.

    Attributes:
        style: name in the wardrobe.
        options: what the style is told, as it spells it: `colour`, `wear`, ...
        share: how often, against the other choices.
    """

    style: str
    options: Options
    share: float = 1.0


@dataclass(frozen=True)
class Drawer:
    """Draws what was asked for; `drawer` makes one.

    Attributes:
        wardrobe: where the face masks come from.
        choices: what may be drawn, at least one.
        in_front: keys of `OCCLUDERS`, one of which whoever calls draws too; empty for nothing.
        dealt: every face of a photo takes the next of the choices, in a random order; otherwise
            each draws its own.
        free: nothing but "random" was asked for: face masks are now and then worn wrongly too.
    """

    wardrobe: Wardrobe
    choices: tuple[Choice, ...]
    in_front: tuple[str, ...] = ()
    dealt: bool = False
    free: bool = False

    def __call__(
        self, photo: Photo, landmarks: Points, rng: np.random.Generator, dealt: int | None = None
    ) -> Drawn:
        """Draw a face mask, without what is in front of it.

        Args:
            photo: uint8 (H, W, 3) RGB, not changed.
            landmarks: (68, 2) x, y in photo px, iBUG order.
            rng: source of all randomness.
            dealt: index of the choice, None for a random one.

        Raises:
            ValueError: the face is too small.
        """
        if self.free:
            shares = {one.style: one.share for one in self.choices}
            return draw_random(photo, landmarks, rng, shares)
        if dealt is None:
            odds = np.array([one.share for one in self.choices]) + 1e-9  # all may be 0
            dealt = int(rng.choice(len(odds), p=odds / odds.sum()))
        one = self.choices[dealt]
        return self.wardrobe.draw(one.style, photo, landmarks, rng, **one.options)

    def deal(self, seed: int, index: int) -> int | None:
        """Return which choice face `index` of a photo takes; None where each draws its own."""
        if not self.dealt:
            return None
        order = np.random.default_rng([seed, _DEALING]).permutation(len(self.choices))
        return int(order[index % len(order)])

    def each(self) -> dict[str, "Drawer"]:
        """Return a drawer for every style alone, as `--style all` draws them."""
        return {one.style: replace(self, choices=(one,), free=False) for one in self.choices}


def drawer(
    style: str = "random",
    color: str | None = None,
    *,
    color_weight: float | None = None,
    pattern: str | os.PathLike[str] | None = None,
    pattern_weight: float | None = None,
    wear: str | None = None,
    in_front: str | None = None,
    templates: str | os.PathLike[str] | None = None,
    code: str | None = None,
) -> Drawer:
    """Return what draws the face masks asked for; the arguments are those of `masking.mask`.

    `style` may also be "all", for `Drawer.each`.

    Raises:
        UnknownNameError: no such style, or nothing of that name to hold in front.
        UsageError: a value is not accepted, or two do not go together.
        DataError: `templates` is no template pack.
    """
    shares = weights(color_weight, pattern_weight)
    check_wear(wear)
    objects = () if in_front is None else in_front_of(in_front)
    wardrobe = _wardrobe(templates)
    if code is not None:
        if style != "random" or color is not None or pattern is not None:
            raise UsageError("the code says style, color and pattern: leave these out, or the code")
        dealt = _coded(code, wardrobe, wear, shares)
        check_weighed(shares, {option for one in dealt for option in one.options})
        return Drawer(wardrobe, dealt, objects, dealt=True)
    options = told(color, pattern, wear, shares, wardrobe.folder)
    check_weighed(shares, set(options))
    if style not in ("random", "all"):
        return Drawer(wardrobe, _named(style, wardrobe, options), objects)
    choices = _fitting(wardrobe, options)
    if style == "random":
        choices = tuple(one for one in choices if one.share > 0) or choices
    free = style == "random" and not options and wardrobe.folder is None
    return Drawer(wardrobe, choices, objects, free=free)


def _wardrobe(templates: str | os.PathLike[str] | None) -> Wardrobe:
    if templates is None:
        return Own()
    try:
        return Pack(os.fspath(templates))
    except TypeError as error:
        raise UsageError(f"templates is {templates!r}: give the path of a folder") from error


def _coded(
    code: str, wardrobe: Wardrobe, wear: str | None, shares: Mapping[str, float | None]
) -> tuple[Choice, ...]:
    choices: list[Choice] = []
    for entry in parse_code(code, wardrobe.names):
        options = told(entry.color, entry.pattern, wear, shares, wardrobe.folder)
        choices.extend(_named(entry.style, wardrobe, options))
    return tuple(choices)


def _named(style: str, wardrobe: Wardrobe, options: Options) -> tuple[Choice, ...]:
    """Return the styles of a comma list; each must take all options."""
    if not isinstance(style, str):
        raise UsageError(f"style is {style!r}: give a name, names with commas, or 'random'")
    choices: dict[str, Choice] = {}
    for part in style.split(","):
        name, kept = part.strip().lower(), options
        if wardrobe.folder is None and name in ALIASES:
            name, kept = "surgical", {"colour": ALIASES[name], **options}
        lookup("face-mask style", dict.fromkeys(("random", "all", *wardrobe.names)), name)
        if name not in wardrobe.names:
            raise UsageError(f"style {style!r}: {name!r} stands alone, in no list and no code")
        why_not = _refused(wardrobe, name, kept)
        if why_not:
            raise UsageError(why_not)
        choices[part.strip().lower()] = Choice(name, kept)
    return tuple(choices.values())


def _fitting(wardrobe: Wardrobe, options: Options) -> tuple[Choice, ...]:
    """Return the styles of "random" that take all options."""
    refused = {name: _refused(wardrobe, name, options) for name in wardrobe.shares}
    fitting = {name: wardrobe.shares[name] for name, why_not in refused.items() if not why_not}
    if not fitting:
        raise UsageError(next(iter(refused.values())))
    return tuple(Choice(name, options, share) for name, share in fitting.items())


def _refused(wardrobe: Wardrobe, name: str, options: Options) -> str:
    """Return why a style cannot be drawn with these options; "" where it can."""
    for option in options:
        if option not in wardrobe.takes(name):
            able = [other for other in wardrobe.names if option in wardrobe.takes(other)]
            fix = f"leave it out, or use {', '.join(able)}" if able else "leave it out"
            return f"the style {name!r} takes no {said(option)}: {fix}"
    if not options:
        return ""
    if wardrobe.folder is not None:
        return _tried(wardrobe, name, options)
    return _own_tried(name, tuple(sorted(options.items())))


@lru_cache(maxsize=256)
def _own_tried(name: str, options: tuple[tuple[str, str | float], ...]) -> str:
    return _tried(Own(), name, dict(options))


def _tried(wardrobe: Wardrobe, name: str, options: Options) -> str:
    """Draw on a grey card: only the style itself knows which values it accepts."""
    card = np.full((96, 96, 3), 128, np.uint8)
    five = np.array([(36, 37), (60, 37), (48, 52), (38, 64), (58, 64)], np.float32)
    landmarks = mean_face.guess(Face((24.0, 12.0, 72.0, 84.0), five))
    try:
        wardrobe.draw(name, card, landmarks, np.random.default_rng(0), **options)
    except ValueError as error:
        asked = ", ".join(f"{said(key)} {value!r}" for key, value in options.items())
        return f"the style {name!r} cannot be drawn with {asked}: {error}"
    return ""
