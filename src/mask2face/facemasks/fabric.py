"""What face masks are made in: colours as RGB in [0, 1], and the names of the prints."""

import numpy as np

from mask2face.facemasks.drawn import Points

PRINTS = (
    "plain",
    "dots",
    "stripes",
    "checks",
    "blotches",
    "florals",
    "letters",
    "logo",
    "patches",
    "collage",
)

Palette = tuple[tuple[float, tuple[float, float, float]], ...]  # share, RGB in [0, 1]
SURGICAL: Palette = (
    (0.24, (0.66, 0.83, 0.93)),
    (0.14, (0.45, 0.71, 0.88)),
    (0.05, (0.36, 0.52, 0.74)),
    (0.11, (0.58, 0.84, 0.78)),
    (0.26, (0.94, 0.94, 0.94)),
    (0.10, (0.07, 0.07, 0.08)),
    (0.06, (0.94, 0.70, 0.76)),
    (0.04, (0.58, 0.60, 0.63)),
)
N95: Palette = (
    (0.66, (0.95, 0.95, 0.94)),
    (0.10, (0.66, 0.67, 0.68)),
    (0.16, (0.09, 0.09, 0.10)),
    (0.05, (0.90, 0.85, 0.76)),
    (0.03, (0.45, 0.55, 0.68)),
)


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


def pick(palette: Palette, rng: np.random.Generator) -> Points:
    """One colour of a palette, slightly off."""
    shares = [share for share, _ in palette]
    colour = np.array(palette[int(rng.choice(len(palette), p=shares))][1])
    return (colour + rng.normal(0, 0.03) + rng.normal(0, 0.012, 3)).clip(0.03, 0.98)


def cloth_colour(skin: Points, rng: np.random.Generator) -> Points:
    """A colour of cloth: black, white, navy, grey, red, the skin's own, or any."""
    choice = rng.random()
    if choice < 0.24:
        return np.array([0.06, 0.06, 0.07]) + rng.uniform(0, 0.1)
    if choice < 0.38:
        return np.array([0.93, 0.92, 0.9]) - rng.uniform(0, 0.12)
    if choice < 0.48:
        return np.array([0.08, 0.11, 0.24]) + rng.uniform(0, 0.12, 3)
    if choice < 0.56:
        return np.repeat(rng.uniform(0.2, 0.75), 3)
    if choice < 0.66:
        return (skin / 255 * rng.uniform(0.75, 1.2) + rng.normal(0, 0.03, 3)).clip(0.03, 0.98)
    if choice < 0.72:
        return np.array([0.7, 0.1, 0.12]) + rng.uniform(-0.08, 0.08, 3)
    return any_colour(rng)


def any_colour(rng: np.random.Generator) -> Points:
    """Any colour, (3,) in [0, 1], saturation spread evenly."""
    hue, saturation, value = rng.random() * 6, rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.95)
    ramp = np.abs((hue + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    colour: Points = value * (1 - saturation * (1 - ramp.clip(0, 1)))
    return colour


def text(colour: Points) -> str:
    """A colour (3,) in [0, 1] as "#rrggbb"."""
    red, green, blue = (round(255 * float(part)) for part in colour.clip(0, 1))
    return f"#{red:02x}{green:02x}{blue:02x}"
