"""Names of formats, and the parameters that repeat how a file was encoded."""

import io

import numpy as np
import pytest
from PIL import Image

from mask2face import encoding
from mask2face.errors import OutputError, UnknownNameError


def opened(kind, mode="RGB", **options):
    out = io.BytesIO()
    Image.new(mode, (32, 32), 0).save(out, kind, **options)
    return Image.open(out)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("jpeg", "JPEG"), ("JPG", "JPEG"), ("png", "PNG"), ("tif", "TIFF"), ("WebP", "WEBP")],
)
def test_format_named(name, expected):
    assert encoding.format_named(name) == expected


@pytest.mark.parametrize("name", ["gif", "heic", "", "jpegg"])
def test_unknown_formats_list_ours(name):
    with pytest.raises(UnknownNameError, match="choose from BMP, JPEG, PNG, TIFF, WEBP"):
        encoding.format_named(name)


def test_every_suffix_names_a_format_and_every_format_a_suffix():
    assert set(encoding.SUFFIXES.values()) == set(encoding.FORMATS)
    for kind, suffix in encoding.FORMATS.items():
        assert encoding.format_of(f"in{suffix.upper()}") == kind
    assert encoding.format_of("folder.png/in") is None
    with pytest.raises(OutputError, match=r"cannot write '\.txt' files: use \.jpg, \.jpeg"):
        encoding.format_of("in.txt")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("tiff_lzw", "tiff_lzw"),
        ("packbits", "packbits"),
        ("raw", "raw"),
        ("tiff_adobe_deflate", "tiff_adobe_deflate"),
        ("jpeg", "tiff_adobe_deflate"),  # lossy: would change every pixel
    ],
)
def test_tiff_compression_is_kept_where_it_is_lossless(given, kept):
    assert encoding.parameters_of(opened("TIFF", compression=given)) == {"compression": kept}


def test_jpeg_tables_are_kept_and_nonsense_is_not():
    image = opened("JPEG", quality=50, subsampling=2)
    assert encoding.parameters_of(image)["subsampling"] == 2
    image.quantization = {0: [0] * 64}
    assert encoding.parameters_of(image) == {}
    image.quantization = {}
    assert encoding.parameters_of(image) == {}


def test_quality_replaces_what_was_kept():
    kept = {"qtables": [[1] * 64, [1] * 64], "subsampling": 2}
    assert encoding.parameters(kept, "RGB", "JPEG", None) == kept
    assert encoding.parameters(kept, "RGB", "JPEG", 95) == {"quality": 95, "subsampling": 0}
    assert encoding.parameters(kept, "RGB", "JPEG", 60) == {"quality": 60, "subsampling": 2}
    assert encoding.parameters({}, "RGB", "PNG", 60) == {}


def test_turned_tables_are_transposed_and_422_becomes_444():
    table = np.arange(1, 65)
    turned = encoding.turned({"qtables": [table.tolist()], "subsampling": 1})
    assert turned == {"qtables": [table.reshape(8, 8).T.ravel().tolist()], "subsampling": 0}
    assert encoding.turned({"compression": "raw"}) == {"compression": "raw"}


def test_metadata_is_what_the_format_can_hold():
    info = {"dpi": (72, 72), "icc_profile": b"p", "exif": b"", "xmp": b"<x/>"}
    assert set(encoding.metadata(info, "BMP")) == {"dpi"}
    assert set(encoding.metadata(info, "WEBP")) == {"icc_profile", "exif", "xmp"}
    assert set(encoding.metadata(info, "PNG")) == {"dpi", "icc_profile", "exif", "pnginfo"}
    assert encoding.metadata(info, "TIFF")["exif"][700] == b"<x/>"
    with pytest.raises(OutputError, match="EXIF is too long for JPEG"):
        encoding.metadata({"exif": b"E" * 70_000}, "JPEG")


def test_a_profile_that_no_png_reader_takes_is_refused():
    long = {"icc_profile": bytes(1024**2 + 1)}
    with pytest.raises(OutputError, match="too long for PNG: write JPEG, WebP or TIFF"):
        encoding.metadata(long, "PNG")
    assert encoding.metadata(long, "JPEG")["icc_profile"] == long["icc_profile"]
    most = {"icc_profile": bytes(1024**2)}
    assert encoding.metadata(most, "PNG") == most
