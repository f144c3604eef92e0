import dataclasses
import functools
import hashlib
import http.server
import shutil
import tarfile
import threading
import zipfile

import pytest

from mask2face.datasets import DATASETS
from mask2face.errors import DataError, OutputError
from mask2face.fetching import SOURCES, RemoteFile, fetch


def photos(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def lfw(root):
    return photos(root, "Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bo/Bo_0001.jpg")


def celeba(root, photo_folder="Img/img_align_celeba", anno="Anno", evaluation="Eval"):
    photos(root, f"{photo_folder}/000001.jpg", f"{photo_folder}/000002.jpg")
    points = "69 109 106 113 77 142 73 152 108 154"
    texts = {
        f"{anno}/identity_CelebA.txt": "000001.jpg 2880\n000002.jpg 2937\n",
        f"{evaluation}/list_eval_partition.txt": "000001.jpg 0\n000002.jpg 2\n",
        f"{anno}/list_landmarks_align_celeba.txt": "2\nlefteye_x lefteye_y\n"
        f"000001.jpg {points}\n000002.jpg {points}\n",
        f"{anno}/list_attr_celeba.txt": "2\n",
    }
    for name, text in texts.items():
        photos(root, name)
        (root / name).write_text(text)
    return root


def tgz(path, folder, inside):
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, inside)
    return path


def names(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


LFW_FILES = ["Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bo/Bo_0001.jpg", "fetched.json"]


@pytest.mark.parametrize("inside", ["", "lfw", "lfw-deepfunneled", "lfw_funneled", "lfw/lfw"])
def test_every_layout_of_lfw_is_taken_from_a_folder(tmp_path, inside):
    lfw(tmp_path / "given" / inside)
    found = fetch(SOURCES["lfw"], tmp_path / "out", tmp_path / "given")
    assert (found.photos, found.people, found.origin) == (3, 2, "given")
    assert names(tmp_path / "out") == LFW_FILES
    assert len(DATASETS["lfw"].photos(tmp_path / "out")) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "out"]


def test_photos_are_linked_and_outlive_the_folder(tmp_path):
    given = lfw(tmp_path / "given")
    fetch(SOURCES["lfw"], tmp_path / "out", given)
    photo = tmp_path / "out" / "Bo" / "Bo_0001.jpg"
    assert photo.samefile(given / "Bo" / "Bo_0001.jpg")
    shutil.rmtree(given)
    assert photo.read_bytes() == b"Bo/Bo_0001.jpg"


