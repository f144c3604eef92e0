"""The option `only` -> the same found faces, of which only some are filled."""

from dataclasses import replace

import numpy as np

from mask2face.errors import UsageError
from mask2face.pipeline import FoundFaces

NONE = "none"


def chosen(found: FoundFaces, only: str | None) -> FoundFaces:
    """Return `found` such that `Unmasker.fill` replaces the face masks of some faces only.

    The faces left out count as without a face mask. Those that stay are filled as ever, also where
    a sample is drawn.

    Args:
        found: of `Unmasker.find`.
        only: places in `found.faces`, from 0, with commas; `NONE`; or None for all.

    Raises:
        UsageError: there is no such face.
    """
    if only is None:
        return found
    places = set() if only == NONE else {int(place) for place in only.split(",")}
    if places and max(places) >= len(found.faces):
        count = f"{len(found.faces)} face{'' if len(found.faces) == 1 else 's'}"
        raise UsageError(f"only is {only}, the photo has {count}: count from 0, or say {NONE}")
    faces = tuple(
        replace(face, masked=face.masked and place in places)
        for place, face in enumerate(found.faces)
    )
    worn = zip(found.faces, faces, strict=True)
    filled = np.array([now.masked for before, now in worn if before.masked], bool)
    return replace(found, faces=faces, weights=found.weights * filled[:, None, None])
