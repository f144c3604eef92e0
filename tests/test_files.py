"""Writing loses nothing: no half files, nothing replaced unasked, never the input."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mask2face import files
from mask2face.errors import OutputError

LONG = "x" * 300 + ".jpg"  # longer than a file system takes


def test_writing_replaces_only_when_told_and_leaves_no_rest(tmp_path):
    path = tmp_path / "x.jpg"
    files.write(b"one", path)
    with pytest.raises(OutputError, match=r"exists.*--overwrite"):
        files.write(b"two", path)
    assert path.read_bytes() == b"one"
    files.write(b"two", path, overwrite=True)
    assert path.read_bytes() == b"two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.jpg"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/x.jpg", "the folder .*no does not exist: make it first"),
        (".", "is a folder: name the file"),
        ("file/x.jpg", "does not exist"),
        (LONG, "cannot be written .*choose another output"),
    ],
)
def test_where_nothing_can_be_written(tmp_path, name, words):
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(OutputError, match=words):
        files.write(b"x", tmp_path / name, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"kept"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), KeyboardInterrupt()])
def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "x.jpg"
    path.write_bytes(b"old")

    def refuse(*_):
        raise error

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutputError):
        files.write(b"new", path, overwrite=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.jpg"]
    assert path.read_bytes() == b"old"


def test_a_link_is_replaced_and_not_what_it_points_to(tmp_path):
    (tmp_path / "kept.jpg").write_bytes(b"kept")
    link = tmp_path / "link.jpg"
    link.symlink_to("kept.jpg")
    broken = tmp_path / "broken.jpg"
    broken.symlink_to("nowhere")
    with pytest.raises(OutputError, match="exists"):
        files.write(b"new", broken)
    files.write(b"new", link, overwrite=True)
    assert (tmp_path / "kept.jpg").read_bytes() == b"kept"
    assert link.read_bytes() == b"new"


@pytest.mark.parametrize("way", ["same", "around", "link", "hard link", "loop", "other", "missing"])
def test_the_input_is_known_by_every_name(tmp_path, way):
    source = tmp_path / "in.jpg"
    source.write_bytes(b"x")
    target = {"same": source, "around": tmp_path / "sub" / ".." / "in.jpg"}.get(
        way, tmp_path / "out.jpg"
    )
    (tmp_path / "sub").mkdir()
    if way == "link":
        target.symlink_to(source)
    elif way == "hard link":
        os.link(source, target)
    elif way == "loop":
        target.symlink_to(target)
    elif way == "other":
        target.write_bytes(b"x")
    if way in ("loop", "other", "missing"):
        files.refuse_same(source, target)
        return
    with pytest.raises(OutputError, match="is the input itself"):
        files.refuse_same(source, target)


def test_the_paths_behind_many_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"x")
    Path("a/link.jpg").symlink_to("../b/x.jpg")
    Path("c").symlink_to("a", target_is_directory=True)
    paths = [Path(name) for name in ("a/x.jpg", "a/link.jpg", "c/x.jpg", "c/../b", "no/x", ".")]
    assert files.all_real(paths) == {files.real(path) for path in paths}
    assert len(files.all_real(paths[:3])) == 2


class TestLeftovers:
    @pytest.fixture
    def part(self, tmp_path):
        def make(process, machine=None, age=0):
            name = f".mask2face-{machine or files._machine()}-{process}-{'0' * 12}.part"
            path = tmp_path / name
            path.write_bytes(b"half")
            os.utime(path, times=(time.time() - age,) * 2)
            return path

        return make

    def test_of_a_killed_process_go_and_others_stay(self, tmp_path, part):
        gone = [part(2**30), part(os.getpid(), age=2 * 24 * 3600), part(1, "0" * 8, 10**6)]
        kept = [part(os.getppid()), part(2**30, "f" * 8), tmp_path / ".mask2face-x.part"]
        kept[-1].write_bytes(b"somebody's")
        files.remove_leftovers(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted(kept)
        assert not any(path.exists() for path in gone)

    def test_of_a_process_that_was(self, tmp_path):
        code = (
            "import os, sys; from pathlib import Path; from mask2face import files\n"
            "with files.renamed(Path(sys.argv[1])) as part:\n"
            "    part.write_bytes(b'half')\n"
            "    os.kill(os.getpid(), 9)"
        )
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.jpg")], check=False)
        assert len(list(tmp_path.iterdir())) == 1
        files.remove_leftovers(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_what_is_no_folder_or_cannot_be_removed(self, tmp_path, part, monkeypatch):
        files.remove_leftovers(tmp_path / "nowhere")
        stuck = part(2**30)

        def refuse(*_, **_options):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "unlink", refuse)
        files.remove_leftovers(tmp_path)
        assert stuck.exists()

    def test_a_process_of_somebody_else_runs(self, monkeypatch):
        def refuse(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "kill", refuse)
        assert files._runs(1)
