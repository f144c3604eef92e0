"""A shard of photos -> its results: names, and what cannot be read or written; no cluster."""

import io
import json
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa
from pyarrow import parquet

from mask2face.cli.batch import Outcome
from mask2face.cli.shards import shard_worker
from mask2face.cli.targets import target
from mask2face.cluster.places import Place
from mask2face.errors import Mask2FaceError
from mask2face.photos import format_of


def work(job, data, _tell):
    """Upper case; the output's name must say a format that we write, or none."""
    format_of(job.target)
    return Outcome("done", "done", data.upper())


def done(shard, suffix=None):
    found = target(str(shard), "out", tag="unmasked", format=suffix)
    return shard_worker(work, found)(found.plan.jobs)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("suffix", [None, "png"])
def test_keys_stay_as_they_are(suffix):
    """As `tar cf a.tar .` writes them."""
    with tarfile.open("a.tar", "w") as tar:
        for name in ("./p//000.cls", "./p//000.jpg"):
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"a"))
    assert [one.state for one in done("a.tar", suffix)] == ["done"]
    with tarfile.open("out/a.tar") as tar:
        assert tar.getnames() == ["./p//000.cls", f"./p//000.{suffix or 'jpg'}"]


def test_a_dot_in_the_name_of_a_row_says_no_format():
    rows = [{"bytes": b"a", "path": path} for path in ("12.5", "x.y/z", "b.jpg")]
    parquet.write_table(pa.table({"image": rows}), "a.parquet")
    assert [one.state for one in done("a.parquet")] == ["done"] * 3
    found = parquet.read_table("out/a.parquet")["image"].to_pylist()
    assert found == [{**row, "bytes": b"A"} for row in rows]
    assert json.loads(Path("out/_a.parquet.json").read_text())["states"] == {"done": 3}


def test_what_breaks_is_a_failed_shard_and_not_the_end(monkeypatch):
    """Stores raise all kinds."""
    with tarfile.open("a.tar", "w"):
        pass
    Path("out").touch()
    (one,) = done("a.tar")
    assert (one.state, type(one.error)) == ("failed", Mask2FaceError)
    assert "out cannot be made" in str(one.error)
    Path("out").unlink()

    class Slow(io.RawIOBase):
        def read(self, _size=-1):
            raise RuntimeError("slow down")

    monkeypatch.setattr(Place, "open", lambda *_: Slow())
    (one,) = done("a.tar")
    assert (one.state, type(one.error)) == ("failed", Mask2FaceError)
    assert "a.tar cannot be read, or its result be written (RuntimeError: slow" in str(one.error)
    assert list(Path("out").iterdir()) == []
