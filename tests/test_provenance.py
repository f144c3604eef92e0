"""The mark survives every format that can hold it, and spoils nothing that was there."""

import dataclasses
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mask2face import photos, provenance
from mask2face.errors import PhotoError
from mask2face.provenance import SOURCE_TYPE, STATEMENT, mark, read_mark

IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
EXISTING = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:7" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:Iptc4xmpExt="{IPTC}"
    photoshop:Credit="Zoë &amp; Søn" Iptc4xmpExt:DigitalSourceType="{TERMS}digitalCapture">
   <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">© me &lt;me@example.org&gt;</rdf:li></rdf:Alt>
   </dc:rights>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
{" " * 2000}
<?xpacket end="w"?>""".encode()
AS_ELEMENT = (
    EXISTING.decode()
    .replace(f' Iptc4xmpExt:DigitalSourceType="{TERMS}digitalCapture"', "")
    .replace(
        "<dc:rights>",
        f"<Iptc4xmpExt:DigitalSourceType>{TERMS}trainedAlgorithmicMedia"
        "</Iptc4xmpExt:DigitalSourceType><dc:rights>",
    )
    .encode()
)
LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="">&c;</rdf:Description></rdf:RDF></x:xmpmeta>"""


def values(xmp):
    """Return every DigitalSourceType in a packet, read by another parser than ours."""
    root = ET.fromstring(xmp)
    name = f"{{{IPTC}}}DigitalSourceType"
    return [node.get(name) for node in root.iter() if node.get(name)] + [
        node.text for node in root.iter(name)
    ]


def photo(xmp=None):
    pixels = np.random.default_rng(5).integers(0, 256, (32, 48, 3), np.uint8)
    return dataclasses.replace(photos.read(pixels), xmp=xmp)


def test_the_term_is_the_one_of_iptc():
    assert SOURCE_TYPE == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("xmp", [None, EXISTING, AS_ELEMENT], ids=["new", "attribute", "element"])
def test_the_mark_goes_through_the_file(kind, xmp, tmp_path):
    assert provenance.carries_mark(kind)
    data = photos.encode(photo(mark(xmp)), kind)
    assert b"Iptc4xmpExt:DigitalSourceType" in data or kind == "PNG"
    path = tmp_path / f"out{photos.FORMATS[kind]}"
    path.write_bytes(data)
    for source in (data, path, str(path), io.BytesIO(data), Image.open(io.BytesIO(data))):
        found = read_mark(source)
        assert found is not None
        assert found.source_type == SOURCE_TYPE
        assert found.generated
        assert found.by_mask2face
    again = photos.read(data)  # and through a second run of the program
    assert values(mark(again.xmp)) == [SOURCE_TYPE]


def test_pillow_reads_the_mark_by_itself():
    image = Image.open(io.BytesIO(photos.encode(photo(mark(None)), "JPEG")))
    assert SOURCE_TYPE.encode() in image.info["xmp"]


def test_bmp_carries_no_mark():
    assert not provenance.carries_mark("BMP")
    assert read_mark(photos.encode(photo(mark(None)), "BMP")) is None


@pytest.mark.parametrize("xmp", [None, EXISTING, AS_ELEMENT, b"broken", mark(None)])
def test_marking_twice_gives_what_marking_once_gives(xmp):
    once = mark(xmp)
    assert mark(once) == once
    assert values(once) == [SOURCE_TYPE]


@pytest.mark.parametrize("xmp", [EXISTING, AS_ELEMENT])
def test_everything_else_is_kept(xmp):
    text = mark(xmp).decode()
    for kept in (
        "Zoë &amp; Søn",
        "© me &lt;me@example.org",
        'rdf:about="uuid:7"',
        "Adobe XMP Core",
    ):
        assert kept in text
    assert text.count("<?xpacket") == 2
    assert "http://purl.org/dc/elements/1.1/" in text


def test_the_earlier_source_type_is_kept_in_the_history():
    found = read_mark(photos.encode(photo(mark(AS_ELEMENT)), "PNG"))
    assert found.source_type == SOURCE_TYPE
    assert found.history == (
        f"mask2face: edited, {STATEMENT}; DigitalSourceType before: {TERMS}trainedAlgorithmicMedia",
    )


