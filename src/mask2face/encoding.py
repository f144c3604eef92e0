"""How photo files are written: format names, and Pillow's save parameters for pixels and metadata.

What the source file said (tables, compression, EXIF, ICC, DPI, XMP) -> parameters that repeat it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from mask2face import exif
from mask2face.errors import OutputError
from mask2face.registry import lookup

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "BMP": ".bmp"}
SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",  # as Windows saves JPEGs from the web
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
READABLE_SUFFIXES = (*SUFFIXES, ".heic", ".heif")
VIDEO_SUFFIXES = (  # of files that are videos, not photos
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".3gp", ".ogv"),
    *(".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
)

Parameters: TypeAlias = dict[str, Any]  # keyword arguments of `Image.save`

ALIASES = {"MPO": "JPEG", "JPG": "JPEG", "TIF": "TIFF", "DIB": "BMP"}

_JPEG_SEGMENT = 65_502  # bytes of XMP or EXIF that fit into one JPEG segment
_PNG_PROFILE = 1024**2  # bytes of an ICC profile; Pillow, so we too, reads no PNG with a longer one
_TIFF_LOSSLESS = frozenset(("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"))
_TIFF_XMP = 700  # TIFF's own tag for XMP
_QUALITY = 95  # of JPEG and WebP where the source does not say


def format_named(name: str) -> str:
    """Return the key of `FORMATS` that a user means: any case, `jpg` and `tif` too.

    Raises:
        UnknownNameError: none of ours.

    >>> format_named("jpg")
    'JPEG'
    """
    name = ALIASES.get(name.upper(), name.upper())
    lookup("photo format", FORMATS, name)
    return name


def format_of(path: str | os.PathLike[str]) -> str | None:
    """Return the format that the suffix of `path` names, or None where it has no suffix.

    Raises:
        OutputError: a suffix that is not one of `SUFFIXES`.

    >>> format_of("in.unmasked.JPG")
    'JPEG'
    """
    suffix = Path(path).suffix.lower()
    if not suffix:
        return None
    if suffix not in SUFFIXES:
        raise OutputError(f"{path}: cannot write {suffix!r} files: use {', '.join(SUFFIXES)}")
    return SUFFIXES[suffix]


def parameters_of(image: Image.Image) -> Parameters:
    """Return the save parameters that repeat how the file of this opened picture was encoded."""
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in ("L", "RGB"):
        tables = [list(table) for _, table in sorted(image.quantization.items())]
        sane = all(len(table) == 64 and 1 <= min(table) <= max(table) <= 255 for table in tables)
        if not tables or not sane:
            return {}
        sampling = JpegImagePlugin.get_sampling(image) if image.mode == "RGB" else 0
        known = {"qtables": tables, "subsampling": max(sampling, 0)}
        return known | ({"progressive": True} if image.info.get("progressive") else {})
    if image.format == "TIFF":
        compression = image.info.get("compression")
        good = compression in _TIFF_LOSSLESS
        return {"compression": compression if good else "tiff_adobe_deflate"}
    if image.format == "WEBP" and image.info.get("lossless"):
        return {"lossless": True, "exact": True}  # exact: colours under alpha 0 too
    return {}


def turned(encoding: Parameters) -> Parameters:
    """Turn JPEG tables with a photo turned by 90 degrees; 4:2:2 cannot turn and becomes 4:4:4."""
    if "qtables" not in encoding:
        return encoding
    tables = [np.reshape(table, (8, 8)).T.ravel().tolist() for table in encoding["qtables"]]
    sampling = 0 if encoding["subsampling"] == 1 else encoding["subsampling"]
    return encoding | {"qtables": tables, "subsampling": sampling}


def parameters(kept: Mapping[str, Any], mode: str, target: str, quality: int | None) -> Parameters:
    """Return Pillow's save parameters for the pixels.

    Args:
        kept: what `parameters_of` said about the source, if it had the format `target`, else empty.
        mode: Pillow's colour mode of what is saved.
        target: a key of `FORMATS`.
        quality: 1 to 100 replaces `kept`.
    """
    options = dict(kept) if quality is None else {}
    quality = quality or _QUALITY
    if target == "JPEG":
        if mode == "RGB" and len(options.get("qtables", ())) == 1:
            options["qtables"] = options["qtables"] * 2  # was grey: colour takes a second table
        return options or {"quality": quality, "subsampling": 0 if quality >= 90 else 2}
    if target == "WEBP":
        return options or {"quality": quality}
    if target == "TIFF":
        return options or {"compression": "tiff_adobe_deflate"}
    return {}


def metadata(info: Mapping[str, Any], target: str) -> Parameters:
    """Return Pillow's save parameters for EXIF, ICC, DPI and XMP, as far as the format has them.

    Args:
        info: `exif`, `icc_profile`, `dpi`, `xmp` as Pillow names them; each may be missing.
        target: a key of `FORMATS`.

    Raises:
        OutputError: EXIF or XMP is longer than a JPEG can hold, or the ICC profile than is read
            from a PNG.
    """
    options: Parameters = {"dpi": info["dpi"]} if "dpi" in info and target != "WEBP" else {}
    if target == "BMP":
        return options
    options |= {key: info[key] for key in ("exif", "icc_profile") if key in info}
    xmp = info.get("xmp", b"")
    if target == "TIFF":
        return options | _tiff_metadata(info.get("exif", b""), xmp)
    for key, value in (("XMP", xmp), ("EXIF", info.get("exif", b""))):
        if target == "JPEG" and len(value) > _JPEG_SEGMENT:
            raise OutputError(f"the photo's {key} is too long for JPEG: write PNG, WebP or TIFF")
    if target == "PNG" and len(info.get("icc_profile", b"")) > _PNG_PROFILE:
        raise OutputError("the photo's ICC profile is too long for PNG: write JPEG, WebP or TIFF")
    if xmp and target == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        options["pnginfo"] = text
    elif xmp:
        options["xmp"] = xmp
    return options


def _tiff_metadata(block: bytes, xmp: bytes) -> Parameters:
    """Return EXIF and XMP as tags of a TIFF; libtiff cannot write EXIF's directories compressed."""
    found = Image.Exif()
    found.load(block)
    tags = exif.tiff_tags(found)
    if xmp:
        tags[_TIFF_XMP] = xmp
    nested = any(tag in tags for tag in exif.DIRECTORIES)
    return {"exif": tags} | ({"compression": "raw"} if nested else {})