def test_photos_are_copied_where_the_disk_cannot_link(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("cross-device link")

    monkeypatch.setattr("os.link", refuse)
    fetch(SOURCES["lfw"], tmp_path / "out", lfw(tmp_path / "given"))
    assert names(tmp_path / "out") == LFW_FILES


def test_an_archive_is_unpacked_and_kept(tmp_path):
    archive = tgz(tmp_path / "mine.tgz", lfw(tmp_path / "x"), "lfw_funneled")
    assert fetch(SOURCES["lfw"], tmp_path / "out", archive).origin == "mine.tgz"
    assert names(tmp_path / "out") == LFW_FILES
    assert archive.is_file()


def test_a_folder_with_the_archive_will_do(tmp_path):
    (tmp_path / "given").mkdir()
    tgz(tmp_path / "given" / "lfw.tgz", lfw(tmp_path / "x"), "lfw")
    assert fetch(SOURCES["lfw"], tmp_path / "out", tmp_path / "given").photos == 3


CELEBA_FILES = [
    "fetched.json",
    "identity_CelebA.txt",
    "img_align_celeba/000001.jpg",
    "img_align_celeba/000002.jpg",
    "list_eval_partition.txt",
    "list_landmarks_align_celeba.txt",
]


@pytest.mark.parametrize("part", ["", "Img/img_align_celeba", "Img"])
def test_the_official_layout_of_celeba_is_taken(tmp_path, part):
    found = fetch(SOURCES["celeba"], tmp_path / "out", celeba(tmp_path / "given") / part)
    assert (found.photos, found.people) == (2, 2)
    assert names(tmp_path / "out") == CELEBA_FILES
    records = DATASETS["celeba"].photos(tmp_path / "out")
    assert [record.partition for record in records] == ["train", "test"]
    assert records[0].eyes == (69, 109, 106, 113)


@pytest.mark.parametrize("place", ["", "Img"])
def test_the_zip_of_celeba_finds_its_files_beside_it(tmp_path, place):
    given = celeba(tmp_path / "given")
    archive = given / place / "img_align_celeba.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for number in (1, 2):
            opened.writestr(f"img_align_celeba/00000{number}.jpg", "x")
    shutil.rmtree(given / "Img" / "img_align_celeba")
    for number, origin in enumerate((archive, given)):
        out = tmp_path / f"out{number}"
        assert fetch(SOURCES["celeba"], out, origin).people == 2
        assert names(out) == CELEBA_FILES


def test_a_second_call_says_that_it_is_there(tmp_path):
    lines = []
    call = functools.partial(
        fetch, SOURCES["lfw"], tmp_path / "out", lfw(tmp_path / "given"), lines.append
    )
    first, second = call(), call()
    assert second == dataclasses.replace(first, already=True)
    assert [line[:6] for line in lines] == ["terms:"]  # once


def test_an_existing_folder_is_not_touched(tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="choose another folder"):
        fetch(SOURCES["lfw"], tmp_path / "out", lfw(tmp_path / "given"))
    assert not names(tmp_path / "out")


def test_a_folder_with_lost_photos_or_another_data_set_is_not_passed_off(tmp_path):
    fetch(SOURCES["lfw"], tmp_path / "out", lfw(tmp_path / "given"))
    with pytest.raises(OutputError, match="holds lfw"):
        fetch(SOURCES["celeba"], tmp_path / "out")
    (tmp_path / "out" / "Bo" / "Bo_0001.jpg").unlink()
    with pytest.raises(OutputError, match="2 of 3 photos"):
        fetch(SOURCES["lfw"], tmp_path / "out")


def test_what_has_no_photos_is_refused_and_leaves_nothing(tmp_path):
    wrong = photos(tmp_path / "wrong", "notes.txt")
    archive = tgz(tmp_path / "a.tgz", wrong, "lfw")
    for given, message in (
        (wrong, "lfw-deepfunneled.tgz"),
        (archive, "no lfw in"),
        (wrong / "notes.txt", "no tar or zip"),
        (tmp_path / "nowhere", "does not exist"),
    ):
        with pytest.raises(DataError, match=message):
            fetch(SOURCES["lfw"], tmp_path / "out", given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "wrong"]


def test_lfw_twice_in_a_folder_is_refused(tmp_path):
    lfw(tmp_path / "given" / "lfw")
    lfw(tmp_path / "given" / "lfw_funneled")
    with pytest.raises(DataError, match="more than once"):
        fetch(SOURCES["lfw"], tmp_path / "out", tmp_path / "given")


@pytest.fixture
def mirror(tmp_path):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_edition_that_can_be_had_is_downloaded(tmp_path, mirror):
    folder, address = mirror
    archive = tgz(folder / "lfw.tgz", lfw(tmp_path / "x"), "lfw")
    good = "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()
    editions = (
        (RemoteFile("gone.tgz", (f"{address}/gone.tgz",), good),),
        (RemoteFile("lfw.tgz", (f"{address}/lfw.tgz",), good),),
    )
    source = dataclasses.replace(SOURCES["lfw"], editions=editions)
    lines = []
    found = fetch(source, tmp_path / "out", tell=lines.append)
    assert (found.origin, found.photos) == ("lfw.tgz", 3)
    assert "HTTP 404" in lines[1]
    assert names(tmp_path / "out") == LFW_FILES
    assert not (tmp_path / ".out.fetch").exists()


def test_what_came_is_kept_for_the_next_call_and_the_way_by_hand_is_told(tmp_path, mirror):
    folder, address = mirror
    photos(folder, "img.zip")
    good = "sha256:" + hashlib.sha256((folder / "img.zip").read_bytes()).hexdigest()
    edition = (
        RemoteFile("img.zip", (f"{address}/img.zip",), good),
        RemoteFile("lost.txt", (f"{address}/lost.txt",), good),
    )
    source = dataclasses.replace(SOURCES["celeba"], editions=(edition,))
    with pytest.raises(DataError, match=r"mmlab.*--from ARCHIVE_OR_FOLDER"):
        fetch(source, tmp_path / "out")
    assert names(tmp_path / ".out.fetch") == ["img.zip"]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_sources_are_data_sets_and_their_archives_come_first(name):
    source = SOURCES[name]
    assert source.name == name
    assert name in DATASETS
    assert tuple(edition[0].name for edition in source.editions) == source.archives
    assert "research" in source.terms
    for edition in source.editions:
        assert {file.name for file in edition[1:]} <= set(source.annotations)
        assert all(url.startswith("http") for file in edition for url in file.urls)
