"""`--engine ray`: the same files as the local engine, whatever happens to the workers."""

import io
import json
import os
import signal
import tarfile
import threading
import time
from pathlib import Path

import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

pytest.importorskip("ray")

import pyarrow as pa
from pyarrow import parquet

from mask2face.cli import app

COUNT = 40
BROKEN = "07.jpg"


def run(*arguments):
    return CliRunner().invoke(app, [str(part) for part in arguments])


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """in/00.jpg to in/39.jpg, of different sizes, and one of them broken."""
    folder = tmp_path_factory.mktemp("many") / "in"
    folder.mkdir()
    face = Image.fromarray(data.astronaut()[30:210, 136:316])
    for number in range(COUNT):
        face.resize((150 + number,) * 2).save(folder / f"{number:02d}.jpg", dpi=(72, 72))
    (folder / BROKEN).write_bytes(b"no photo")
    return folder


@pytest.fixture(scope="module")
def wanted(photos, tiny_model):
    """What the local engine writes, and what it says."""
    done = run("unmask", photos, photos.parent / "local", "--model", tiny_model, "--json")
    assert done.exit_code == 1
    found = contents(photos.parent / "local")
    assert len(found) == COUNT - 1
    return found, done


@pytest.fixture
def here(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").symlink_to(photos, target_is_directory=True)
    return tmp_path


def workers():
    """Return the processes of Ray's workers that this process, or its children, began."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"_Worker" in (process / "cmdline").read_bytes() and _is_ours(process):
                found.append(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def _is_ours(process):
    parent = int((process / "stat").read_text().rsplit(") ", 1)[1].split()[1])
    if parent <= 1:
        return False
    return parent == os.getpid() or _is_ours(Path("/proc", str(parent)))


def facts(done):
    """Return the lines of JSON without what may differ: seconds, and where it was written."""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        line.pop("seconds", None)
        line["output"] = line["output"] and Path(line["output"]).name
    return lines


def test_a_worker_killed_in_mid_run_and_the_run_again(cluster, here, photos, wanted, tiny_model):
    killed = []

    def kill():
        while not killed:
            time.sleep(0.002)
            if Path("out").is_dir() and any(Path("out").glob("[0-9]*")):
                killed.append((workers()[0], len(list(Path("out").glob("[0-9]*")))))
                os.kill(killed[0][0], signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    options = ["--model", tiny_model, "--engine", "ray", "--workers", 2]
    done = run("unmask", photos, "out", *options, "--json")
    assert done.exit_code == 1
    assert killed
    assert killed[0][1] < COUNT - 5  # in mid-run
    files, local = wanted
    assert contents("out") == files  # and so nothing half written
    assert facts(done) == facts(local)
    assert done.stderr.splitlines()[-1] == f"{COUNT - 1} done, 1 failed"

    Path("out/03.jpg").unlink()
    Path("out/04.jpg").write_bytes(b"mine")
    again = run("unmask", photos, "out", *options)
    assert again.exit_code == 1  # the broken one
    assert again.stderr.splitlines()[-1] == f"{COUNT - 2} skipped, 1 done, 1 failed"
    lines = again.stdout.splitlines()
    assert ["skipped" in line for line in lines] == [
        name != "03.jpg"
        for name in sorted(path.name for path in photos.iterdir() if path.name != BROKEN)
    ]
    assert contents("out") == files | {"04.jpg": b"mine"}


def write_shards(photos, folder):
    """Write a.tar and b.parquet, each with half of the photos."""
    folder.mkdir()
    found = sorted(photos.iterdir())[:12]
    with tarfile.open(folder / "a.tar", "w") as tar:
        for path in found[:6]:
            tar.add(path, path.name)
            label = tarfile.TarInfo(f"{path.stem}.cls")
            label.size = 1
            tar.addfile(label, io.BytesIO(b"1"))
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in found[6:]]
    table = pa.table({"image": rows, "label": list(range(6))})
    parquet.write_table(table, folder / "b.parquet")


def in_shards(folder):
    """Return name -> photo of what `write_shards` wrote, and the labels."""
    with tarfile.open(folder / "a.tar") as tar:
        members = {info.name: tar.extractfile(info).read() for info in tar}
    found = {name: value for name, value in members.items() if name.endswith(".jpg")}
    table = parquet.read_table(folder / "b.parquet")
    found |= {row["path"]: row["bytes"] for row in table["image"].to_pylist()}
    return found, [name for name in members if name.endswith(".cls")], table["label"].to_pylist()


def test_shards_in_shards_out(cluster, here, photos, wanted, tiny_model):
    write_shards(photos, Path("shards"))
    options = ["--model", tiny_model, "--engine", "ray", "--workers", 2]
    out = f"dir://out::file://{here}"  # a URL: out/ below here
    done = run("unmask", "shards", out, *options)
    assert done.exit_code == 1, done.output
    assert f"error: shards/b.parquet/{BROKEN} is not a photo" in done.stderr
    assert done.stderr.splitlines()[-1] == "11 done, 1 failed"
    found, tar_labels, labels = in_shards(Path("out"))
    assert found == {name: wanted[0][name] for name in found}
    assert len(found) == 11
    assert len(tar_labels) == 6
    assert labels == [0, 2, 3, 4, 5]
    record = json.loads(Path("out/_b.parquet.json").read_text())
    assert (record["photos"], [one["photo"] for one in record["failed"]]) == (6, [BROKEN])

    before = contents("out")
    Path("out/a.tar").unlink()
    again = run("unmask", "shards", out, *options)
    assert again.exit_code == 0
    assert again.stderr.splitlines()[-1] == "6 done, 1 skipped"
    assert contents("out") == before


def test_mask_behind_urls(cluster, here, photos):
    pytest.importorskip("dlib")
    Path("few").mkdir()
    for name in ("00.jpg", "05.jpg"):
        (Path("few") / name).write_bytes((photos / name).read_bytes())
    styles = ["--style", "all", "--format", "png"]
    local = run("mask", "few", "local", *styles)
    ends = [f"dir://{name}::file://{here}" for name in ("few", "out")]
    done = run("mask", *ends, *styles, "--engine", "ray", "--workers", 2)
    assert (done.exit_code, local.exit_code) == (0, 0), done.output
    assert contents("out") == contents("local")
    assert len(contents("out")) > 10


def test_crops_of_a_data_set(cluster, here, astronaut_lfw):
    pytest.importorskip("dlib")
    astronaut_lfw(Path("faces"), people=3, each=2)
    Path("faces/Person_0/broken.jpg").write_bytes(b"no photo")
    local = run("dataset", "build", "folder=faces", "local", "--workers", 0)
    ends = [f"dir://{name}::file://{here}" for name in ("faces", "crops")]
    done = run("dataset", "build", f"folder={ends[0]}", ends[1], "--engine", "ray")
    assert (done.exit_code, local.exit_code) == (0, 0), done.output
    found = contents("crops")
    found["refused.jsonl"] = found["refused.jsonl"].replace(ends[0].encode(), b"faces")
    assert found == contents("local")


BAD = [
    # arguments, exit status, words on stderr
    (["unmask", "in", "--engine", "rai"], 2, "did you mean 'ray'"),
    (["unmask", "-", "--engine", "ray"], 2, "leave '-' to the local one"),
    (["unmask", "nowhere", "--engine", "ray"], 2, "no such file or folder"),
    (["unmask", "nosuch://bucket", "--engine", "ray"], 2, "nosuch://bucket cannot be opened"),
    (["unmask", "dir://no::file:///", "--engine", "ray"], 2, "no photos and no shards"),
    (["unmask", "both", "--engine", "ray"], 2, "photos and shards"),
    (["unmask", "both/*.tar", "both", "--engine", "ray"], 1, "input itself"),
    (["unmask", "both/*.tar", "out.tar", "--engine", "ray"], 2, "name a folder"),
    (["unmask", "both/*.tar", "--engine", "ray", "--samples", "2"], 2, "leave --samples out"),
    (["unmask", "in", "--engine", "ray", "--model", "nature"], 2, "did you mean 'natural'"),
    (["unmask", "in/00.jpg", "in/01.jpg", "--engine", "ray"], 1, "exists"),
    (["mask", "in", "--workers", "2"], 2, "--workers is for --engine ray"),
    (["mask", "both/*.tar", "--engine", "ray", "--style", "all"], 2, "name a style"),
    (["mask", "both/*.tar", "--engine", "ray", "--holes"], 2, "name a local folder"),
    (["dataset", "build", "lfw=s3://b/lfw", "out", "--engine", "ray"], 2, "only folder=URL"),
    (["dataset", "build", "folder=in", "o", "--engine", "ray", "--workers", "0"], 2, "1 or more"),
    (["dataset", "build", "folder=in", "in", "--engine", "rai"], 2, "did you mean 'ray'"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), BAD)
def test_what_is_wrong_is_named(here, arguments, status, words):
    Path("both").mkdir()
    write_shards(Path("in"), Path("shards"))
    for path in (*Path("shards").iterdir(), Path("in/00.jpg")):
        (Path("both") / path.name).write_bytes(path.read_bytes())
    done = run(*arguments)
    assert (done.exit_code, words in done.stderr) == (status, True), done.output


def test_ray_is_missing(here, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    done = run("unmask", "in", "out", "--engine", "ray")
    assert done.exit_code == 2
    assert "pip install 'mask2face[ray]'" in done.stderr
