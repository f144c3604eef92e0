"""EXIF blocks: keep every byte but the orientation, the pixel counts and the link to the thumbnail.

Patched in place, not rewritten: maker notes point into the block, and Pillow writes text as ASCII.
"""

import struct
from typing import Any

from PIL import ExifTags, Image

_PREFIX = b"Exif\x00\x00"
_SHORT, _LONG = 3, 4  # TIFF field types
_ENTRY = 12  # bytes of a directory entry: tag, type, count, value or offset
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
# Tags that say how a TIFF lays out its pixels, or that are kept elsewhere: never copied.
_LAYOUT = {254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 301, 317, 330}
_LAYOUT |= {*range(320, 326), *range(338, 348), *range(512, 522), *range(529, 533)}
_LAYOUT |= {700, 33723, 34377, 34675}  # XMP, IPTC, Photoshop, ICC


def upright(block: bytes, size: tuple[int, int]) -> bytes:
    """Return the block for the upright picture, without its thumbnail (of the old picture).

    Args:
        block: TIFF structure, with or without the prefix of JPEG; empty stays empty.
        size: (width, height) in px of the upright picture.

    Raises:
        ValueError: the block is broken.
    """
    while block.startswith(_PREFIX):
        block = block.removeprefix(_PREFIX)
    if not block:
        return b""
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[:4])
    if order is None:
        raise ValueError("not a TIFF structure")
    data = bytearray(block)
    changes = {
        int(ExifTags.Base.Orientation): (_SHORT, 1),
        int(ExifTags.Base.ExifImageWidth): (_LONG, size[0]),
        int(ExifTags.Base.ExifImageHeight): (_LONG, size[1]),
    }
    try:
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        details = _patch(data, order, first, changes)
        (count,) = struct.unpack_from(f"{order}H", data, first)
        struct.pack_into(f"{order}I", data, first + 2 + count * _ENTRY, 0)  # unlinks the thumbnail
        if details is not None:
            _patch(data, order, details, changes)
    except struct.error as error:
        raise ValueError(f"a directory points out of the block ({error})") from error
    return _PREFIX + bytes(data)


def _patch(
    data: bytearray, order: str, directory: int, changes: dict[int, tuple[int, int]]
) -> int | None:
    """Write `changes`, tag: (type, value), where the directory has them; return EXIF's offset."""
    details = None
    (count,) = struct.unpack_from(f"{order}H", data, directory)
    for position in range(directory + 2, directory + 2 + count * _ENTRY, _ENTRY):
        tag, _, _, value = struct.unpack_from(f"{order}HHII", data, position)
        if tag == ExifTags.IFD.Exif:
            details = value
        if tag in changes:
            kind, number = changes[tag]
            field = "Hxx" if kind == _SHORT else "I"
            struct.pack_into(f"{order}HHI{field}", data, position, tag, kind, 1, number)
    return details


def tiff_tags(found: Image.Exif) -> Image.Exif:
    """Return a copy of a TIFF's tags that says nothing about pixel layout, XMP or ICC.

    Pillow reads text as Latin-1 and writes it as ASCII: as bytes it is written as it was.
    """
    tags = Image.Exif()
    tags.endian = found.endian
    for tag in found:
        if tag in DIRECTORIES:
            tags.get_ifd(tag).update(_as_stored(found.get_ifd(tag)))
            tags[tag] = 0  # the place of the offset, which Pillow fills in
        elif tag not in _LAYOUT:
            tags.update(_as_stored({tag: found[tag]}))
    return tags


def _as_stored(directory: dict[int, Any]) -> dict[int, Any]:
    return {
        tag: value.encode("latin-1", "replace") if isinstance(value, str) else value
        for tag, value in directory.items()
    }
