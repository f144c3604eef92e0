"""Put a template into a pack: a picture and its six points -> the folder and its `masks.cfg`."""

import io
import os
import re
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from mask2face.errors import OutputError, UsageError
from mask2face.facemasks import template_format as format_
from mask2face.facemasks.drawn import Points
from mask2face.facemasks.template_format import Template
from mask2face.facemasks.template_picture import decoded_template
from mask2face.facemasks.template_points import SIDES, Side, guess_points
from mask2face.files import write

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_RESERVED: Final = ("empty", "inpaint", "all", "random")  # they mean something to MaskTheFace


def add(
    folder: Path,
    name: str,
    picture: Path,
    points: Points | None = None,
    side: Side = "front",
    *,
    overwrite: bool = False,
) -> Template:
    """Add a template to a pack, which is made if it is not there.

    The picture is copied as a PNG; other sections and all comments of `masks.cfg` stay.

    Args:
        folder: of the pack.
        name: of the style: letters, digits and `_`.
        picture: RGBA, transparent outside the face mask.
        points: (6, 2) x, y in picture px, `mask_a` to `mask_f`; None guesses them from the outline.
        side: which way the head looks on it.
        overwrite: replace the template of this name and side.

    Raises:
        UsageError: the name cannot be used.
        DataError: the picture, its points or the pack's `masks.cfg` is wrong.
        OutputError: the pack has this template already, or cannot be written.
    """
    _check_name(name)
    section = name if side == "front" else f"{name}_{side}"
    pixels = decoded_template(picture)
    found = guess_points(pixels[..., 3], side) if points is None else np.asarray(points, np.float64)
    size = format_.checked_size(picture, found, str(picture))
    path = folder / format_.CONFIGURATION
    text = format_.text_of(path) if os.path.lexists(path) else ""
    known = format_.read(folder) if text.strip() else {}
    if section.lower() in known and not overwrite:
        raise OutputError(f"[{section}] is in {path}: choose another name, or --overwrite it")
    try:
        (folder / format_.PICTURES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made ({error.strerror}): name another") from error
    target = folder / format_.PICTURES / f"{section}.png"
    if not (target.exists() and target.samefile(picture)):
        write(_png(picture), target, overwrite=overwrite)
    named = f"{folder.resolve().name}/{format_.PICTURES}/{target.name}"  # as MaskTheFace names it
    write(format_.with_section(text, section, named, found).encode(), path, overwrite=True)
    return Template(section, target, found, size)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        raise UsageError(
            f"a template cannot be called {name!r}: use letters, digits and _, "
            f"but not {', '.join(_RESERVED)}"
        )
    for side in SIDES[1:]:
        if name.lower().endswith(f"_{side}"):
            raise UsageError(
                f"{name!r} ends in _{side}: leave that out and say the side, --side {side}"
            )


def _png(picture: Path) -> bytes:
    """The picture's file if it is a PNG, else its pixels as one."""
    with Image.open(picture) as image:
        if image.format == "PNG":
            return picture.read_bytes()
        data = io.BytesIO()
        image.convert("RGBA").save(data, "PNG")
        return data.getvalue()
