"""Folders and URLs: list, read, write whole files or none."""

import functools
import gc
import http.server
import pickle
import threading
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("fsspec")

from fsspec.implementations.dirfs import DirFileSystem
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from mask2face.cluster.places import Place, address, is_url, local
from mask2face.errors import OutputError, PhotoError, UsageError

NAMES = ["a.jpg", "b/c.jpg", "b/d/e.png"]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    for name in (*NAMES, ".hidden.jpg", "b/.git/x.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


@pytest.fixture(params=["path", "dir", "zip"])
def place(request, folder, tmp_path):
    """The same files in a folder, behind a URL, and in an archive."""
    if request.param == "path":
        return Place(str(folder))
    if request.param == "dir":
        return Place(f"dir://in::file://{tmp_path}")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for path in folder.rglob("*.*g"):
            archive.write(path, path.relative_to(tmp_path))
    return Place(f"zip://in::file://{tmp_path}/in.zip")


def test_files_are_listed_and_read(place):
    copy = pickle.loads(pickle.dumps(place))
    assert copy.names() == NAMES
    assert copy.names(recursive=False) == NAMES[:1]
    assert [copy.read(name) for name in NAMES] == [name.encode() for name in NAMES]


def test_a_server_s_file_is_read(folder):
    pytest.importorskip("aiohttp")
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        place = Place(f"http://127.0.0.1:{server.server_port}/b")
        assert place.read("c.jpg") == b"b/c.jpg"
        with pytest.raises(PhotoError, match=r"/b/no\.jpg cannot be read"):
            place.read("no.jpg")
        server.shutdown()


@pytest.mark.parametrize("url", ["{0}/out", "dir://out::file://{0}"])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, url):
    place = Place(url.format(tmp_path))
    assert not place.has_folder()
    place.write("sub/a.bin", b"1" * 5_000_000)
    place.write("sub/a.bin", b"2")
    assert place.has_folder()
    with pytest.raises(TypeError), place.writer("sub/b.bin") as stream:
        stream.writelines([b"half", None])
    assert [path.name for path in (tmp_path / "out" / "sub").iterdir()] == ["a.bin"]
    assert (tmp_path / "out" / "sub" / "a.bin").read_bytes() == b"2"


def test_what_is_wrong_is_named(tmp_path):
    place = Place(f"dir://in::file://{tmp_path}")
    with pytest.raises(PhotoError, match="in::file.*/no.jpg cannot be read"):
        place.read("no.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "empty.jpg").touch()
    with pytest.raises(PhotoError, match="is empty"):
        place.read("empty.jpg")
    with pytest.raises(UsageError, match="nosuch://bucket cannot be opened"):
        Place("nosuch://bucket").names()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        Place(f"dir://file::file://{tmp_path}").write("a.jpg", b"1")


def test_addresses_name_things():
    root = address("s3://bucket/in/")
    assert str(root / "a/b.JPG") == "s3://bucket/in/a/b.JPG"
    assert str((root / "b.JPG").with_name("c.png")) == "s3://bucket/in/c.png"
    assert (root / "a/b.JPG").relative_to(address("s3://bucket")).as_posix() == "in/a/b.JPG"
    assert pickle.loads(pickle.dumps(root)) == root
    assert str(address("dir://x::file:///tmp") / "a") == "dir://x::file:///tmp/a"
    assert is_url("s3://bucket")
    assert not is_url("C:/photos")
    assert local("file:///photos") == "/photos"
    assert local("dir://x::file:///photos") == "dir://x::file:///photos"
    assert local(str(Path("photos"))) == "photos"


def test_names_are_sorted_as_paths(tmp_path):
    for name in ("a-1/x.jpg", "a/x.jpg", "a b/x.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*.jpg"))]
    assert Place(str(tmp_path)).names() == found


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file cannot be made"):
        Place(str(tmp_path / "file")).write("a.tar", b"1")


class Store(AbstractFileSystem):
    """As object stores are: a file is there once it is closed; the second block fails once."""

    protocol = "s3"
    cachable = False

    def __init__(self):
        super().__init__()
        self.there, self.fails = {}, True

    def _open(self, path, mode="rb", **_options):
        return Upload(self, path, mode)


class Upload(AbstractBufferedFile):
    def _initiate_upload(self):
        self.sent = []

    def _upload_chunk(self, final=False):
        if self.fs.fails and self.sent:
            self.fs.fails = False
            raise OSError("slow down")
        self.sent.append(self.buffer.getvalue())
        if final:
            self.fs.there[self.path] = b"".join(self.sent)
        return True


def test_an_upload_that_breaks_leaves_nothing():
    """Nor what was there before broken: a file that is there is taken for finished."""
    place, store = Place("s3://bucket/out"), Store()
    place._opened = (store, "bucket/out")
    data = b"1" * 30_000_000  # some blocks
    with pytest.raises(OutputError, match="slow down"):
        place.write("a.tar", data)
    gc.collect()
    assert store.there == {}
    place.write("a.tar", data)
    assert store.there == {"bucket/out/a.tar": data}


def test_what_broke_on_its_way_is_removed(tmp_path, monkeypatch):
    place = Place(f"dir://out::file://{tmp_path}")
    monkeypatch.setattr(DirFileSystem, "mv", lambda *_: 1 / 0)
    with pytest.raises(OutputError, match="ZeroDivisionError"):
        place.write("a.tar", b"1")
    assert list((tmp_path / "out").iterdir()) == []
