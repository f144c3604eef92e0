"""What face masks are made in: colours as RGB in [0, 1], and the names of the prints."""

import numpy as np

from mask2face.facemasks.drawn import Points

PRINTS = (
    "plain",
    "dots",
    "stripes",
    "checks",
    "tartan",
    "houndstooth",
    "herringbone",
    "geometric",
    "florals",
    "paisley",
    "leaves",
    "hearts",
    "stars",
    "figures",
    "skulls",
    "letters",
    "camouflage",
    "blotches",
    "animal",
    "batik",
    "lace",
    "patches",
    "collage",
    "word",
    "logo",
    "two_tone",
    "gradient",
    "tie_dye",
    "bands",
    "splatter",
    "skin",
    "grin",
)

Palette = tuple[tuple[float, tuple[float, float, float]], ...]  # share, RGB in [0, 1]
# Shares are estimates. Counted on 212 masks of real photos, of all kinds together, were only: black
# .23, white or light grey .24, light blue .11, green .05; the split by kind and all else is by eye.
# The palest blue and green follow those photos' medians, which include their light.
SURGICAL: Palette = (
    (0.24, (0.71, 0.81, 0.89)),
    (0.12, (0.56, 0.73, 0.86)),
    (0.04, (0.40, 0.55, 0.74)),
    (0.15, (0.68, 0.82, 0.81)),
    (0.03, (0.48, 0.72, 0.68)),
    (0.30, (0.93, 0.93, 0.93)),
    (0.06, (0.07, 0.07, 0.08)),
    (0.03, (0.90, 0.74, 0.78)),
    (0.03, (0.58, 0.60, 0.63)),
)
N95: Palette = (
    (0.66, (0.95, 0.95, 0.94)),
    (0.10, (0.66, 0.67, 0.68)),
    (0.16, (0.09, 0.09, 0.10)),
    (0.05, (0.90, 0.85, 0.76)),
    (0.03, (0.45, 0.55, 0.68)),
)
CLOTH: Palette = (
    (0.44, (0.08, 0.08, 0.09)),
    (0.09, (0.92, 0.91, 0.89)),
    (0.09, (0.10, 0.13, 0.25)),
    (0.08, (0.40, 0.41, 0.43)),
    (0.04, (0.58, 0.14, 0.19)),
    (0.05, (0.84, 0.60, 0.22)),
    (0.04, (0.86, 0.66, 0.70)),
    (0.04, (0.20, 0.34, 0.60)),
    (0.03, (0.24, 0.50, 0.52)),
    (0.02, (0.34, 0.37, 0.24)),
    (0.04, (0.80, 0.72, 0.60)),
    (0.02, (0.42, 0.28, 0.20)),
    (0.02, (0.62, 0.78, 0.84)),
)
SKIN: Palette = (
    (0.25, (0.93, 0.80, 0.72)),
    (0.25, (0.86, 0.69, 0.58)),
    (0.20, (0.72, 0.53, 0.41)),
    (0.15, (0.55, 0.38, 0.28)),
    (0.15, (0.35, 0.23, 0.17)),
)
_GROUNDS: dict[str, Palette] = {  # what a print usually is printed on; all others: any cloth
    "camouflage": (
        (0.4, (0.38, 0.40, 0.26)),
        (0.2, (0.70, 0.63, 0.48)),
        (0.2, (0.50, 0.52, 0.54)),
        (0.1, (0.25, 0.33, 0.46)),
        (0.1, (0.80, 0.55, 0.62)),
    ),
    "animal": (
        (0.6, (0.78, 0.62, 0.40)),
        (0.3, (0.92, 0.90, 0.86)),
        (0.1, (0.55, 0.55, 0.56)),
    ),
    "houndstooth": ((0.7, (0.90, 0.88, 0.84)), (0.3, (0.72, 0.62, 0.50))),
    "herringbone": ((0.5, (0.45, 0.42, 0.38)), (0.5, (0.38, 0.32, 0.26))),
    "paisley": (
        (0.35, (0.09, 0.09, 0.10)),
        (0.30, (0.62, 0.10, 0.14)),
        (0.25, (0.12, 0.16, 0.34)),
        (0.10, (0.92, 0.90, 0.88)),
    ),
    "grin": (
        (0.6, (0.08, 0.08, 0.09)),
        (0.2, (0.93, 0.92, 0.92)),
        (0.1, (0.66, 0.80, 0.90)),
        (0.1, (0.85, 0.55, 0.60)),
    ),
    "skin": SKIN,
}


