"""Test pairs and a model -> pictures of input, expected and given output, as the article has it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mask2face import photos, provenance
from mask2face.configuration import Configuration
from mask2face.errors import OutputError
from mask2face.pairs import PairFolder

_GAP: Final = 10  # px of white between the pictures, as in the article

Restore = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""Crop with a face mask (S, S, 3) -> the same without, both uint8 RGB."""


def write_comparisons(settings: Configuration, restore: Restore, name: str) -> Path:
    """Write `test_results_dir`/NAME/PAIR.png for the first `test_data_limit` pairs of the test.

    Args:
        settings: name the pairs, how many of them, and the folder to write to.
        restore: the model.
        name: of the run; files of an earlier run of that name are replaced.

    Returns:
        The folder that was written.

    Raises:
        DataError: the pair folder of the test is missing or broken.
        OutputError: the folder or a picture cannot be written.
    """
    out = settings.test_results_dir / name
    test = PairFolder.open(settings.test_data_path)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {str(out)!r}: {error}") from error
    for row in test.of("test")[: settings.test_data_limit]:
        found = replace(test, rows=(row,)).load("test")
        pictures = [found[0][0], found[1][0], restore(found[0][0])]
        gap = np.full((len(pictures[0]), _GAP, 3), 255, np.uint8)
        whole = np.hstack([pictures[0], gap, pictures[1], gap, pictures[2]])
        photo = photos.Photo(whole, xmp=provenance.mark(None))
        photos.write(replace(photo, format="PNG"), out / f"{row.name}.png", overwrite=True)
    return out
