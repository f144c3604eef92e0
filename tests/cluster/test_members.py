"""Photos of a shard: found without reading them, read one by one; what is broken is named."""

import io
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")
pytest.importorskip("fsspec")

import pyarrow as pa
from pyarrow import parquet

from mask2face.cluster.members import Member, MemberReader, members
from mask2face.cluster.places import Place
from mask2face.errors import DataError

LONG = f"p/{'x' * 150}.jpg"
MEMBERS = {
    "./p//b.jpg": b"one" * 300,
    "p/b.cls": b"7",
    "p/b.seg.png": b"about it",
    "p/._b.jpg": b"a Mac's",
    "p/.jpg": b"hidden",
    LONG: b"long",
    "a.PNG": b"",
    "p/b.jpg": b"again",
    "readme.txt": b"hello",
}


@pytest.fixture
def here(tmp_path):
    return Place(f"dir://in::file://{tmp_path}"), tmp_path / "in"


def write_tar(path, of=MEMBERS):
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in of.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path.read_bytes()


def contents(place, shard):
    read = MemberReader(place)
    return [(member.name, read(shard, member)) for member in members(place, shard)]


def test_photos_of_a_tar(here):
    place, folder = here
    write_tar(folder / "s.tar")
    assert contents(place, "s.tar") == [
        ("p/b.jpg", b"one" * 300),
        (LONG, b"long"),
        ("a.PNG", b""),
        ("p/b-000003.jpg", b"again"),
    ]


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (lambda data: {"image": data}, [f"s-{number:06d}" for number in range(5)]),
        (lambda data: {"jpg": data, "__key__": ["b", "a", None, "x/y", "b"]},
         ["b", "a", "s-000002", "x/y", "b-000004"]),
        (lambda data: {"photo": [{"bytes": one, "path": "p.jpg" if one else None} for one in data],
                       "id": [0, 1, 2, 3, 4]},
         ["p.jpg", "p-000001.jpg", "p-000002.jpg", "3", "p-000004.jpg"]),
        (lambda data: {"image": [{"bytes": one} for one in data]},
         [f"s-{number:06d}" for number in range(5)]),
    ],
)  # fmt: skip
def test_photos_of_parquet(here, table, names):
    place, folder = here
    folder.mkdir()
    data = [b"0", b"1", b"2", None, b"4"]
    parquet.write_table(pa.table(table(data)), folder / "s.parquet", row_group_size=2)
    assert contents(place, "s.parquet") == list(zip(names, [d or b"" for d in data], strict=True))
    backwards = members(place, "s.parquet")[::-1]
    read = MemberReader(place)
    assert [read("s.parquet", one) for one in backwards] == [b"4", b"", b"2", b"1", b"0"]


def test_a_reader_goes_from_shard_to_shard(here):
    place, folder = here
    write_tar(folder / "a.tar", {"x.jpg": b"a"})
    write_tar(folder / "b.tar", {"x.jpg": b"b"})
    read, (one,) = MemberReader(place), members(place, "a.tar")
    assert [read(shard, one) for shard in ("a.tar", "b.tar", "a.tar")] == [b"a", b"b", b"a"]


def broken(path):
    """Yield tar files: no tar, none at all, cut at several places, a header damaged."""
    data = write_tar(path, {"a.jpg": b"1" * 2000, "b.jpg": b"2" * 2000})
    second = 512 + 2048
    yield from (b"no tar", b"", data[:1000], data[:second], data[: second + 100])
    yield from (data[: second + 600], data[: second + 512] + b"?" * 100, data[: 2 * second])
    yield data[:second] + b"\xff" * 512 + data[second + 512 :]


def test_a_broken_tar_is_named(here):
    place, folder = here
    count = 0
    for data in broken(folder / "s.tar"):
        (folder / "s.tar").write_bytes(data)
        with pytest.raises(DataError, match=r"in::file://.*/s\.tar is no tar file, or broken"):
            members(place, "s.tar")
        count += 1
    assert count == 9


def test_a_link_is_refused(here):
    place, folder = here
    folder.mkdir()
    with tarfile.open(folder / "s.tar", "w") as tar:
        link = tarfile.TarInfo("b.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "a.jpg"
        tar.addfile(link)
    with pytest.raises(DataError, match=r"b\.jpg in .*s\.tar is a link"):
        members(place, "s.tar")


def test_a_broken_parquet_is_named(here):
    place, folder = here
    folder.mkdir()
    (folder / "s.parquet").write_bytes(b"PAR1 no Parquet")
    with pytest.raises(DataError, match=r"s\.parquet is no Parquet file"):
        members(place, "s.parquet")
    table = pa.table({"image": [bytes(range(256)) * 9], "id": [1]})
    parquet.write_table(table, folder / "s.parquet", compression="none", use_dictionary=False)
    found = members(place, "s.parquet")
    data = (folder / "s.parquet").read_bytes()
    (folder / "s.parquet").write_bytes(data[:4] + b"\xff" * 40 + data[44:])  # its first page
    with pytest.raises(DataError, match=r"s\.parquet cannot be read"):
        MemberReader(place)("s.parquet", found[0])


def test_what_is_not_there_or_changed_is_named(here):
    place, folder = here
    with pytest.raises(DataError, match=r"no\.tar cannot be read"):
        members(place, "no.tar")
    write_tar(folder / "s.tar", {"a.jpg": b"1"})
    with pytest.raises(DataError, match=r"s\.tar ends within a\.jpg"):
        MemberReader(place)("s.tar", Member("a.jpg", 512, 10**6))
    Path(folder / "s.tar").unlink()
    with pytest.raises(DataError, match=r"s\.tar cannot be read"):
        MemberReader(place)("s.tar", Member("a.jpg", 512, 1))
