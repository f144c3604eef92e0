"""MaskTheFace's pack format: a folder's `masks.cfg` -> templates; and a section written into it."""

import configparser
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face.errors import DataError
from mask2face.facemasks.drawn import Points

CONFIGURATION: Final = "masks.cfg"
PICTURES: Final = "templates"
TEXTURES: Final = "textures"
KEYS: Final = tuple(f"mask_{letter}" for letter in "abcdef")
_OUTSIDE: Final = 0.25  # share of a side by which an anchor may lie outside: ears of side views
_HEADER: Final = re.compile(r"\[(?P<name>[^]]+)\]")


@dataclass(frozen=True, eq=False)
class Template:
    """One section of a pack.

    Attributes:
        section: its name as written, with `_left` or `_right`.
        picture: the file, RGBA.
        points: float64 (6, 2) x, y in picture px: image-left jaw, nose, image-right jaw, then
            image-left cheek, chin, image-right cheek (`mask_a` to `mask_f`).
        size: width and height of the picture, px.
        mirrored: the picture is to be mirrored; `points` are those of its mirror image.
    """

    section: str
    picture: Path
    points: Points
    size: tuple[int, int]
    mirrored: bool = False

    def mirror_image(self) -> "Template":
        """Return the template of the other side."""
        points = self.points[[2, 1, 0, 5, 4, 3]]  # left and right change their names
        points = np.stack([self.size[0] - 1 - points[:, 0], points[:, 1]], axis=1)
        return replace(self, points=points, mirrored=not self.mirrored)


def read(folder: Path) -> dict[str, Template]:
    """Read a pack's sections by their lower-case names; those without any key are left out.

    The pictures are opened but not decoded.

    Raises:
        DataError: no such pack, or a section or its picture is wrong; the message names the fix.
    """
    path = folder / CONFIGURATION
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text_of(path))
    except configparser.Error as error:
        raise DataError(f"{path} is not an INI file: {' '.join(str(error).split())}") from error
    found: dict[str, Template] = {}
    for section in parser.sections():
        if not parser.items(section):
            continue  # MaskTheFace's "empty" and "inpaint" have nothing to draw
        if section.lower() in found:
            raise DataError(f"{path} has two sections [{section}]: rename or delete one")
        found[section.lower()] = _template(path, section, dict(parser.items(section)))
    if not found:
        raise DataError(f"{path} has no section: add one with  mask2face templates add")
    return found


def text_of(path: Path) -> str:
    """Return the text of a `masks.cfg`.

    Raises:
        DataError: the folder or the file is missing or cannot be read.
    """
    if not path.parent.is_dir():
        raise DataError(f"the template pack {str(path.parent)!r} does not exist: name its folder")
    if not path.is_file():
        raise DataError(
            f"{str(path.parent)!r} has no {CONFIGURATION}: name the folder that holds it, or make "
            "a pack with  mask2face templates add"
        )
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text ({error})") from error


def _template(path: Path, section: str, keys: dict[str, str]) -> Template:
    where = f"[{section}] of {path}"
    missing = [key for key in ("template", *KEYS) if not keys.get(key)]
    if missing:
        raise DataError(f"{where} has no {', '.join(missing)}: add it, or delete the section")
    picture = _found(path.parent, keys["template"])
    if picture is None:
        raise DataError(
            f"the template {keys['template']!r} in {where} does not exist: put it into "
            f"{path.parent / PICTURES}"
        )
    points = np.array([_anchor(where, key, keys[key]) for key in KEYS])
    return Template(section, picture, points, checked_size(picture, points, where))


def _anchor(where: str, key: str, text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise DataError(f"{key} in {where} is {text!r}: write two numbers, as 21, 97") from error
    return x, y


def _found(folder: Path, text: str) -> Path | None:
    """The picture a section names: from the pack, from its parent, or by name in `templates`."""
    named = Path(text.replace("\\", "/"))
    tried = (folder / named, folder.parent / named, folder / PICTURES / named.name)
    return next((path for path in tried if path.is_file()), None)


def checked_size(picture: Path, points: Points, where: str) -> tuple[int, int]:
    """Return width and height of a template after a look at its header and its six points.

    Args:
        picture: the file.
        points: (6, 2) x, y in picture px.
        where: what to name in a message.

    Raises:
        DataError: not a picture, no alpha channel, points far outside the picture or in a line.
    """
    try:
        with Image.open(picture) as image:
            size, alpha = image.size, has_alpha(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"the template {picture} is not a picture: save it as a PNG") from error
    if not alpha:
        raise DataError(
            f"the template {picture} has no alpha channel: save it as an RGBA PNG, transparent "
            "outside the face mask"
        )
    low, high = -_OUTSIDE * np.array(size), (1 + _OUTSIDE) * np.array(size)
    outside = ~((points >= low) & (points <= high)).all(axis=1)
    if outside.any():
        key, (x, y) = KEYS[int(outside.argmax())], points[int(outside.argmax())]
        raise DataError(
            f"{key} in {where} is {x:g}, {y:g}: it lies outside the picture of "
            f"{size[0]} x {size[1]} px; measure it in px of {picture.name}"
        )
    if np.linalg.svd(points - points.mean(axis=0), compute_uv=False)[1] < 0.01 * min(size):
        raise DataError(f"the six points in {where} lie in a line: measure them in {picture.name}")
    return size


def has_alpha(image: Image.Image) -> bool:
    """Say whether an opened picture can be transparent."""
    return "A" in image.getbands() or "transparency" in image.info


def with_section(text: str, section: str, template: str, points: NDArray[Any]) -> str:
    """Return a `masks.cfg` with one section written; all other lines stay as they are.

    Args:
        text: the file so far, may be empty.
        section: its name; one of the same name (case aside) loses its keys but not its comments.
        template: what `template` shall be.
        points: (6, 2) x, y in picture px.

    >>> print(with_section("", "dotted", "t.png", np.zeros((6, 2))).splitlines()[:2])
    ['[dotted]', 'template:   t.png']
    """
    values = [template, *(f"{x:g}, {y:g}" for x, y in np.round(points, 2).tolist())]
    keys = zip(("template", *KEYS), values, strict=True)
    block = [f"[{section}]", *(f"{key + ':':<12}{value}" for key, value in keys)]
    kept: list[str] = []
    inside = written = False
    for line in text.splitlines():
        header = _HEADER.match(line)
        if header:
            inside = header["name"].lower() == section.lower()
            kept += block if inside else [line]
            written = written or inside
        elif not inside or not line.strip() or line.lstrip().startswith(("#", ";")):
            kept.append(line)
    if not written:
        kept += ([""] if kept and kept[-1].strip() else []) + block
    return "\n".join(kept) + "\n"
