"""Turn an opened Pillow picture into what a `Photo` holds: upright RGB, alpha, EXIF, DPI, XMP."""

import contextlib
import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from mask2face import exif

_SWAPPING = (5, 6, 7, 8)  # EXIF orientations that swap x and y


def upright(image: Image.Image, notes: list[str]) -> tuple[Image.Image, bytes, bool]:
    """Return the picture upright, its EXIF without orientation, and whether x and y swapped.

    What had to be dropped is added to `notes`. The picture that was given keeps its own EXIF.
    """
    stored = getattr(image, "tag_v2", {}).get(ExifTags.Base.Orientation)
    image.load()  # raises where the pixels are broken, and turns a TIFF upright
    picture, kept, swapped = image, b"", stored in _SWAPPING
    try:
        found = image.getexif()
        if found.get(ExifTags.Base.Orientation, 1) != 1:
            swapped = found[ExifTags.Base.Orientation] in _SWAPPING
            picture = ImageOps.exif_transpose(image)
        block = image.info.get("exif")
        if block is None and len(found):  # a TIFF, or ImageMagick's text in a PNG
            block = exif.tiff_tags(found).tobytes()
        kept = exif.upright(block or b"", picture.size)
    except Exception:  # Pillow raises all kinds for broken EXIF
        notes.append("its EXIF is broken and was dropped")
    return picture, kept, swapped


def channels(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Return RGB (H, W, 3) and alpha (H, W) or None."""
    if image.has_transparency_data:
        if image.mode == "La":
            image = image.convert("LA")
        four = np.asarray(image.convert("RGBA"))  # not copied: both halves are
        return np.ascontiguousarray(four[..., :3]), np.ascontiguousarray(four[..., 3])
    return np.array(image if image.mode == "RGB" else image.convert("RGB")), None


def from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    """Convert to sRGB by the profile where there is a good one, else by the plain formula."""
    from PIL import ImageCms  # few photos need it

    if icc:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
            if converted is not None:
                return converted
    return image.convert("RGB")


def dpi_of(image: Image.Image) -> tuple[float, float] | None:
    """Return dots per inch (x, y), or None where the file says nothing or nonsense."""
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    good = all(math.isfinite(value) and 0 < value < 65_536 for value in (x, y))
    return (x, y) if good else None


def xmp_of(image: Image.Image) -> bytes | None:
    """Return the XMP packet, or None where there is none."""
    xmp = image.info.get("xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return xmp if isinstance(xmp, bytes) and xmp.strip(b"\x00 \n") else None