def parse(text: str) -> Points:
    """An RGB colour "#rrggbb" as (3,) in [0, 1].

    Raises:
        ValueError: `text` is not "#" and six hexadecimal digits.

    >>> parse("#ff0000").tolist()
    [1.0, 0.0, 0.0]
    """
    digits = text.removeprefix("#")
    if len(digits) != 6 or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        raise ValueError(f"colour must look like '#0473e2', got {text!r}")
    return np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def text(colour: Points) -> str:
    """A colour (3,) in [0, 1] as "#rrggbb"."""
    red, green, blue = (round(255 * float(part)) for part in colour.clip(0, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"


def mixed(own: Points, asked: Points, weight: float) -> Points:
    """The colour between `own` and `asked`, (3,) in [0, 1]; `weight` is the share of `asked`.

    Raises:
        ValueError: `weight` is not in [0, 1].

    >>> mixed(np.zeros(3), np.ones(3), 0.25).tolist()
    [0.25, 0.25, 0.25]
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"a colour's weight must be a number from 0 to 1, got {weight!r}")
    return np.asarray(own + (asked - own) * weight)


def pick(palette: Palette, rng: np.random.Generator) -> Points:
    """One colour of a palette, slightly off."""
    bounds = np.cumsum([share for share, _ in palette])
    place = int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))
    found = palette[min(place, len(palette) - 1)][1]
    return (np.array(found) + rng.normal(0, 0.03) + rng.normal(0, 0.012, 3)).clip(0.03, 0.98)


def cloth_colour(skin: Points, rng: np.random.Generator, pattern: str = "plain") -> Points:
    """A colour of cloth, as often as real ones have it.

    Args:
        skin: the wearer's, (3,), 8-bit range.
        rng: source of randomness.
        pattern: what will be printed on it: camouflage lies on olive, skulls on black, ...

    Returns:
        (3,) in [0, 1].
    """
    choice = rng.random()
    if pattern in _GROUNDS and choice < 0.85:
        return pick(_GROUNDS[pattern], rng)
    if pattern == "plain" and choice < 0.06:
        return (skin / 255 * rng.uniform(0.75, 1.2) + rng.normal(0, 0.03, 3)).clip(0.03, 0.98)
    if choice < (0.86 if pattern == "plain" else 0.7):
        return (pick(CLOTH, rng) * rng.uniform(0.75, 1.2)).clip(0.03, 0.98)
    return any_colour(rng)


def any_colour(rng: np.random.Generator) -> Points:
    """Any colour, (3,) in [0, 1]; mostly as pale as dyed cloth is in photos."""
    hue, value = rng.random() * 6, rng.uniform(0.2, 0.95)
    return _coloured(hue, 0.08 + 0.77 * float(rng.beta(1.5, 2.2)), value)


def _coloured(hue: float, saturation: float, value: float) -> Points:
    ramp = np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    colour: Points = value * (1 - saturation * (1 - ramp.clip(0, 1)))
    return colour


def inks(ground: Points, rng: np.random.Generator) -> list[Points]:
    """Three colours that are printed together on `ground`, each (3,) in [0, 1].

    The first stands out from the ground by its brightness; the three are neutral, shades of one
    hue, neighbours, or a mixture, as colours of one cloth are.
    """
    bright = float(ground @ (0.3, 0.59, 0.11))
    choice, hue = rng.random(), rng.random() * 6
    if choice < 0.3:  # black, white, grey, gold
        values = (0.94, 0.55, 0.8) if bright < 0.5 else (0.06, 0.45, 0.25)
        found = [np.full(3, value) for value in values]
        if rng.random() < 0.4:
            found[1] = np.array([0.76, 0.6, 0.3]) * rng.uniform(0.8, 1.2)
        return [(ink + rng.normal(0, 0.02, 3)).clip(0.03, 0.97) for ink in found]
    spread = 0.15 if choice < 0.5 else 0.7 if choice < 0.7 else 3.0
    saturation = rng.uniform(0.15, 0.8)
    found = []
    for number in range(3):
        value = float(rng.uniform(0.6, 0.97) if bright < 0.5 else rng.uniform(0.12, 0.65))
        if number:
            value = float(rng.uniform(0.15, 0.95))
        pale = saturation * rng.uniform(0.6, 1.1)
        found.append(_coloured((hue + rng.uniform(-spread, spread)) % 6, float(pale), value))
    return found
