"""Open photos safely: path, bytes or stream -> a Pillow picture, checked before it is decoded.

Every refusal is a `PhotoError` that names the fix; nothing else leaves this module for bad input.
"""

import contextlib
import io
import os
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from PIL import Image, UnidentifiedImageError

from mask2face.errors import Mask2FaceError, MissingExtraError, PhotoError, PhotoTooLargeError

FileSource: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO

MAX_BYTES = 512 * 1024**2  # no photo that we take is larger; ends endless streams
MIN_SIDE = 16  # px; less holds no face

_OPENERS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF")  # none runs other programs
_MODES = frozenset(
    ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
)
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"))
# AVIF and Canon's raw photos: pictures in a film's kind of file
_STILL_BRANDS = frozenset((b"avif", b"avis", b"miaf", b"crx "))
_VIDEO_HEADS = (b"\x1aE\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba")  # Matroska and WebM, Flash, MPEG
_BITS_PER_SAMPLE = 258  # TIFF tag


class _Quiet:
    """Keeps warnings back while it is entered; several threads may be inside at a time.

    `warnings.catch_warnings` alone sets filters of the whole process: of two threads the one that
    came first would let warnings out under the other, and the last would leave them off for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._caught = warnings.catch_warnings()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(None, None, None)


quiet: Final = _Quiet()


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn whatever Pillow raises or warns about a bad file into a `PhotoError` about `name`."""
    try:
        with quiet:  # "corrupt EXIF", "bomb": we check both ourselves
            yield
    except Mask2FaceError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotoTooLargeError(f"{name} is too large ({error}): make it smaller") from error
    except Exception as error:  # Pillow raises all kinds for broken files
        reason = str(error).strip() or type(error).__name__
        raise PhotoError(
            f"{name} is broken or cut short ({reason}): copy or download it again"
        ) from error


def content(source: FileSource) -> tuple[bytes, str]:
    """Return the bytes of a file, stream or buffer, and what to call it in messages.

    Raises:
        PhotoError: not there, a folder, not allowed, empty, or longer than `MAX_BYTES`.
        TypeError: not a path, buffer or binary stream.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), "the photo"
    elif isinstance(source, str | os.PathLike):
        data, name = _read_file(Path(source)), str(source)
    elif hasattr(source, "read"):
        data, name = source.read(MAX_BYTES + 1), str(getattr(source, "name", "the photo"))
        if not isinstance(data, bytes):
            raise TypeError("a stream of a photo must be opened in binary mode")
    else:
        raise TypeError(f"cannot read a photo from {type(source).__name__}")
    if not data:
        raise PhotoError(f"{name} is empty (0 bytes): copy or download it again")
    if len(data) > MAX_BYTES:
        limit = MAX_BYTES // 1024**2
        raise PhotoTooLargeError(
            f"{name} has more than {limit} MiB: save a smaller copy and use that"
        )
    return data, name


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PhotoError(f"{path}: no such file: check the path") from None
    except IsADirectoryError:
        raise PhotoError(f"{path} is a folder, not a photo: name a photo in it") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(
            f"{path!s:.200} cannot be read ({reason}): check its name and rights"
        ) from error


def opened(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """Return the picture in `data`, not decoded yet (HEIC: decoded), its size checked.

    WebP pictures carry `info["lossless"]`.

    Raises:
        PhotoError: not a photo, too large or too small.
        MissingExtraError: HEIC without `pillow-heif`.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return _opened_heif(data, name, max_pixels)
    try:
        image = Image.open(io.BytesIO(data), formats=_OPENERS)
    except UnidentifiedImageError:
        if _is_video(data):
            raise PhotoError(
                f"{name} is a video, not a photo: use  mask2face video  "
                "(pip install 'mask2face[video]')"
            ) from None
        raise PhotoError(
            f"{name} is not a photo that can be read, or is broken: "
            "use JPEG, PNG, WebP, TIFF or BMP (HEIC: pip install 'mask2face[heif]')"
        ) from None
    check_size(image.size, name, max_pixels)
    if image.format == "WEBP":
        image.info["lossless"] = _is_lossless_webp(data)
    if image.format == "PNG":
        image.info["depth"] = data[24]  # bits a channel, which Pillow reduces to 8 without a word
    return image


def _is_video(data: bytes) -> bool:
    """Say whether a file begins as the usual videos do."""
    if data[4:8] == b"ftyp":
        return data[8:12] not in _STILL_BRANDS | _HEIF_BRANDS
    return data.startswith(_VIDEO_HEADS) or (data[:4], data[8:12]) == (b"RIFF", b"AVI ")


def _opened_heif(data: bytes, name: str, max_pixels: int) -> Image.Image:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("pillow_heif", "heif") from None
    heif = pillow_heif.open_heif(io.BytesIO(data))
    check_size(heif.size, name, max_pixels)
    image: Image.Image = heif.to_pillow()  # upright already: HEIC rotates by itself
    image.format = "HEIF"
    return image


def _is_lossless_webp(data: bytes) -> bool:
    """Walk the RIFF chunks of a WebP file to its first picture: `VP8L` is the lossless kind."""
    position = 12
    while position + 8 <= len(data):
        kind = data[position : position + 4]
        if kind in (b"VP8 ", b"VP8L"):
            return kind == b"VP8L"
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + size + size % 2
    return False


def check_size(size: tuple[int, int], name: str, max_pixels: int) -> None:
    """Refuse photos, (width, height), of more than `max_pixels` or of a side under `MIN_SIDE`.

    Raises:
        PhotoError: too large or too small.
    """
    width, height = size
    if width * height > max_pixels:
        raise PhotoTooLargeError(
            f"{name} has {width} x {height} = {width * height / 1e6:.0f} million pixels, the limit "
            f"is {max_pixels / 1e6:g} million: make it smaller, or raise max_pixels"
        )
    if min(width, height) < MIN_SIDE:
        raise PhotoError(
            f"{name} has {width} x {height} pixels, too small: "
            f"give a photo of at least {MIN_SIDE} x {MIN_SIDE}"
        )


def check_kind(image: Image.Image, name: str) -> None:
    """Refuse what could not be given back truthfully: several frames, deep or unusual colours.

    Raises:
        PhotoError: animated, several pages, more than 8 bits a channel, an unusual colour mode.
    """
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format not in ("MPO", "HEIF"):
        raise PhotoError(
            f"{name} holds {frames} frames or pages: save the one you want as a PNG of its own"
        )
    depth = max(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (image.info.get("depth", 8),)))
    if depth > 8 or image.mode.startswith("I;16"):
        raise PhotoError(
            f"{name} has 16 bits a channel, which would be lost: save it with 8 bits a channel"
        )
    if image.mode not in _MODES:
        raise PhotoError(f"{name} has the colour mode {image.mode}: save it as 8-bit RGB")
