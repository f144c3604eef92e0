"""Bad input: every case is a `PhotoError` that says what is wrong and names the fix."""

import contextlib
import io
import struct
import sys
import types
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from mask2face import decoding, photos
from mask2face.errors import MissingExtraError, OutputError, PhotoError


def colours(width=48, height=32):
    """Return an RGB picture of noise, so that every byte of its file matters."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def saved(kind, mode="RGB", **options):
    out = io.BytesIO()
    Image.fromarray(colours()).convert(mode).save(out, kind, **options)
    return out.getvalue()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width, height, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)


def deep_png():
    rows = b"".join(b"\x00" + bytes(range(20 * 6)) for _ in range(20))
    return png_header(20, 20, depth=16) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_tiff(mode):
    out = io.BytesIO()
    Image.fromarray(np.zeros((20, 20), np.dtype(mode))).save(out, "TIFF")
    return out.getvalue()


def frames(kind):
    out = io.BytesIO()
    pictures = [Image.fromarray(np.roll(colours(), n, 0)) for n in (0, 5, 9)]
    pictures[0].save(out, kind, save_all=True, append_images=pictures[1:])
    return out.getvalue()


def flipped(data, start, count=400):
    """Return `data` with `count` bytes inverted from `start`."""
    middle = bytes(255 - value for value in data[start : start + count])
    return data[:start] + middle + data[start + count :]


NO_PIXELS = chunk(b"IDAT", b"") + chunk(b"IEND", b"")
HEIC = struct.pack(">I", 24) + b"ftypheic" + bytes(100)

BAD = [
    # name, bytes, words of the message
    ("zero bytes", b"", "is empty (0 bytes): copy or download it again"),
    ("one byte", b"\xff", "is not a photo"),
    ("text", b"hello, this is no photo at all\n" * 20, "use JPEG, PNG, WebP, TIFF or BMP"),
    ("HTML error page", b"<!DOCTYPE html><html><body>404</body></html>", "is not a photo"),
    ("PDF", b"%PDF-1.7\n" + bytes(200), "is not a photo"),
    ("EPS, which would run a program", b"%!PS-Adobe-3.0 EPSF-3.0\n" + bytes(99), "is not a photo"),
    ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is not a photo"),
    ("AVIF", struct.pack(">I", 24) + b"ftypavif" + bytes(99), "is not a photo"),
    ("CR3", struct.pack(">I", 24) + b"ftypcrx " + bytes(99), "is not a photo that can be read"),
    ("MP4", struct.pack(">I", 24) + b"ftypisom" + bytes(99), "is a video, .* mask2face video"),
    ("MOV", struct.pack(">I", 20) + b"ftypqt  " + bytes(99), "is a video"),
    ("MKV", b"\x1aE\xdf\xa3" + bytes(99), "is a video"),
    ("AVI", b"RIFF" + struct.pack("<I", 99) + b"AVI LIST" + bytes(91), "is a video"),
    ("PPM", saved("PPM"), "is not a photo"),
    ("only a JPEG header", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "broken or cut short"),
    ("only a PNG signature", b"\x89PNG\r\n\x1a\n", "not a photo"),
    ("JPEG cut in the middle", saved("JPEG")[:-800], "broken or cut short"),
    ("PNG cut in the middle", saved("PNG")[:2000], "broken or cut short"),
    ("WebP cut in the middle", saved("WEBP", lossless=True)[:2000], "not a photo|broken or cut"),
    ("TIFF cut in the middle", saved("TIFF", compression="tiff_lzw")[:300], "not a photo|broken"),
    ("BMP cut in the middle", saved("BMP")[:-900], "broken or cut short"),
    ("PNG with damaged pixels", flipped(saved("PNG"), 41, 2), "broken or cut short"),
    ("PNG without pixels", png_header(50, 50) + chunk(b"IEND", b""), "broken or cut short"),
    ("bomb: 400 megapixels in 200 bytes", png_header(20000, 20000) + NO_PIXELS, "too large"),
    (
        "bomb: over the limit",
        png_header(12000, 10000) + NO_PIXELS,
        "120 million pixels, the limit is 100",
    ),
    ("no pixel wide", png_header(0, 50), "not a photo|broken|too small"),
    ("1 pixel", None, "1 x 1 pixels, too small: give a photo of at least 16 x 16"),
    ("15 pixels high", None, "40 x 15 pixels, too small"),
    ("animated GIF", frames("GIF"), "holds 3 frames or pages: save the one you want"),
    ("animated WebP", frames("WEBP"), "holds 3 frames or pages"),
    ("animated PNG", frames("PNG"), "holds 3 frames or pages"),
    ("TIFF of three pages", frames("TIFF"), "holds 3 frames or pages"),
    ("16-bit RGB PNG", deep_png(), "16 bits a channel, which would be lost: save it with 8 bits"),
    ("16-bit grey TIFF", deep_tiff("uint16"), "16 bits a channel"),
    ("32-bit TIFF", deep_tiff("int32"), "bits a channel|colour mode"),
    ("float TIFF", deep_tiff("float32"), "bits a channel|colour mode"),
    ("CIELAB TIFF", saved("TIFF", "LAB"), "colour mode LAB: save it as 8-bit RGB"),
]


def small_picture(name):
    width, height = (1, 1) if name == "1 pixel" else (40, 15)
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(("name", "data", "words"), BAD, ids=[row[0] for row in BAD])
def test_bad_bytes_are_refused_with_the_fix(name, data, words, tmp_path):
    data = small_picture(name) if data is None else data
    match = "|".join(word.replace("(", r"\(").replace(")", r"\)") for word in words.split("|"))
    with pytest.raises(PhotoError, match=match):
        photos.read(data)
    path = tmp_path / "in.jpg"
    path.write_bytes(data)
    with pytest.raises(PhotoError, match=match) as caught:
        photos.read(path)
    assert str(path) in str(caught.value)  # the message says which file
    with pytest.raises(PhotoError):
        photos.read(io.BytesIO(data))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing.jpg", "no such file: check the path"),
        ("missing/in.jpg", "no such file"),
        (".", "is a folder, not a photo: name a photo in it"),
        ("in\x00.jpg", "cannot be read"),
        ("x" * 3000, "cannot be read"),
        ("", "is a folder"),
    ],
)
def test_bad_paths_are_refused(path, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PhotoError, match=words):
        photos.read(path)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((32, 32), np.uint8),
        np.zeros((32, 32, 4), np.uint8),
        np.zeros((32, 32, 3), np.float32),
        np.zeros((32, 32, 3), np.uint16),
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((2, 32, 32, 3), np.uint8),
    ],
)
def test_arrays_that_are_no_photo_are_refused(array):
    with pytest.raises(PhotoError, match=r"RGB uint8 \(H, W, 3\)|too small"):
        photos.read(array)


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "HSV", "LAB"])
def test_pillow_pictures_of_other_modes_are_refused(mode):
    with pytest.raises(PhotoError, match="16 bits|colour mode"):
        photos.read(Image.new(mode, (32, 32)))


def test_a_closed_pillow_picture_is_refused(tmp_path):
    path = tmp_path / "in.png"
    path.write_bytes(saved("PNG"))
    picture = Image.open(path)
    picture.close()
    with pytest.raises(PhotoError, match=r"in\.png is broken"):
        photos.read(picture)


@pytest.mark.parametrize("source", [None, 3, ["in.jpg"], io.StringIO("text")])
def test_other_kinds_of_source_are_a_type_error(source):
    with pytest.raises(TypeError):
        photos.read(source)


def test_the_pixel_limit_is_an_argument():
    data = saved("PNG")
    assert photos.read(data, max_pixels=48 * 32).pixels.shape == (32, 48, 3)
    with pytest.raises(PhotoError, match="make it smaller, or raise max_pixels"):
        photos.read(data, max_pixels=48 * 32 - 1)
    with pytest.raises(PhotoError, match="make it smaller"):
        photos.read(colours(), max_pixels=100)
    with pytest.raises(PhotoError, match="make it smaller"):
        photos.read(Image.fromarray(colours()), max_pixels=100)


def test_an_endless_stream_ends(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 1000)
    with Path("/dev/zero").open("rb") as endless, pytest.raises(PhotoError, match="more than"):
        photos.read(endless)


def test_heic_without_the_extra_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[heif\]"):
        photos.read(HEIC)


def test_heic_is_read_by_its_library_and_written_as_jpeg(monkeypatch):
    picture = Image.fromarray(colours())
    stub = types.SimpleNamespace(
        open_heif=lambda _: types.SimpleNamespace(size=picture.size, to_pillow=lambda: picture)
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", stub)
    photo = photos.read(HEIC)
    assert np.array_equal(photo.pixels, colours())
    assert (photo.format, photo.notes) == ("JPEG", ("HEIF photos are written as JPEG",))
    with pytest.raises(PhotoError, match="make it smaller"):
        photos.read(HEIC, max_pixels=10)


def test_a_real_heic_photo():
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    try:
        heif.from_pillow(Image.new("RGB", (64, 48), (200, 120, 40))).save(out, quality=100)
    except (OSError, RuntimeError, ValueError) as error:  # a build without an encoder
        pytest.skip(f"cannot write HEIC here: {error}")
    photo = photos.read(out.getvalue())
    assert photo.pixels.shape == (48, 64, 3)
    assert np.abs(photo.pixels.astype(int) - (200, 120, 40)).mean() < 8  # colour order
    with pytest.raises(PhotoError):
        photos.read(out.getvalue()[:-200])


EXIF = Image.Exif()
EXIF[ExifTags.Base.Make] = "Camera"
EXIF[ExifTags.Base.Orientation] = 6
EXIF[ExifTags.IFD.Exif] = {int(ExifTags.Base.FNumber): 2.5}
EXIF = EXIF.tobytes()
WHOLE = [
    saved("JPEG", exif=EXIF),
    saved("PNG"),
    saved("PNG", "P"),
    saved("WEBP"),
    saved("TIFF", compression="tiff_lzw"),
    saved("TIFF", exif=EXIF),
    saved("BMP"),
    saved("GIF", "P"),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(WHOLE), st.floats(0, 1), st.data())
def test_cut_and_changed_files_raise_nothing_but_photo_errors(whole, part, data):
    broken = bytearray(whole[: int(len(whole) * part)] if data.draw(st.booleans()) else whole)
    for _ in range(data.draw(st.integers(0, 6)) if broken else 0):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        photo = photos.read(bytes(broken), max_pixels=100_000)
    except PhotoError as error:
        assert ": " in str(error)
    else:
        assert photo.pixels.shape[2] == 3
        photos.encode(photo)
        with contextlib.suppress(OutputError):  # transparency, or EXIF that TIFF cannot hold
            photos.encode(photo, data.draw(st.sampled_from(list(photos.FORMATS))))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data):
    with pytest.raises(PhotoError):
        photos.read(data)


def test_threads_keep_warnings_back_together_and_leave_the_filters_as_they_were():
    before = list(warnings.filters)
    first, second = decoding.translated("a"), decoding.translated("b")
    with first:
        second.__enter__()  # as another thread does, which goes on when the first is ready
    warnings.warn("in the second, an error by pytest's filters", stacklevel=1)
    second.__exit__(None, None, None)
    assert warnings.filters == before
    with pytest.raises(UserWarning):
        warnings.warn("outside", stacklevel=1)
