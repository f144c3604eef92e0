import io
import tarfile
import zipfile

import pytest

from mask2face.errors import DataError, OutputError
from mask2face.fetching import unpacking
from mask2face.fetching.unpacking import unpack


def tar(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for name, kind in members:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "/etc/passwd"
            member.size = 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(b"abc"))
    return path


def zipped(path, *names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "abc")
    return path


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_files_come_out_of_both_kinds(tmp_path, out):
    unpack(tar(tmp_path / "a.tgz", ("x/one.txt", tarfile.REGTYPE)), out)
    unpack(zipped(tmp_path / "b.zip", "x/two.txt"), out)
    assert (out / "x" / "one.txt").read_text() == (out / "x" / "two.txt").read_text() == "abc"


@pytest.mark.parametrize("name", ["../evil", "x/../../evil", "/tmp/evil", "C:/evil", "..\\evil"])
def test_paths_that_lead_out_are_refused(tmp_path, out, name):
    for archive in (tar(tmp_path / "a.tgz", (name, tarfile.REGTYPE)), zipped(tmp_path / "b", name)):
        with pytest.raises(DataError, match="leads out of the folder"):
            unpack(archive, out)
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, out, kind):
    with pytest.raises(DataError, match="link or a device"):
        unpack(tar(tmp_path / "a.tgz", ("x", kind)), out)
    assert not list(out.iterdir())


def test_links_in_a_zip_are_refused(tmp_path, out):
    link = zipfile.ZipInfo("x")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        unpack(tmp_path / "a.zip", out)


def test_too_much_is_refused_before_it_is_written(tmp_path, out, monkeypatch):
    archive = tar(tmp_path / "a.tgz", ("x", tarfile.REGTYPE), ("y", tarfile.REGTYPE))
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_LARGEST", 5)
        with pytest.raises(DataError, match="at most"):
            unpack(archive, out)
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_MOST", 1)
        with pytest.raises(DataError, match="2 files"):
            unpack(archive, out)
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: Small)
    with pytest.raises(OutputError, match="make room"):
        unpack(archive, out)
    assert not list(out.iterdir())


class Small:
    free = 5


def test_broken_archives_and_other_files_are_told(tmp_path, out):
    whole = tar(tmp_path / "a.tgz", *((f"x{n}", tarfile.REGTYPE) for n in range(50)))
    data = whole.read_bytes()
    for broken in (data[: len(data) // 2], b"no archive", b""):
        whole.write_bytes(broken)
        with pytest.raises(DataError, match="broken"):
            unpack(whole, out)
