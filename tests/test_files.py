"""Writing loses nothing: no half files, nothing replaced unasked, never the input."""

import os
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
