"""Tar and Parquet: the photos change, all else stays."""

import io
import tarfile

import pytest

pytest.importorskip("pyarrow")
import pyarrow as pa
from pyarrow import parquet

from mask2face.cluster.shards import Picture, is_shard, rewrite
from mask2face.errors import DataError

MEMBERS = {
    "p/000.cls": b"7",
    "p/000.jpg": b"zero",
    "p/000.seg.png": b"about it",
    "p/001.jpg": b"bad",
    "p/001.json": b"{}",
    "p/002.heic": b"two",
    "readme.txt": b"hello",
}


def tar_of(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for number, (name, data) in enumerate(members.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), number
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def parquet_of(table):
    stream = io.BytesIO()
    parquet.write_table(table, stream, row_group_size=20)
    return stream.getvalue()


def change(picture):
    """Upper case, `.heic` becomes `.jpg`, and "bad" gives nothing."""
    if picture.data == b"bad":
        return None
    return Picture(picture.name.replace(".heic", ".jpg"), picture.data.upper())


def rewritten(name, data, by=change):
    out = io.BytesIO()
    rewrite(name, io.BytesIO(data), out, by)
    return out.getvalue()


def test_a_tar_keeps_what_is_no_photo_and_loses_whole_samples():
    made = rewritten("a.tar", tar_of(MEMBERS))
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar}
    assert list(found.items()) == [
        ("p/000.cls", b"7"),
        ("p/000.jpg", b"ZERO"),
        ("p/000.seg.png", b"about it"),
        ("p/002.jpg", b"TWO"),
        ("readme.txt", b"hello"),
    ]
    assert rewritten("a.tar", tar_of(dict(MEMBERS))) == made


def rows(count):
    return [b"bad" if number % 7 == 3 else b"n%d" % number for number in range(count)]


def test_parquet_keeps_the_other_columns():
    table = pa.table({"label": list(range(50)), "image": rows(50), "mask": [b"m"] * 50})
    table = table.replace_schema_metadata({"about": "us"})
    found = parquet.read_table(io.BytesIO(rewritten("a.parquet", parquet_of(table))))
    kept = [number for number in range(50) if number % 7 != 3]
    assert found["label"].to_pylist() == kept
    assert found["image"].to_pylist() == [b"N%d" % number for number in kept]
    assert found.schema == table.schema
    assert found.schema.metadata[b"about"] == b"us"


def test_parquet_as_hugging_face_has_it():
    image = [{"bytes": b"a", "path": "x.heic"}, {"bytes": b"b", "path": None}]
    seen = []

    def noted(picture):
        seen.append(picture.name)
        return change(picture)

    made = rewritten("a.parquet", parquet_of(pa.table({"photo": image})), noted)
    found = parquet.read_table(io.BytesIO(made))["photo"].to_pylist()
    assert found == [{"bytes": b"A", "path": "x.jpg"}, {"bytes": b"B", "path": None}]
    assert seen == ["x.heic", "a-000001"]


def test_names_come_from_the_row():
    table = pa.table({"jpg": [b"a", None], "__key__": ["k1", "k2"]})
    seen = []
    rewritten("a.parquet", parquet_of(table), lambda picture: seen.append(picture))
    assert seen == [Picture("k1", b"a"), Picture("k2", b"")]


def test_a_link_is_not_lost_in_silence():
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        link = tarfile.TarInfo("b.jpg")
        link.type, link.linkname = tarfile.LNKTYPE, "a.jpg"
        tar.addfile(link)
    with pytest.raises(DataError, match=r"b\.jpg in a\.tar is a link"):
        rewritten("a.tar", stream.getvalue())


def broken_footer():
    """Return a Parquet file whose footer is no Thrift: pyarrow has an OSError for it."""
    data = bytearray(parquet_of(pa.table({"image": [b"1"]})))
    size = int.from_bytes(data[-8:-4], "little")
    data[-8 - size : -8] = b"\xff" * size
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.tar", b"no tar", "no tar file, or broken"),
        ("a.tar", tar_of({"a.jpg": b"1" * 5000})[:2000], "broken"),
        ("a.parquet", b"no parquet", "no Parquet file"),
        ("a.parquet", broken_footer(), "no Parquet file, or broken"),
        ("a.parquet", parquet_of(pa.table({"label": [1]})), "no column of photos.*it has label"),
        ("a.parquet", parquet_of(pa.table({"x": [b"1"], "y": [b"2"]})), "no column of photos"),
    ],
)
def test_what_is_wrong_is_named(name, data, words):
    with pytest.raises(DataError, match=words):
        rewritten(name, data)


def test_names_of_shards():
    assert is_shard("s3://b/x/0.TAR")
    assert is_shard("0.parquet")
    assert not is_shard("0.tar.gz")
    assert not is_shard("a.jpg")
