"""What a user names -> jobs: in folders, behind URLs, never results of ours as inputs."""

from pathlib import Path

import pytest

pytest.importorskip("fsspec")

import fsspec

from mask2face.cli.targets import target
from mask2face.errors import UsageError

NAMES = ["a.jpg", "sub/b.jpg", "sub/deep/c.jpg"]


@pytest.fixture
def bucket():
    """memory://b/in, a folder behind a URL."""
    store = fsspec.filesystem("memory")
    for name in NAMES:
        store.pipe_file(f"/b/in/{name}", b"1")
    yield store
    store.rm("/b", recursive=True)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """in/ of this machine, where we are, with a shard in each folder."""
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    for name in ("a.tar", "sub/b.tar", "sub/deep/c.tar", "photo.heic"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    return tmp_path


def ends(source, out=None, **options):
    found = target(source, out, tag="unmasked", **options)
    return [(job.name, str(job.target)) for job in found.plan.jobs]


def test_a_dot_in_a_folder_s_name(bucket):
    """As our own `in.masked`."""
    bucket.pipe_file("/b/in.masked/a.jpg", b"1")
    assert ends("memory://b/in.masked") == [("a.jpg", "memory://b/in.masked.unmasked/a.jpg")]


def test_a_star_stays_in_its_folder(bucket, here):
    assert [name for name, _ in ends("memory://b/in/*/*.jpg", "out")] == ["sub/b.jpg"]
    assert [name for name, _ in ends("memory://b/in/**/*.jpg", "out")] == NAMES
    assert [name for name, _ in ends("memory://b/in", "out", recursive=True)] == NAMES
    assert [name for name, _ in ends("*.tar", "out", recursive=True)] == ["a.tar"]
    assert [name for name, _ in ends(f"{here}/in/*/*.tar", "out")] == ["sub/b.tar"]


def test_results_are_no_inputs(bucket, here):
    bucket.pipe_file("/b/in/out/a.jpg", b"1")
    found = ends("memory://b/in", "memory://b/in/out", recursive=True)
    assert [name for name, _ in found] == NAMES
    Path("out").mkdir()
    Path("out/a.tar").touch()
    Path("photo.heic").unlink()
    found = ends(".", "out", recursive=True)
    assert [name for name, _ in found] == ["a.tar", "sub/b.tar", "sub/deep/c.tar"]
    with pytest.raises(UsageError, match="all shards of . are results"):
        ends("[o]ut/*.tar", "out")


def test_shards_here_get_a_folder_beside_this_one(here):
    assert ends("a.tar") == ends("*.tar") == [("a.tar", f"{here}/in.unmasked/a.tar")]


def test_a_heic_goes_behind_a_url(here):
    assert ends("photo.heic", "memory://b/out") == [("photo.heic", "memory://b/out/photo.jpg")]


@pytest.mark.parametrize(
    ("source", "out", "words"),
    [
        ("memory://b/in/a.jpg", "out.jpg", "out.jpg: results go to a folder"),
        ("photo.heic", "memory://b/out.jpg", "out.jpg: results go to a folder"),
        ("dir://in::memory://b", None, "no place beside it"),
        ("memory://b", None, "no place beside it"),
    ],
)
def test_what_is_wrong_is_named(bucket, here, source, out, words):
    bucket.pipe_file("/b/top.jpg", b"1")
    with pytest.raises(UsageError, match=words):
        ends(source, out)