def test_the_history_of_others_is_kept_in_order():
    first = mark(EXISTING).replace(b"mask2face", b"Other Tool 3")
    second = read_mark(photos.encode(photo(mark(first)), "PNG"))
    assert [line.split(":")[0] for line in second.history] == ["Other Tool 3", "mask2face"]


def test_the_statement_can_be_another():
    found = read_mark(photos.encode(photo(mark(None, "a face mask was drawn")), "PNG"))
    assert found.history == ("mask2face: edited, a face mask was drawn",)


def test_what_no_trained_model_painted_has_a_term_of_its_own():
    drawn = mark(None, "drawn", provenance.DRAWN)
    assert values(drawn) == [f"{TERMS}compositeSynthetic"]
    assert read_mark(photos.encode(photo(drawn), "PNG")).generated
    filled = mark(drawn)
    assert values(filled) == [SOURCE_TYPE]
    assert b"before: " + provenance.DRAWN.encode() in filled


@pytest.mark.parametrize("xmp", [AS_ELEMENT, mark(None)])
def test_a_mark_is_never_made_weaker(xmp):
    (before,) = values(xmp)
    after = mark(xmp, "a face mask was drawn", provenance.DRAWN)
    assert values(after) == [before]
    assert "a face mask was drawn" in read_mark(photos.encode(photo(after), "PNG")).history[-1]


def test_marks_of_other_programs_are_read():
    ours = photos.encode(photo(AS_ELEMENT), "PNG")
    found = read_mark(ours)
    assert (found.generated, found.by_mask2face) == (True, False)
    captured = read_mark(photos.encode(photo(EXISTING), "PNG"))
    assert (captured.generated, captured.by_mask2face) == (False, False)


def test_a_photo_without_a_mark_says_none():
    assert read_mark(photos.encode(photo(), "JPEG")) is None
    packet = mark(None).replace(b"DigitalSourceType", b"Nothing").replace(b"History", b"Nothing")
    assert read_mark(photos.encode(photo(packet), "JPEG")) is None
    assert read_mark(photo().pixels) is None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x00\x00\x00",
        b"no xml at all",
        b"<x:xmpmeta>",
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",  # no rdf:RDF
        EXISTING[:500],
        EXISTING.replace(b"xmlns:photoshop", b"xmlns:foto"),  # unbound prefix
        EXISTING.decode().encode("utf-16"),
        b"\xff\xfe\xfd" + EXISTING,
        LAUGHS,
        b"<a>" * 20_000 + b"</a>" * 20_000,
        EXISTING + b" " * 5_000_000 + b"x",
    ],
)
def test_broken_packets_are_replaced(broken):
    assert values(mark(broken)) == [SOURCE_TYPE]
    assert b"hahaha" not in mark(broken)


def test_broken_packets_in_files_say_no_mark():
    assert read_mark(photos.encode(photo(LAUGHS), "TIFF")) is None


@pytest.mark.parametrize("data", [b"", b"no photo"])
def test_what_is_no_photo_is_a_photo_error(data):
    with pytest.raises(PhotoError):
        read_mark(data)


def test_animations_and_deep_photos_can_be_inspected():
    frames = [Image.fromarray(np.roll(photo().pixels, n, 0)) for n in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], xmp=mark(None))
    assert read_mark(out.getvalue()).by_mask2face


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_packet_becomes_a_marked_one(data):
    start = data.draw(st.sampled_from([EXISTING, AS_ELEMENT, mark(EXISTING)]))
    packet = bytearray(start)
    for _ in range(data.draw(st.integers(1, 8))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    assert values(mark(bytes(packet))) == [SOURCE_TYPE]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_become_a_marked_packet(data):
    assert values(mark(data)) == [SOURCE_TYPE]


def test_a_packet_is_read_as_the_photo_around_it():
    found = provenance.read_packet(provenance.mark(None, "did this"))
    assert found == provenance.Provenance(provenance.SOURCE_TYPE, ("mask2face: edited, did this",))
    for nothing in (None, b"", b"<x/>", b"\xff\xfe", b"<!DOCTYPE x><x/>"):
        assert provenance.read_packet(nothing) is None
