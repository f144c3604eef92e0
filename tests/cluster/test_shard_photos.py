"""`dataset build --engine ray` from shards: the cache that the folder gives."""

import contextlib
import functools
import http.server
import json
import pickle
import tarfile
import threading
from pathlib import Path

import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

pytest.importorskip("ray")
pytest.importorskip("dlib")

import pyarrow as pa
from pyarrow import parquet

from mask2face.cli import app, ray_crops, shard_photos
from mask2face.cli.shard_photos import names_shards, place_of, records_in_shards
from mask2face.cluster import session
from mask2face.errors import DataError, UsageError


def build(*arguments):
    return CliRunner().invoke(app, ["dataset", "build", *map(str, arguments)])


def on_ray(root, out):
    return build(f"folder={root}", out, "--engine", "ray", "--workers", 1)


def pack(path, photos, top):
    """Write photos, backwards, into a tar or Parquet shard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [photo.relative_to(top).as_posix() for photo in sorted(photos, reverse=True)]
    if path.suffix == ".parquet":
        rows = [{"bytes": (top / name).read_bytes(), "path": name} for name in names]
        parquet.write_table(pa.table({"image": rows}), path, row_group_size=2)
        return
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.add(top / name, name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Where faces/Person_N/*.jpg are, one of them broken, and local/, the cache of the folder."""
    top = tmp_path_factory.mktemp("made")
    face = Image.fromarray(data.astronaut()[:256, 100:356])
    for name in ("Person_0/1.jpg", "Person_0/2.jpg", "Person_1/1.jpg"):
        (top / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        face.rotate(len(list(top.rglob("*.jpg")))).save(top / "faces" / name)
    (top / "faces/Person_0/broken.jpg").write_bytes(b"no photo")
    done = build(f"folder={top}/faces", top / "local", "--workers", 0)
    assert done.exit_code == 0, done.output
    return top


@pytest.fixture
def faces(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("local").symlink_to(made / "local", target_is_directory=True)
    return made / "faces"


@pytest.fixture
def one_process(monkeypatch):
    """Do the work of the cluster here: what travels is pickled, as there."""

    def in_order(start, jobs, workers=None, *, lost):
        do = pickle.loads(pickle.dumps(start))()
        pickle.dumps(lost)
        yield from (pickle.loads(pickle.dumps(do(job))) for job in jobs)

    for module in (ray_crops, shard_photos):
        monkeypatch.setattr(module, "in_order", in_order)
    monkeypatch.setattr(session, "session", lambda _workers: contextlib.nullcontext())


def rows(cache, name="crops.jsonl"):
    return [json.loads(line) for line in Path(cache, name).read_text().splitlines()]


def same(cache, *names):
    return all(Path(cache, name).read_bytes() == Path("local", name).read_bytes() for name in names)


ARRAYS = ("crops.npy", "landmarks.npy", "eyes.npy", "heights.npy")


def people_of(faces, end):
    for person in faces.iterdir():
        pack(Path("shards") / f"{person.name}.{end}", person.iterdir(), person)


def check_is_cache_of_folder(done, out, shard):
    assert done.exit_code == 0, done.output
    assert same(out, *ARRAYS, "crops.jsonl", "meta.json")
    (refused,) = rows(out, "refused.jsonl")
    assert refused["photo"] == "Person_0/broken.jpg"
    assert f"{shard}/broken.jpg is not a photo" in refused["reason"]


def test_a_tar_for_each_person_gives_the_cache_of_the_folder(cluster, faces):
    people_of(faces, "tar")
    check_is_cache_of_folder(on_ray("shards/*.tar", "out"), "out", "shards/Person_0.tar")


def test_parquet_behind_a_url_gives_the_cache_of_the_folder(one_process, faces):
    people_of(faces, "parquet")
    url = f"dir://shards/*.parquet::file://{Path.cwd()}"
    check_is_cache_of_folder(on_ray(url, "out"), "out", "Person_0.parquet")


def test_one_tar_of_the_folder_gives_its_crops(one_process, faces):
    pack(Path("all.tar"), faces.rglob("*.jpg"), faces)
    done = on_ray("all.tar", "out")
    assert done.exit_code == 0, done.output
    assert same("out", *ARRAYS)
    wanted = [row | {"photo": f"all/{row['photo']}"} for row in rows("local")]
    assert rows("out") == wanted  # the same people in the same splits


def test_a_broken_shard_ends_the_run(one_process, faces):
    pack(Path("shards/a.tar"), faces.rglob("1.jpg"), faces)
    Path("shards/b.tar").write_bytes(Path("shards/a.tar").read_bytes()[:5000])
    done = on_ray("shards/*.tar", "out")
    assert (done.exit_code, Path("out").exists()) == (1, False)
    assert "shards/b.tar is no tar file, or broken" in done.stderr


def test_a_shard_of_a_server(one_process, faces):
    pytest.importorskip("aiohttp")
    pack(Path("a.tar"), faces.rglob("*.jpg"), faces)
    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    handler = functools.partial(quiet, directory=str(Path.cwd()))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}/a.tar"
        found = records_in_shards("folder", url, 1)
        server.shutdown()
    assert [one.name for one in found] == [f"a/{row['photo']}" for row in rows_and_broken()]
    assert str(found[0].path) == f"{url}/{found[0].member.name}"


def rows_and_broken():
    both = rows("local") + rows("local", "refused.jsonl")
    return sorted(both, key=lambda row: row["photo"])


def test_the_local_engine_says_which_engine_reads_shards(tmp_path):
    done = build(f"folder={tmp_path}/*.tar", tmp_path / "out")
    assert done.exit_code == 2
    assert "--engine ray" in done.stderr


def test_what_is_wrong_is_named(one_process, tmp_path):
    with pytest.raises(UsageError, match="only folder=SHARDS"):
        records_in_shards("lfw", "a.tar", 1)
    with pytest.raises(DataError, match="no shards at"):
        records_in_shards("folder", f"{tmp_path}/*.tar", 1)
    with tarfile.open(tmp_path / "a.tar", "w"):
        pass
    with pytest.raises(DataError, match="no photos in the shards"):
        records_in_shards("folder", f"{tmp_path}/a.tar", 1)


def test_roots_that_name_shards(tmp_path):
    named = ("a.tar", "x/*.parquet", "s3://b/[ab]*.tar", "dir://x/*.tar::file:///y")
    assert all(map(names_shards, named))
    (tmp_path / "d.tar").mkdir()
    assert not any(map(names_shards, (str(tmp_path / "d.tar"), "faces", "tar://::file:///a.tar")))
    tops = ("/", "/x", "s3://b", "dir://x::file:///y")
    roots = ("/*.tar", "/x/*/a.tar", "s3://b/a.tar", "dir://x/*.tar::file:///y")
    assert tuple(place_of(root).root for root in roots) == tops


def test_names_and_people_of_shards_in_folders(one_process, faces):
    for shard, photo in (("b/0", "1"), ("a/0", "2"), ("a/1", "1"), ("a/deep/2", "1")):
        pack(Path("in") / f"{shard}.tar", [faces / f"Person_0/{photo}.jpg"], faces / "Person_0")
    pack(Path("in/c/0.tar"), [faces / "Person_1/1.jpg"], faces)
    found = records_in_shards("folder", "in/*/*.tar", 1)
    assert [(one.name, one.identity) for one in found] == [
        ("a/0/2.jpg", "a"),
        ("a/1/1.jpg", "a"),
        ("b/0/1.jpg", "b"),
        ("c/0/Person_1/1.jpg", "Person_1"),
    ]
    assert str(found[0].path) == "in/a/0.tar/2.jpg"
