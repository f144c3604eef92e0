"""EXIF blocks are patched in place: nothing but the named fields changes."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from mask2face import exif

MAKER_NOTE = 0x927C


def block(order="<", orientation=6, note=b"offsets from here: \x01\x02\x03"):
    """Return an EXIF block written by hand: orientation and a link to (width, height, note)."""
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(f"{order}I", 8)
    details, thumbnail = 8 + 2 + 2 * 12 + 4, 8 + 2 + 2 * 12 + 4 + 2 + 3 * 12 + 4
    first = struct.pack(f"{order}HHHIHxx", 2, ExifTags.Base.Orientation, 3, 1, orientation)
    first += struct.pack(f"{order}HHIII", ExifTags.IFD.Exif, 4, 1, details, thumbnail)
    second = struct.pack(f"{order}HHHIHxx", 3, ExifTags.Base.ExifImageWidth, 3, 1, 4000)
    second += struct.pack(f"{order}HHII", ExifTags.Base.ExifImageHeight, 4, 1, 3000)
    second += struct.pack(f"{order}HHIII", MAKER_NOTE, 7, len(note), thumbnail + 6, 0)
    return b"Exif\x00\x00" + head + first + second + struct.pack(f"{order}HI", 0, 0) + note


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_and_pixel_counts_are_set_and_the_rest_stays(order):
    before = block(order)
    after = exif.upright(before, (3000, 4000))
    found = Image.Exif()
    found.load(after)
    details = found.get_ifd(ExifTags.IFD.Exif)
    assert found[ExifTags.Base.Orientation] == 1
    assert details[ExifTags.Base.ExifImageWidth] == 3000
    assert details[ExifTags.Base.ExifImageHeight] == 4000
    assert details[MAKER_NOTE] == b"offsets from here: \x01\x02\x03"
    assert after.index(b"offsets") == before.index(b"offsets")  # notes point into the block
    assert not found.get_ifd(ExifTags.IFD.IFD1)


def test_an_upright_block_without_thumbnail_stays_as_it_is():
    once = exif.upright(block(), (4000, 3000))
    assert exif.upright(once, (4000, 3000)) == once


@pytest.mark.parametrize("prefix", [b"", b"Exif\x00\x00", b"Exif\x00\x00Exif\x00\x00"])
def test_any_number_of_prefixes_becomes_one(prefix):
    bare = block()[6:]
    assert exif.upright(prefix + bare, (9, 9)).count(b"Exif\x00\x00") == 1


@pytest.mark.parametrize("empty", [b"", b"Exif\x00\x00"])
def test_no_exif_stays_no_exif(empty):
    assert exif.upright(empty, (9, 9)) == b""


@pytest.mark.parametrize(
    "broken", [b"garbage", b"II*\x00", b"II*\x00\xff\xff\xff\x7f", block()[:30], b"XX" + block()]
)
def test_broken_blocks_are_a_value_error(broken):
    with pytest.raises(ValueError, match="TIFF structure|points out of the block"):
        exif.upright(broken, (9, 9))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_raise_nothing_else(data):
    changed = bytearray(block(data.draw(st.sampled_from("<>"))))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        after = exif.upright(bytes(changed), (30, 40))
    except ValueError:
        return
    assert len(after) - 6 <= len(changed)
