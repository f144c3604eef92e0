"""Read and write photos: file, bytes, stream, Pillow image or array <-> `Photo`.

Inside, a photo is upright RGB uint8 (H, W, 3). EXIF, ICC, DPI, XMP, alpha and format go along.
Not kept: EXIF's thumbnail (it would show the old picture), IPTC-IIM blocks, comments and text.
"""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mask2face import conversion, decoding, files
from mask2face.encoding import (
    ALIASES,
    FORMATS,
    READABLE_SUFFIXES,
    SUFFIXES,
    format_named,
    format_of,
    metadata,
    parameters,
    parameters_of,
    turned,
)
from mask2face.errors import OutputError, PhotoError, UsageError

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "READABLE_SUFFIXES",
    "SUFFIXES",
    "Photo",
    "encode",
    "format_of",
    "read",
    "read_xmp",
    "to_image",
    "write",
]

Source: TypeAlias = decoding.FileSource | Image.Image | NDArray[Any]

MAX_PIXELS = 100_000_000  # a decoded photo of 300 MB

_READ_ONLY = {"HEIF": "JPEG", "GIF": "PNG"}  # what they are written as


@dataclass(frozen=True, eq=False)
class Photo:
    """One upright photo and what its file said about it.

    Attributes:
        pixels: uint8 (H, W, 3), RGB, origin top left, upright.
        alpha: uint8 (H, W), 255 = opaque, or None where the file had no transparency.
        format: format to write: a key of `FORMATS` (HEIC becomes JPEG, GIF becomes PNG).
        grey: the file was greyscale; written greyscale again while all pixels are grey.
        exif: EXIF block without orientation and thumbnail; empty where there is none.
        icc: ICC profile of the pixels.
        dpi: dots per inch, (x, y).
        xmp: XMP packet as found; `provenance.mark` adds to it.
        found: format of the file that was read: a key of `FORMATS`, or HEIF or GIF; empty where the
            photo does not come from a file.
        encoding: save parameters that repeat how the file was encoded (JPEG tables and so on).
        notes: what could not be kept, for the user to read.
    """

    pixels: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    format: str = "PNG"
    grey: bool = False
    exif: bytes = b""
    icc: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    found: str = ""
    encoding: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            got = f"{self.pixels.dtype} {self.pixels.shape}"
            raise ValueError(f"pixels must be uint8 (H, W, 3), not {got}")
        if self.alpha is not None and (
            self.alpha.dtype != np.uint8 or self.alpha.shape != self.pixels.shape[:2]
        ):
            got = f"{self.alpha.dtype} {self.alpha.shape}"
            raise ValueError(f"alpha must be uint8 {self.pixels.shape[:2]}, not {got}")
        if self.format not in FORMATS:
            raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {self.format!r}")


def read(source: Source, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read one photo; its content, not its name, decides the format.

    JPEG, PNG, WebP, TIFF, BMP and single GIF pictures; HEIC with the extra `heif`. Palette,
    greyscale, 1-bit, CMYK (through its ICC profile, to sRGB) and YCbCr become RGB. Of a JPEG or
    HEIC of several pictures the main one is read.

    Args:
        source: path, bytes, binary stream, Pillow image, or RGB uint8 array (H, W, 3).
        max_pixels: larger photos are refused before they are decoded. Past 178 million the limit
            of Pillow itself, `PIL.Image.MAX_IMAGE_PIXELS`, must be raised too.

    Raises:
        PhotoError: not there, empty, not a photo, broken, too large, too small, animated, several
            pages, 16 bits a channel or an unusual colour mode; the message names the fix.
        MissingExtraError: a HEIC photo, and `pillow-heif` is not installed.
        TypeError: `source` is none of the kinds above.

    >>> read(np.zeros((20, 30, 3), np.uint8)).format
    'PNG'
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Image.Image):
        name = str(getattr(source, "filename", "") or "the picture")
        with decoding.translated(name):
            return _from_image(source, name, max_pixels)
    data, name = decoding.content(source)
    with decoding.translated(name), decoding.opened(data, name, max_pixels) as image:
        return _from_image(image, name, max_pixels)


def read_xmp(source: Source, max_pixels: int = MAX_PIXELS) -> bytes | None:
    """Return the XMP packet of a photo, or None; frames, depth and colour mode do not matter.

    Raises:
        PhotoError: not there, empty, not a photo, broken, too large or too small.
        MissingExtraError: a HEIC photo, and `pillow-heif` is not installed.
    """
    if isinstance(source, np.ndarray):
        return None
    if isinstance(source, Image.Image):
        return conversion.xmp_of(source)
    data, name = decoding.content(source)
    with decoding.translated(name), decoding.opened(data, name, max_pixels) as image:
        if image.format == "PNG":
            image.load()  # text may stand behind the pixels
        return conversion.xmp_of(image)


def to_image(photo: Photo) -> Image.Image:
    """Return the photo as a Pillow image (L, LA, RGB or RGBA) with its metadata in `info`."""
    grey = photo.grey and bool(np.all(photo.pixels == photo.pixels[..., :1]))
    pixels = photo.pixels[..., :1] if grey else photo.pixels
    if photo.alpha is not None:
        pixels = np.dstack([pixels, photo.alpha])
    if grey and photo.alpha is None:
        pixels = pixels[..., 0]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    found = {"exif": photo.exif, "icc_profile": photo.icc, "dpi": photo.dpi, "xmp": photo.xmp}
    image.info.update({key: value for key, value in found.items() if value})
    if photo.icc and photo.icc[16:20] == b"GRAY" and not grey:
        del image.info["icc_profile"]  # describes one channel: wrong for three
    return image


