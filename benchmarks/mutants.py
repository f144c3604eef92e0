"""Broken and hostile photo files and forms, made from small good ones: (seed, number) -> bytes.

Every mutant depends on the seed and its number alone, so that a finding can be made again.
"""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.random import Generator
from PIL import ExifTags, Image, ImageCms
from skimage.data import astronaut

from mask2face import masking, mean_face

SIDE = 112  # px of the good photos
FACE = (slice(10, 234), slice(112, 336))  # of the astronaut, px
ODD = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
SIZES = (0, 1, 15, 16, 17, 65, 4096, 5000, 9999, 16384, 30000, 65500, 65535, 0x7FFFFFFF, 0xFFFFFFFF)
BOUNDARY = b"mutant-boundary"

Mutate: TypeAlias = Callable[[Generator, "Good"], bytes]


@dataclass(frozen=True)
class Good:
    """A good photo.

    Attributes:
        name: what it is.
        kind: its format, as Pillow names it.
        data: its file.
    """

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Mutant:
    """A broken photo.

    Attributes:
        name: of the good one and of what was done to it.
        data: its file.
    """

    name: str
    data: bytes


@lru_cache(maxsize=1)
def picture() -> Image.Image:
    """Return a face in a drawn face mask, RGB, `SIDE` px."""
    masker = masking.Masker(lambda _, face: mean_face.guess(face), "cpu")
    face = np.ascontiguousarray(astronaut()[FACE])
    drawn = masker(face, style="surgical", seed=0).photo
    return Image.fromarray(cv2.resize(drawn, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def exif() -> bytes:
    """Return an EXIF block with an orientation, sub-directories and a thumbnail's tags."""
    block = Image.Exif()
    block[ExifTags.Base.Make], block[ExifTags.Base.Orientation] = "Camera", 6
    block[ExifTags.IFD.Exif] = {
        int(ExifTags.Base.FNumber): 2.5,
        int(ExifTags.Base.ExifImageWidth): SIDE,
        int(ExifTags.Base.MakerNote): bytes(range(64)),
    }
    block[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 8.0, 1.5)}
    return block.tobytes()


def metadata() -> dict[str, Any]:
    """Return EXIF, XMP and an ICC profile as `Image.save` takes them."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        b' dc:format="image/jpeg"/></rdf:RDF></x:xmpmeta>'
    )
    return {"exif": exif(), "xmp": xmp, "icc_profile": profile}


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    """Return the picture as a file."""
    out, image = io.BytesIO(), picture()
    if mode in ("RGBA", "LA"):
        image = image.copy()
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    image = image if image.mode == mode else image.convert(mode)
    if options.get("append_images"):
        options["append_images"] = [image.rotate(90)]
    image.save(out, kind, **options)
    return out.getvalue()


@lru_cache(maxsize=1)
def good() -> tuple[Good, ...]:
    """Return good photos of every format, colour mode and compression that is read."""
    told, several = metadata(), {"save_all": True, "append_images": True}
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("JPEG", "RGB", told | {"quality": 85, "dpi": (72, 72)}),
        ("JPEG", "RGB", {"progressive": True, "exif": told["exif"]}),
        ("JPEG", "RGB", {"restart_marker_blocks": 3, "subsampling": 0}),
        *(("JPEG", mode, {}) for mode in ("L", "CMYK")),
        ("MPO", "RGB", several),
        ("PNG", "RGB", {key: told[key] for key in ("exif", "icc_profile")}),
        *(("PNG", mode, {}) for mode in ("RGBA", "L", "LA", "P", "1")),
        ("PNG", "RGB", several),
        ("WEBP", "RGB", told),
        ("WEBP", "RGBA", {"lossless": True} | told),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGB", several),
        *(
            ("TIFF", "RGB", {"compression": way})
            for way in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg")
        ),
        ("TIFF", "RGB", {"exif": told["exif"], "icc_profile": told["icc_profile"]}),
        ("TIFF", "RGB", {"big_tiff": True}),
        ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "CMYK", {}),
        ("TIFF", "RGBA", {"compression": "tiff_lzw"}),
        ("TIFF", "P", several),
        *(("BMP", mode, {}) for mode in ("RGB", "P", "1", "L", "RGBA")),
        ("GIF", "P", {}),
        ("GIF", "P", {"transparency": 3, "interlace": 1}),
        ("GIF", "P", several),
    ]
    found = [
        Good(_named(kind, mode, options), kind, saved(kind, mode, **options))
        for kind, mode, options in rows
    ]
    return (*found, *_heic(told))


def _named(kind: str, mode: str, options: dict[str, Any]) -> str:
    said = (value if key == "compression" else key for key, value in options.items())
    return " ".join((kind, mode, *said))


def _heic(told: dict[str, Any]) -> list[Good]:
    """Return HEIC photos, where they can be written."""
    try:
        import pillow_heif
    except ImportError:
        return []
    out, plain = io.BytesIO(), io.BytesIO()
    file = pillow_heif.from_pillow(picture())
    file.save(out, quality=80, exif=told["exif"], xmp=told["xmp"])
    pillow_heif.from_pillow(picture().convert("RGBA")).save(plain, quality=40)
    return [Good("HEIF exif xmp", "HEIF", out.getvalue()), Good("HEIF", "HEIF", plain.getvalue())]


def mutant(seed: int, number: int) -> Mutant:
    """Return mutant `number` of the row that `seed` begins."""
    rng = np.random.default_rng([seed, number])
    bases = good()
    base = bases[number % len(bases)]
    if number % 16 == 15:
        return _hostile(number // 16 % len(BOMBS + ODDITIES))
    name, mutate = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
    data = mutate(rng, base)
    if rng.random() < 0.15:  # two faults at once
        more, mutate = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        name, data = f"{name}, {more}", mutate(rng, Good(base.name, base.kind, data))
    return Mutant(f"{base.name}: {name}", data)


@lru_cache(maxsize=64)
def _hostile(index: int) -> Mutant:
    name, make = (BOMBS + ODDITIES)[index]
    return Mutant(name, make())


# Faults that need to know nothing of the format


def flip_bits(rng: Generator, base: Good) -> bytes:
    """Flip 1 to 24 bits, half of the times only near the beginning."""
    data = bytearray(base.data)
    end = len(data) if rng.random() < 0.5 else min(len(data), 400)
    for _ in range(int(rng.integers(1, 25)) if end else 0):
        data[int(rng.integers(end))] ^= 1 << int(rng.integers(8))
    return bytes(data)


def odd_numbers(rng: Generator, base: Good) -> bytes:
    """Write extreme 8-, 16- or 32-bit numbers, mostly near the beginning."""
    data = bytearray(base.data)
    for _ in range(int(rng.integers(1, 4))):
        width = int(rng.choice([1, 2, 4]))
        end = min(len(data), 600) if rng.random() < 0.7 else len(data)
        if end <= width:
            break
        number = int(rng.choice(ODD if rng.random() < 0.7 else SIZES)) % 256**width
        at = int(rng.integers(end - width))
        order = "big" if rng.random() < 0.5 else "little"
        data[at : at + width] = number.to_bytes(width, order)
    return bytes(data)


def truncate(rng: Generator, base: Good) -> bytes:
    """Cut the end off."""
    return base.data[: int(rng.integers(len(base.data) + 1))]


def cut_out(rng: Generator, base: Good) -> bytes:
    """Cut a piece out of the middle."""
    start, end = _span(rng, base.data)
    return base.data[:start] + base.data[end:]


def zeros(rng: Generator, base: Good) -> bytes:
    """Put zeros, or 0xFF, in the place of a piece: a transfer that failed."""
    start, end = _span(rng, base.data)
    fill = b"\x00" if rng.random() < 0.7 else b"\xff"
    return base.data[:start] + fill * (end - start) + base.data[end:]


def noise(rng: Generator, base: Good) -> bytes:
    """Put noise in the place of a piece, or between two."""
    start, end = _span(rng, base.data)
    kept = end if rng.random() < 0.5 else start
    return base.data[:start] + rng.bytes(end - start) + base.data[kept:]


def repeat(rng: Generator, base: Good) -> bytes:
    """Repeat a piece 1 to 50 times."""
    start, end = _span(rng, base.data)
    return base.data[:end] + base.data[start:end] * int(rng.integers(1, 50)) + base.data[end:]


def swap(rng: Generator, base: Good) -> bytes:
    """Swap two pieces."""
    a, b, c, d = sorted(int(at) for at in rng.integers(len(base.data) + 1, size=4))
    data = base.data
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def polyglot(rng: Generator, base: Good) -> bytes:
    """Join two formats: one behind the other, or the head of one on the body of another."""
    other = good()[int(rng.integers(len(good())))].data
    if rng.random() < 0.5:
        return base.data + other
    at = int(rng.integers(4, 64))
    return other[:at] + base.data[at:]


def _span(rng: Generator, data: bytes) -> tuple[int, int]:
    """Return the start and end of a piece: short pieces mostly."""
    start = int(rng.integers(len(data) + 1))
    return start, min(len(data), start + int(10 ** rng.uniform(0, 3.5)))


# Faults inside the structure of a format, whose lengths and checksums stay right


def split(kind: str, data: bytes) -> tuple[bytes, list[bytes]]:
    """Return the head of a file and its segments, chunks or boxes; both joined are the file."""
    steps = {"JPEG": _jpeg_end, "MPO": _jpeg_end, "PNG": _png_end, "WEBP": _riff_end}
    step = steps.get(kind, _box_end if kind == "HEIF" else None)
    if step is None:
        return b"", [data]
    at = {"JPEG": 2, "MPO": 2, "PNG": 8, "WEBP": 12, "HEIF": 0}[kind]
    head, parts = data[:at], []
    while at < len(data):
        end = min(len(data), max(at + 1, step(data, at)))
        parts.append(data[at:end])
        at = end
    return head, parts


def _jpeg_end(data: bytes, at: int) -> int:
    scan = data[at : at + 2] == b"\xff\xda"  # pixels follow it to the end
    return len(data) if scan else at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _png_end(data: bytes, at: int) -> int:
    return at + 12 + int.from_bytes(data[at : at + 4], "big")


def _riff_end(data: bytes, at: int) -> int:
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    return at + 8 + size + size % 2


def _box_end(data: bytes, at: int) -> int:
    return at + int.from_bytes(data[at : at + 4], "big")


def join(kind: str, head: bytes, parts: Sequence[bytes]) -> bytes:
    """Join what `split` gave; checksums and the length of a whole WebP file are made right."""
    if kind == "PNG":
        parts = [part[:-4] + struct.pack(">I", zlib.crc32(part[4:-4])) for part in parts]
    data = head + b"".join(parts)
    if kind == "WEBP":
        data = data[:4] + struct.pack("<I", max(0, len(data) - 8)) + data[8:]
    return data


def shuffle_parts(rng: Generator, base: Good) -> bytes:
    """Swap, drop or repeat segments, chunks or boxes; or lend one from another file."""
    head, parts = split(base.kind, base.data)
    for _ in range(int(rng.integers(1, 3))):
        one, other = (int(at) for at in rng.integers(len(parts), size=2))
        way = int(rng.integers(4))
        if way == 0:
            parts[one], parts[other] = parts[other], parts[one]
        elif way == 1 and len(parts) > 1:
            del parts[one]
        elif way == 2:
            parts[one:one] = [parts[one]] * int(rng.choice([1, 2, 200]))
        else:
            same = [mate for mate in good() if mate.kind == base.kind]
            lent = split(base.kind, same[int(rng.integers(len(same)))].data)[1]
            parts[other:other] = [lent[int(rng.integers(len(lent)))]]
    return join(base.kind, head, parts)


def bad_part(rng: Generator, base: Good) -> bytes:
    """Break the inside of one segment, chunk or box, or give it a wrong length."""
    head, parts = split(base.kind, base.data)
    at = int(rng.integers(len(parts)))
    start = {"PNG": 8, "WEBP": 8, "HEIF": 8, "JPEG": 4, "MPO": 4}.get(base.kind, 0)
    if rng.random() < 0.25:
        start = 0
    inside = Good(base.name, base.kind, parts[at][start:])
    parts[at] = parts[at][:start] + (flip_bits if rng.random() < 0.5 else odd_numbers)(rng, inside)
    return join(base.kind, head, parts)


def odd_size(rng: Generator, base: Good) -> bytes:
    """Write another width or height where the format keeps it."""
    data, size = bytearray(base.data), int(rng.choice(SIZES))
    order = "big" if base.kind in ("JPEG", "MPO", "PNG", "HEIF") else "little"
    places = _size_places(base.kind, base.data)
    if not places:
        return odd_numbers(rng, base)
    for at, width in places[int(rng.integers(len(places))) :][: int(rng.integers(1, 3))]:
        data[at : at + width] = (size % 256**width).to_bytes(width, order)
    if base.kind == "PNG":
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def _size_places(kind: str, data: bytes) -> list[tuple[int, int]]:
    """Return where sizes stand, and their bytes."""
    if kind == "PNG":
        return [(16, 4), (20, 4), (24, 1), (25, 1), (28, 1)]
    if kind == "GIF":
        return [(6, 2), (8, 2)]
    if kind == "BMP":
        return [(10, 4), (14, 4), (18, 4), (22, 4), (28, 2), (30, 4), (46, 4)]
    if kind == "TIFF":  # the entries of the first directory: type, count, value
        first = int.from_bytes(data[4:8], "little")
        count = int.from_bytes(data[first : first + 2], "little")
        tags = range(first + 2, first + 2 + 12 * min(count, 40), 12)
        return [place for at in tags for place in ((at + 2, 2), (at + 4, 4), (at + 8, 4))]
    marks = {"JPEG": b"\xff\xc0", "MPO": b"\xff\xc0", "HEIF": b"ispe"}
    if kind == "WEBP":
        names = [(name, data.find(name)) for name in (b"VP8X", b"VP8 ", b"VP8L")]
        steps = {b"VP8X": ((12, 3), (15, 3)), b"VP8 ": ((14, 2), (16, 2)), b"VP8L": ((9, 2),)}
        return [(at + step, width) for name, at in names if at > 0 for step, width in steps[name]]
    at = data.find(marks[kind])
    steps = {"HEIF": ((8, 4), (12, 4))}.get(kind, ((4, 1), (5, 2), (7, 2), (9, 1)))
    return [(at + step, width) for step, width in steps] if at > 0 else []


def bad_metadata(rng: Generator, base: Good) -> bytes:
    """Save a good picture with broken EXIF, a broken ICC profile and hostile XMP."""
    kind = base.kind if base.kind in ("JPEG", "PNG", "WEBP", "TIFF") else "JPEG"
    told = metadata()
    for key in told:
        value = Good(key, kind, told[key])
        broken = (flip_bits, odd_numbers, truncate, noise)[int(rng.integers(4))](rng, value)
        told[key] = HOSTILE_XMP[int(rng.integers(len(HOSTILE_XMP)))] if key == "xmp" else broken
        if rng.random() < 0.3:
            told[key] = metadata()[key]
    if kind != "JPEG" and rng.random() < 0.1:
        told["icc_profile"] = bytes(2_000_000)
    try:
        return saved(kind, "CMYK" if kind == "JPEG" and rng.random() < 0.3 else "RGB", **told)
    except Exception:  # Pillow refuses some of it
        return flip_bits(rng, base)


_RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_DOCTYPE = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
HOSTILE_XMP = tuple(
    text.encode("utf-8", "surrogatepass")
    for text in (
        f'<!DOCTYPE x [<!ENTITY e0 "ha">{_DOCTYPE}]><rdf:RDF {_RDF}>&e11;</rdf:RDF>',
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        f"<rdf:RDF {_RDF}>{'<a>' * 5000}{'</a>' * 5000}</rdf:RDF>",
        f"<rdf:RDF {_RDF}><rdf:Description {'a' * 40_000}='1'/></rdf:RDF>",
        f"<rdf:RDF {_RDF}><rdf:Description/>" * 50,
        f"<rdf:RDF {_RDF}/>\x00\x00",
        f"<rdf:RDF {_RDF}><rdf:Description rdf:about='\ud800'/></rdf:RDF>",
        f"<rdf:RDF {_RDF}><?xpacket end='w'?><!-- -- --></rdf:RDF>",
        f"<q:RDF xmlns:q='{'x' * 100}'/>",
        "\ufeff\ufeff<x/>",
        "not XML at all",
    )
)

MUTATIONS: tuple[tuple[str, Mutate], ...] = tuple(
    (mutate.__name__.replace("_", " "), mutate)
    for mutate in (
        *(flip_bits, flip_bits, odd_numbers, odd_numbers, truncate, cut_out, zeros, noise),
        *(repeat, swap, polyglot, shuffle_parts, bad_part, bad_part, odd_size, odd_size),
        *(bad_metadata, bad_metadata),
    )
)


# Bombs: small files that promise, or hold, much more


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *more: bytes, depth: int = 8, rows: int | None = None) -> bytes:
    """Return a grey PNG of `rows` empty rows, whatever its header says."""
    left, pixels = (height if rows is None else rows) * (1 + width * depth // 8), zlib.compressobj()
    body = b""
    while left > 0:
        body += pixels.compress(bytes(min(left, 1_000_000)))
        left -= 1_000_000
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    end = chunk(b"IDAT", body + pixels.flush()) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + end


def _deflated(size: int) -> bytes:
    return zlib.compress(bytes(size))


def scans() -> bytes:
    """Return a progressive JPEG whose scans are repeated 2,000 times: much work in few bytes."""
    data = saved("JPEG", "L", progressive=True)
    first = data.index(b"\xff\xda")
    second = data.find(b"\xff\xda", first + 2)
    scan = data[first:second]
    return data[:second] + scan * 2000 + data[second:]


def loop_of_directories() -> bytes:
    """Return a TIFF whose first directory is its own next one."""
    data = bytearray(saved("TIFF"))
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    data[first + 2 + 12 * count : first + 6 + 12 * count] = data[4:8]
    return bytes(data)


def huge_gif() -> bytes:
    """Return a GIF whose screen is 65535 x 65535 and whose frame is small."""
    data = bytearray(saved("GIF", "P"))
    data[6:10] = b"\xff" * 4
    return bytes(data)


def segments() -> bytes:
    """Return a JPEG with 1,000 segments of XMP and ICC, 64 KB each."""
    data = saved("JPEG")
    body = b"http://ns.adobe.com/xap/1.0/\x00" + bytes(65_000)
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    body = b"ICC_PROFILE\x00\x01\xff" + bytes(65_000)
    profile = b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body
    return data[:2] + segment * 100 + profile * 100 + data[2:]


BOMBS: tuple[tuple[str, Callable[[], bytes]], ...] = (
    ("bomb: PNG of 900 million pixels", lambda: png(30000, 30000, rows=4)),
    ("bomb: PNG of 2**31 px a side", lambda: png(0x7FFFFFFF, 0x7FFFFFFF, rows=0)),
    ("bomb: PNG of 16 million pixels", lambda: png(4000, 4000)),
    ("bomb: PNG of 16 million pixels, 1 bit", lambda: png(4000, 4000, depth=1)),
    ("bomb: PNG without most of its rows", lambda: png(4000, 4000, rows=4)),
    ("bomb: strip of 16 x 1,000,000", lambda: png(16, 1_000_000)),
    ("bomb: strip of 1,000,000 x 16", lambda: png(1_000_000, 16)),
    (
        "bomb: text of 16 MB",
        lambda: png(64, 64, chunk(b"zTXt", b"a\x00\x00" + _deflated(16_000_000))),
    ),
    (
        "bomb: XMP of 16 MB",
        lambda: png(
            64, 64, chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + _deflated(16_000_000))
        ),
    ),
    (
        "bomb: profile of 16 MB",
        lambda: png(64, 64, chunk(b"iCCP", b"a\x00\x00" + _deflated(16_000_000))),
    ),
    ("bomb: 20,000 chunks", lambda: png(64, 64, *[chunk(b"tEXt", b"a\x00b")] * 20_000)),
    ("bomb: 2,000 scans", scans),
    ("bomb: directories in a circle", loop_of_directories),
    ("bomb: GIF of 65535 x 65535", huge_gif),
    ("bomb: 13 MB of segments", segments),
)

ODDITIES: tuple[tuple[str, Callable[[], bytes]], ...] = (
    ("no bytes", lambda: b""),
    ("one byte", lambda: b"\xff"),
    ("64 KB of zeros", lambda: bytes(65536)),
    ("HTML", lambda: b"<!DOCTYPE html><html><body>404</body></html>"),
    ("SVG", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'),
    ("PostScript", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(x) run\n"),
    ("ZIP behind a JPEG", lambda: saved("JPEG") + b"PK\x03\x04" + bytes(500)),
    ("HTML in a JPEG", lambda: saved("JPEG", comment=b"<script>alert(1)</script>" * 50)),
    ("GIF that is JavaScript", lambda: b"GIF89a/*" + saved("GIF", "P")[8:] + b"*/=1;"),
    ("empty frame", lambda: b"\xff\xd8\xff\xd9"),
    ("16 x 16 px", lambda: png(16, 16)),
)


# Forms


def form(rng: Generator, data: bytes) -> tuple[str, bytes]:
    """Return the type and body of a form with a photo; one of three is broken."""
    kind = f"multipart/form-data; boundary={BOUNDARY.decode()}"
    head = b'Content-Disposition: form-data; name="file"; filename="in.jpg"'
    line = b"--" + BOUNDARY
    body = line + b"\r\n" + head + b"\r\n\r\n" + data + b"\r\n" + line + b"--\r\n"
    way = int(rng.integers(27))
    if way == 0:
        body = body[: int(rng.integers(len(body)))]
    elif way == 1:
        body = body.replace(b"\r\n", b"\n")
    elif way == 2:
        kind = str(rng.choice([kind[:-3], "multipart/form-data", "multipart/form-data; boundary="]))
    elif way == 3:
        body = body.replace(b'name="file"', bytes(rng.choice([b'name="\xff\xfe"', b"name", b""])))
    elif way == 4:
        body = line + b"\r\n" + head + b"\r\n\r\nx\r\n" + body
    elif way == 5:
        body = body.replace(head, head + b"\r\nX: " + b"a" * 100_000)
    elif way == 6:
        body = (line + b"\r\n") * 3000 + body
    elif way == 7:
        body = flip_bits(rng, Good("", "", body[:160])) + body[160:]
    elif way == 8:
        kind = kind.replace("form-data", "mixed")
    return kind, body
