"""Round trips: what goes in comes out, upright, in the same format, with what the file said."""

import dataclasses
import io
import os
import stat
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin, PngImagePlugin

from mask2face import exif, photos
from mask2face.errors import OutputError, UnknownNameError, UsageError

EXACT = ("PNG", "TIFF", "BMP")
MAKER = "Camera & Söhne"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GREY_PROFILE = bytes(16) + b"GRAY" + bytes(108)
CORNERS = {
    "red": (200, 30, 40),
    "green": (20, 190, 60),
    "blue": (30, 50, 210),
    "grey": (90, 90, 90),
}


def picture(width=64, height=48):
    """Return four flat quarters: red and green above, blue and grey below."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = CORNERS["red"]
    pixels[: height // 2, width // 2 :] = CORNERS["green"]
    pixels[height // 2 :, : width // 2] = CORNERS["blue"]
    pixels[height // 2 :, width // 2 :] = CORNERS["grey"]
    return pixels


def noise(width=64, height=48, channels=3):
    return np.random.default_rng(3).integers(0, 256, (height, width, channels), np.uint8)


def saved(pixels, kind, mode=None, **options):
    image = Image.fromarray(pixels)
    out = io.BytesIO()
    if kind == "TIFF" and "exif" in options:  # given as bytes, Pillow would write text as ASCII
        found = Image.Exif()
        found.load(options["exif"])
        options["exif"] = exif.tiff_tags(found)
    (image.convert(mode) if mode else image).save(out, kind, **options)
    return out.getvalue()


def decoded(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def maker(image):
    """Return the maker in EXIF, which Pillow reads as Latin-1."""
    return image.getexif()[ExifTags.Base.Make].encode("latin-1").decode()


def exif_of(**tags):
    block = Image.Exif()
    block[ExifTags.Base.Make] = MAKER.encode()  # Pillow writes text as ASCII, cameras do not
    block[ExifTags.Base.DateTime] = "2026:01:02 03:04:05"
    for name, value in tags.items():
        block[getattr(ExifTags.Base, name)] = value
    details = block.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.FNumber] = 2.5
    details[ExifTags.Base.ExifImageWidth] = 64
    details[ExifTags.Base.ExifImageHeight] = 48
    block.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] = 12.5
    return block.tobytes()


# --- pixels


@pytest.mark.parametrize("kind", list(photos.FORMATS))
def test_colours_keep_their_order_and_place(kind):
    lossless = {"lossless": True} if kind == "WEBP" else {}
    photo = photos.read(saved(picture(), kind, **lossless))
    assert photo.format == kind
    again = photos.read(photos.encode(photo))
    for pixels in (photo.pixels, again.pixels):
        assert pixels.dtype == np.uint8
        assert pixels.shape == (48, 64, 3)
        for (y, x), colour in zip(
            [(9, 9), (9, 55), (39, 9), (39, 55)], CORNERS.values(), strict=True
        ):
            assert np.abs(pixels[y, x].astype(int) - colour).max() <= 6, kind


@pytest.mark.parametrize("kind", [*EXACT, "WEBP"])
def test_lossless_formats_are_bit_identical(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    photo = photos.read(saved(noise(), kind, **options))
    assert np.array_equal(photo.pixels, noise())
    assert np.array_equal(photos.read(photos.encode(photo)).pixels, noise())


def test_lossy_webp_stays_lossy_and_lossless_stays_lossless():
    smooth = np.repeat(np.arange(0, 192, 4, dtype=np.uint8)[:, None, None], 64, 1).repeat(3, 2)
    assert not photos.read(saved(smooth, "WEBP", quality=80)).encoding
    assert photos.read(saved(smooth, "WEBP", lossless=True)).encoding["lossless"]
    with_chunks = saved(smooth, "WEBP", lossless=True, exif=exif_of(), icc_profile=SRGB)
    assert photos.read(with_chunks).encoding["lossless"]


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("quality", [60, 90])
def test_jpeg_is_written_as_its_source_was(quality, subsampling):
    astronaut = pytest.importorskip("skimage.data").astronaut()[:200, 100:300]
    source = saved(astronaut, "JPEG", quality=quality, subsampling=subsampling, progressive=True)
    photo = photos.read(source)
    kept, plain = photos.encode(photo), photos.encode(photo, quality=75)
    assert decoded(kept).quantization == decoded(source).quantization
    assert JpegImagePlugin.get_sampling(decoded(kept)) == subsampling
    assert decoded(kept).info["progressive"]
    change = np.abs(photos.read(kept).pixels.astype(int) - photo.pixels)
    worse = np.abs(photos.read(plain).pixels.astype(int) - photo.pixels)
    assert change.mean() < 0.4  # levels; what the docstring promises
    assert worse.mean() > 2 * change.mean()


def test_quality_is_obeyed():
    photo = photos.read(noise())
    sizes = [len(photos.encode(photo, "JPEG", quality)) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)
    assert len(photos.encode(photo, "webp", 20)) < len(photos.encode(photo, "WebP", 90))


# --- orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(kind, orientation):
    stored = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    # The transposition that stores an upright picture so that this orientation brings it back.
    sideways = Image.fromarray(picture())
    if stored is not None:
        sideways = sideways.transpose(Image.Transpose(stored))
    quality = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = saved(np.array(sideways), kind, exif=exif_of(Orientation=orientation), **quality)

    photo = photos.read(data)
    assert photo.pixels.shape == (48, 64, 3)
    for (y, x), colour in zip([(9, 9), (9, 55), (39, 9), (39, 55)], CORNERS.values(), strict=True):
        assert np.abs(photo.pixels[y, x].astype(int) - colour).max() <= 6

    image = decoded(photos.encode(photo))
    assert image.size == (64, 48)
    assert image.getexif().get(ExifTags.Base.Orientation, 1) == 1  # not turned a second time
    assert maker(image) == MAKER
    details = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.ExifImageWidth] == 64
    assert details[ExifTags.Base.ExifImageHeight] == 48


def test_a_turned_photo_swaps_its_dpi_and_tables():
    block = exif_of(Orientation=6)
    tables = [list(range(1, 65)), list(range(64, 0, -1))]
    source = saved(picture(), "JPEG", exif=block, dpi=(100, 200), qtables=tables, subsampling=1)
    photo = photos.read(source)
    assert photo.dpi == (200, 100)
    before = decoded(source).quantization
    after = decoded(photos.encode(photo)).quantization
    assert np.array_equal(np.reshape(before[0], (8, 8)).T, np.reshape(after[0], (8, 8)))


def test_orientation_in_xmp_alone_counts_once():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:tiff="t" tiff:Orientation="6"/>'
    photo = photos.read(saved(picture(), "JPEG", xmp=xmp))
    assert photo.pixels.shape == (64, 48, 3)
    assert photos.read(photos.encode(photo)).pixels.shape == (64, 48, 3)


# --- metadata


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_icc_dpi_and_xmp_are_kept(kind):
    block = exif_of(XResolution=300.0, YResolution=300.0, ResolutionUnit=2)
    photo = photos.read(saved(picture(), kind, exif=block, icc_profile=SRGB, dpi=(300, 300)))
    image = decoded(photos.encode(dataclasses.replace(photo, xmp=b"<x:xmpmeta/>")))
    found = image.getexif()
    assert maker(image) == MAKER
    assert found[ExifTags.Base.DateTime] == "2026:01:02 03:04:05"
    assert found[ExifTags.Base.XResolution] == 300
    assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] == 2.5
    assert found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] == 12.5
    assert image.info["icc_profile"] == SRGB
    assert image.info["xmp"].strip(b"\0") == b"<x:xmpmeta/>"
    if kind != "WEBP":  # which holds dpi in EXIF only
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_bmp_keeps_dpi():
    photo = photos.read(saved(picture(), "BMP", dpi=(150, 150)))
    assert decoded(photos.encode(photo)).info["dpi"] == pytest.approx((150, 150), abs=0.1)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("target", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_every_format_can_become_every_other(source, target):
    data = saved(picture(), source, exif=exif_of(), icc_profile=SRGB, dpi=(72, 72))
    image = decoded(photos.encode(photos.read(data), target.lower()))
    assert (image.format, image.size) == (target, (64, 48))
    if target != "BMP":
        assert maker(image) == MAKER


def test_the_thumbnail_of_the_old_picture_is_dropped():
    thumbnail = saved(picture(16, 16), "JPEG")
    block = bytearray(exif_of())
    start = len(block) - 6  # a second directory behind the first, as cameras write it
    count = int.from_bytes(block[14:16], "big")
    struct.pack_into(">I", block, 6 + 8 + 2 + 12 * count, start)
    block += struct.pack(">HHHIIHHIII", 2, 0x201, 4, 1, start + 30, 0x202, 4, 1, len(thumbnail), 0)
    source = saved(picture(), "JPEG", exif=bytes(block + thumbnail))
    assert decoded(source).getexif().get_ifd(ExifTags.IFD.IFD1)  # the test's own premise
    out = decoded(photos.encode(photos.read(source)))
    assert not out.getexif().get_ifd(ExifTags.IFD.IFD1)
    assert maker(out) == MAKER


@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"\0" * 40]
)
def test_broken_exif_is_dropped_and_said(block):
    photo = photos.read(saved(picture(), "JPEG", exif=block))
    assert photo.pixels.shape == (48, 64, 3)
    assert photo.exif == b""
    photos.encode(photo)


def test_a_photo_with_a_broken_block_still_comes_out_upright():
    block = bytearray(exif_of(Orientation=6))
    at = block.index(struct.pack(">HHI", ExifTags.IFD.Exif, 4, 1)) + 8
    block[at : at + 4] = b"\x7f\xff\xff\xff"  # the link to the details leads out of the block
    photo = photos.read(saved(picture(), "JPEG", exif=bytes(block)))
    assert photo.pixels.shape == (64, 48, 3)
    assert (photo.exif, photo.notes) == (b"", ("its EXIF is broken and was dropped",))


def test_exif_as_imagemagick_writes_it_into_png_counts():
    text = PngImagePlugin.PngInfo()
    block = exif_of(Orientation=6)
    text.add_text("Raw profile type exif", f"\nexif\n{len(block):8}\n{block.hex()}\n")
    photo = photos.read(saved(picture(), "PNG", pnginfo=text))
    assert photo.pixels.shape == (64, 48, 3)
    assert maker(decoded(photos.encode(photo))) == MAKER


def test_the_pillow_picture_given_keeps_its_own_metadata():
    image = decoded(saved(picture(), "JPEG", exif=exif_of(Orientation=6)))
    photo = photos.read(image)
    assert photo.pixels.shape == (64, 48, 3)
    assert image.size == (64, 48)
    assert image.getexif()[ExifTags.Base.Orientation] == 6
    assert photo.format == "JPEG"


@pytest.mark.parametrize("dpi", [(0, 0), (float("nan"), 72), "text", (72,), None, (1e9, 1e9)])
def test_nonsense_dpi_is_ignored(dpi):
    image = Image.fromarray(picture())
    image.info["dpi"] = dpi
    assert photos.read(image).dpi is None


def test_metadata_too_long_for_jpeg_names_the_fix():
    photo = dataclasses.replace(photos.read(picture()), xmp=b"<x/>" + b" " * 70_000)
    with pytest.raises(OutputError, match="XMP is too long for JPEG: write PNG"):
        photos.encode(photo, "JPEG")
    assert photos.read(photos.encode(photo, "PNG")).xmp == photo.xmp


# --- colour modes


def test_alpha_is_kept_to_the_bit():
    four = noise(channels=4)
    four[:8, :8, 3] = 0  # colours under full transparency count too
    for kind, options in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})):
        photo = photos.read(saved(four, kind, **options))
        again = np.array(decoded(photos.encode(photo)))
        assert np.array_equal(photo.alpha, four[..., 3])
        assert np.array_equal(again, four), kind


def test_jpeg_and_bmp_cannot_hold_transparency():
    half = photos.read(saved(noise(channels=4), "PNG"))
    for kind in ("JPEG", "BMP"):
        with pytest.raises(OutputError, match="transparency: write PNG, WebP or TIFF"):
            photos.encode(half, kind)
    opaque = dataclasses.replace(half, alpha=np.full((48, 64), 255, np.uint8))
    assert decoded(photos.encode(opaque, "JPEG")).mode == "RGB"


@pytest.mark.parametrize(
    ("kind", "mode", "written"),
    [
        ("PNG", "L", "L"),
        ("PNG", "LA", "LA"),
        ("PNG", "1", "L"),
        ("PNG", "P", "RGB"),
        ("JPEG", "L", "L"),
        ("TIFF", "L", "L"),
        ("TIFF", "1", "L"),
        ("TIFF", "P", "RGB"),
        ("TIFF", "YCbCr", "RGB"),
        ("BMP", "L", "L"),
        ("BMP", "1", "L"),
        ("BMP", "P", "RGB"),
        ("GIF", "P", "RGB"),
    ],
)
def test_colour_modes_in_and_out(kind, mode, written):
    data = saved(picture(), kind, mode)
    expected = np.array(decoded(data).convert("RGB"))
    photo = photos.read(data)
    assert np.array_equal(photo.pixels, expected)
    again = decoded(photos.encode(photo))
    assert again.mode == written
    tolerance = 3 if kind == "JPEG" else 0
    assert np.abs(np.array(again.convert("RGB")).astype(int) - expected).max() <= tolerance


def test_a_grey_jpeg_that_gains_colour_becomes_colour():
    photo = photos.read(saved(picture(), "JPEG", "L", icc_profile=GREY_PROFILE))
    assert (photo.grey, decoded(photos.encode(photo)).info["icc_profile"]) == (True, GREY_PROFILE)
    coloured = photo.pixels.copy()
    coloured[10:20, 10:20] = (200, 30, 40)
    image = decoded(photos.encode(dataclasses.replace(photo, pixels=coloured)))
    assert image.mode == "RGB"
    assert np.abs(np.array(image)[15, 15].astype(int) - (200, 30, 40)).max() < 20
    assert "icc_profile" not in image.info  # it describes one channel


def test_palette_transparency_becomes_alpha():
    palette = Image.fromarray(picture()).quantize(4)
    out = io.BytesIO()
    palette.save(out, "PNG", transparency=0)
    photo = photos.read(out.getvalue())
    assert set(np.unique(photo.alpha)) == {0, 255}
    assert decoded(photos.encode(photo)).mode == "RGBA"


def test_transparent_colour_of_an_rgb_png_becomes_alpha():
    photo = photos.read(saved(picture(), "PNG", transparency=CORNERS["blue"]))
    assert photo.alpha is not None
    assert photo.alpha[40, 5] == 0
    assert photo.alpha[5, 5] == 255


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_becomes_rgb_and_says_so(kind):
    photo = photos.read(saved(picture(), kind, "CMYK"))
    assert any("CMYK" in note for note in photo.notes)
    assert np.abs(photo.pixels[9, 9].astype(int) - CORNERS["red"]).max() < 12
    again = decoded(photos.encode(photo))
    assert (again.format, again.mode) == (kind, "RGB")


def test_a_useless_cmyk_profile_is_no_reason_to_fail():
    photo = photos.read(saved(picture(), "TIFF", "CMYK", icc_profile=b"no profile" * 20))
    assert np.abs(photo.pixels[9, 9].astype(int) - CORNERS["red"]).max() < 12
    assert photo.icc is None


def test_the_main_picture_of_a_multi_picture_jpeg_is_read():
    out = io.BytesIO()
    first, second = Image.fromarray(picture()), Image.fromarray(255 - picture())
    first.save(out, "MPO", save_all=True, append_images=[second])
    photo = photos.read(out.getvalue())
    assert photo.format == "JPEG"
    assert np.abs(photo.pixels[9, 9].astype(int) - CORNERS["red"]).max() < 12
    assert getattr(decoded(photos.encode(photo)), "n_frames", 1) == 1


# --- sources


def test_all_kinds_of_source_give_the_same_photo(tmp_path):
    data = saved(picture(), "PNG")
    path = tmp_path / "in.jpg"  # content decides, not the name
    path.write_bytes(data)
    sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
    sources += [Image.open(path), picture()]
    for source in sources:
        photo = photos.read(source)
        assert np.array_equal(photo.pixels, picture())
        assert photo.format == "PNG"


def test_an_array_is_copied():
    array = picture()
    photo = photos.read(array[:, ::-1])
    array[:] = 0
    assert np.array_equal(photo.pixels, picture()[:, ::-1])
    assert photo.pixels.flags["C_CONTIGUOUS"]


def test_to_image_gives_pillow_what_the_photo_holds():
    photo = photos.read(saved(picture(), "PNG", icc_profile=SRGB, dpi=(72, 72)))
    image = photos.to_image(photo)
    assert np.array_equal(np.array(image), picture())
    assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixels": np.zeros((4, 4), np.uint8)},
        {"pixels": np.zeros((4, 4, 3), np.float32)},
        {"pixels": picture(), "alpha": np.zeros((3, 3), np.uint8)},
        {"pixels": picture(), "alpha": np.zeros((48, 64), np.float32)},
        {"pixels": picture(), "format": "GIF"},
    ],
)
def test_a_photo_checks_what_it_is_made_of(wrong):
    with pytest.raises(ValueError, match="must be"):
        photos.Photo(**wrong)


# --- writing


def test_write_is_atomic_and_says_where(tmp_path):
    path = tmp_path / "out.png"
    assert photos.write(photos.read(picture()), path) == path
    assert np.array_equal(photos.read(path).pixels, picture())
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)  # as umask says


def test_the_suffix_names_the_format_and_an_argument_wins(tmp_path):
    photo = photos.read(saved(picture(), "JPEG"))
    kinds = {"a.png": "PNG", "b.JPG": "JPEG", "c.tiff": "TIFF", "d.webp": "WEBP", "e": "JPEG"}
    for name, kind in kinds.items():
        assert decoded(photos.write(photo, tmp_path / name).read_bytes()).format == kind
    path = photos.write(photo, tmp_path / "f.jpg", format="png")
    assert decoded(path.read_bytes()).format == "PNG"
    path = photos.write(photo, tmp_path / "g.dat", format="jpg")
    assert decoded(path.read_bytes()).format == "JPEG"


def test_a_file_that_is_there_is_kept_unless_told(tmp_path):
    path = tmp_path / "out.png"
    path.write_bytes(b"precious")
    with pytest.raises(
        OutputError, match=r"exists: choose another output, or replace it .*overwrite=True"
    ):
        photos.write(photos.read(picture()), path)
    assert path.read_bytes() == b"precious"
    photos.write(photos.read(picture()), path, overwrite=True)
    assert np.array_equal(photos.read(path).pixels, picture())


@pytest.mark.parametrize("way", ["same", "relative", "symlink", "hardlink", "symlinked folder"])
def test_the_input_is_never_written(way, tmp_path, monkeypatch):
    source = tmp_path / "in.png"
    source.write_bytes(saved(picture(), "PNG"))
    before = source.read_bytes()
    path = source
    if way == "relative":
        monkeypatch.chdir(tmp_path)
        path = "in.png"
    elif way == "symlink":
        path = tmp_path / "link.png"
        path.symlink_to(source)
    elif way == "hardlink":
        path = tmp_path / "hard.png"
        os.link(source, path)
    elif way == "symlinked folder":
        (tmp_path / "folder").symlink_to(tmp_path)
        path = tmp_path / "folder" / "in.png"
    with pytest.raises(OutputError, match="is the input itself"):
        photos.write(photos.read(source), path, source=source, overwrite=True)
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("out.gif", "cannot write '.gif' files: use .jpg"),
        ("out.heic", "cannot write '.heic' files"),
        ("missing/out.png", "does not exist: make it first"),
        (".", "is a folder: name the file to write"),
    ],
)
def test_outputs_that_cannot_be(name, words, tmp_path):
    with pytest.raises(OutputError, match=words):
        photos.write(photos.read(picture()), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    with pytest.raises(OutputError, match="cannot be written \\(Permission denied\\)"):
        photos.write(photos.read(picture()), tmp_path / "out.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_outside_its_range_is_refused(quality):
    with pytest.raises(UsageError, match="from 1 to 100"):
        photos.encode(photos.read(picture()), "JPEG", quality)


def test_unknown_format_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'WEBP'"):
        photos.encode(photos.read(picture()), "webbp")