def encode(photo: Photo, format: str | None = None, quality: int | None = None) -> bytes:
    """Encode a photo with its metadata.

    PNG, BMP, TIFF and lossless WebP give back every pixel bit for bit. JPEG and lossy WebP do not:
    without `quality` a JPEG is written with the quantisation tables and subsampling of its source,
    which changes its pixels least (by 0.1 to 0.3 levels on average); other photos get quality 95.
    BMP holds neither EXIF, ICC nor XMP, so no mark. A TIFF with EXIF is written uncompressed.

    Args:
        photo: what to encode.
        format: a key of `FORMATS` in any case; default: the photo's own.
        quality: 1 (worst) to 100, for JPEG and WebP.

    Raises:
        OutputError: the format cannot hold the transparency or the metadata.
        UnknownNameError: `format` is not one of ours.
        UsageError: `quality` is not from 1 to 100.
    """
    target = format_named(format) if format else photo.format
    if quality is not None and not 1 <= quality <= 100:
        raise UsageError(f"quality {quality} is not accepted: give a number from 1 to 100")
    image = to_image(photo)
    if image.mode in ("LA", "RGBA") and target in ("JPEG", "BMP"):
        if image.getextrema()[-1] != (255, 255):
            raise OutputError(
                f"{target} cannot hold the photo's transparency: write PNG, WebP or TIFF"
            )
        image = to_image(replace(photo, alpha=None))
    kept = photo.encoding if target == photo.format else {}
    out = io.BytesIO()
    try:
        with decoding.quiet:  # about odd EXIF values, which go on as they are
            options = parameters(kept, image.mode, target, quality)
            options |= metadata(cast("dict[str, Any]", image.info), target)
            image.info.clear()  # what is written is what the options say
            image.save(out, target, **options)
    except OutputError:
        raise
    except Exception as error:  # Pillow raises all kinds for odd metadata
        raise OutputError(f"the photo cannot be written as {target} ({error}): try PNG") from error
    return out.getvalue()


def write(
    photo: Photo,
    path: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    format: str | None = None,
    quality: int | None = None,
) -> Path:
    """Write a photo under a temporary name beside `path`, then rename it.

    Args:
        photo: what to write.
        path: the file; its suffix names the format, else `photo.format` is taken.
        source: the file that the photo came from: writing onto it is refused, whatever its name.
        overwrite: replace a file that is there.
        format: a key of `FORMATS`, whatever the suffix says.
        quality: see `encode`.

    Raises:
        OutputError: the file is there, is the input, or cannot be written; an unknown suffix.
        UnknownNameError: `format` is not one of ours.
        UsageError: `quality` is not from 1 to 100.
    """
    path = Path(path)
    if source is not None:
        files.refuse_same(Path(source), path)
    files.check_target(path, overwrite)
    data = encode(photo, format or format_of(path) or photo.format, quality)
    files.write(data, path, overwrite=overwrite)
    return path


def _from_array(array: NDArray[Any], max_pixels: int) -> Photo:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise PhotoError(
            f"an array {array.dtype} {array.shape} is not a photo: give RGB uint8 (H, W, 3)"
        )
    decoding.check_size((array.shape[1], array.shape[0]), "the array", max_pixels)
    return Photo(pixels=np.array(array, order="C"))


def _from_image(image: Image.Image, name: str, max_pixels: int) -> Photo:
    decoding.check_size(image.size, name, max_pixels)
    decoding.check_kind(image, name)
    notes: list[str] = []
    dpi, encoding, icc = (
        conversion.dpi_of(image),
        parameters_of(image),
        image.info.get("icc_profile"),
    )
    picture, exif, swapped = conversion.upright(image, notes)
    xmp = conversion.xmp_of(picture)
    if swapped:
        dpi = dpi[::-1] if dpi else None
        encoding = turned(encoding)
    if picture.mode == "CMYK":
        picture, icc = conversion.from_cmyk(picture, icc), None
        notes.append("its CMYK colours were converted to RGB")
    pixels, alpha = conversion.channels(picture)
    return Photo(
        pixels=pixels,
        alpha=alpha,
        format=_format_to_write(image.format or "PNG", alpha is not None, notes),
        grey=image.mode in ("1", "L", "LA", "La"),
        exif=exif,
        icc=icc or None,
        dpi=dpi,
        xmp=xmp,
        found=ALIASES.get(image.format or "", image.format or ""),
        encoding=encoding,
        notes=tuple(notes),
    )


def _format_to_write(found: str, transparent: bool, notes: list[str]) -> str:
    """Return the format that a photo read as `found` is written in."""
    target = _READ_ONLY.get(found, ALIASES.get(found, found))
    if transparent and target in ("JPEG", "BMP"):
        target = "PNG"
    target = target if target in FORMATS else "PNG"
    if target != ALIASES.get(found, found):
        notes.append(f"{found} photos are written as {target}")
    return target
