"""Prints of made-up words: lines of text that repeat, or one big word.

Painters as in `print_woven` and, for `word`, as in `print_covers`.
"""

import cv2
import numpy as np

from mask2face.facemasks.drawn import Photo, Points
from mask2face.facemasks.print_shapes import ink_of
from mask2face.facemasks.print_woven import Colours

# too few sounds to spell what nobody would wear
_SYLLABLES = [
    *(start + vowel for start in "bdflmnrstv" for vowel in "aeio"),
    *("el", "en", "er", "in", "on", "or", "ix"),
]


def word_of(rng: np.random.Generator, least: int = 2, most: int = 3) -> str:
    """A made-up word of `least` to `most` syllables."""
    count = int(rng.integers(least, most + 1))
    text = "".join(_SYLLABLES[int(i)] for i in rng.integers(0, len(_SYLLABLES), count))
    return text.upper() if rng.random() < 0.6 else text.capitalize()


def letters(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """Lines of made-up words; each line repeats without a break."""
    side, font = tile.shape[0], int(rng.choice([0, 2, 3, 4, 6, 7]))
    bold = rng.uniform(0.04, 0.14)  # share of the letters' height
    words = [word_of(rng) for _ in range(int(rng.integers(1, 4)))]
    text = " ".join(words) + "  "
    (width, tall), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = side / max(width, 1)
    height = max(tall * scale, 1.0)
    lines = max(1, round(side / (height * rng.uniform(1.4, 2.6))))
    for line in range(lines):
        x = round(side * (line * 0.37 % 1)) if rng.random() < 0.7 else 0
        spot_y = round((line + 0.5) * side / lines + height / 2)
        ink = ink_of(colours[0] if rng.random() < 0.75 else colours[1])
        for start in (x, x - side):
            cv2.putText(
                tile, text, (start, spot_y), font, scale, ink, max(1, round(bold * height)), 16
            )


def word(tile: Photo, colours: Colours, rng: np.random.Generator) -> None:
    """One big made-up word across the cloth, sometimes with small lines above and below."""
    y = rng.uniform(0.42, 0.62)
    text = word_of(rng, 1, 3)
    font = int(rng.choice([0, 2, 3, 4, 6, 7]))
    width = rng.uniform(0.3, 0.62)
    write(
        tile, text, (0.5 + rng.normal(0, 0.03), y), width, colours[0], font, rng.uniform(0.08, 0.22)
    )
    if rng.random() < 0.35:
        below = f"{word_of(rng)} {word_of(rng)}"
        write(tile, below, (0.5, y + rng.uniform(0.1, 0.14)), width, colours[1], font, 0.08)
    if rng.random() < 0.2:
        write(tile, word_of(rng), (0.5, y - 0.13), 0.6 * width, colours[1], font, 0.1)


def write(
    tile: Photo,
    text: str,
    middle: tuple[float, float],
    width: float,
    ink: Points,
    font: int,
    bold: float,
) -> None:
    """Write `text` about `middle`, `width` wide (shares of the side), lines `bold` x its height."""
    side = tile.shape[0]
    (wide, tall), _ = cv2.getTextSize(text, font, 1.0, 1)
    scale = min(width * side / max(wide, 1), 0.3 * side / max(tall, 1))
    spot = (
        round(middle[0] * side - wide * scale / 2),
        round(middle[1] * side + tall * scale / 2),
    )
    thick = max(1, round(bold * tall * scale))
    cv2.putText(tile, text, spot, font, scale, ink_of(ink), thick, cv2.LINE_AA)
