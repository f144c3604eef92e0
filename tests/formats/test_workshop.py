"""Files get their names together, over nothing that somebody wants to keep."""

from pathlib import Path

import pytest

from mask2face.errors import OutputError
from mask2face.formats import workshop as shop


def test_a_package_that_is_there_is_kept(tmp_path):
    there, file, free = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    there.mkdir()
    file.write_text("precious")
    shop.check_package(free, overwrite=False)
    shop.check_package(there, overwrite=True)
    with pytest.raises(OutputError, match="a exists"):
        shop.check_package(there, overwrite=False)
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="b exists"):
            shop.check_package(file, overwrite=overwrite)
    with pytest.raises(OutputError, match="does not exist"):
        shop.check_package(tmp_path / "none" / "a", overwrite=True)


def test_the_workshop_leaves_nothing(tmp_path):
    with shop.workshop(tmp_path / "x") as folder:
        (folder / "file").write_text("made")
        (folder / "file").replace(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    with (
        pytest.raises(OutputError, match="cannot write"),
        shop.workshop(tmp_path / "y") as made,
    ):
        (made / "none" / "file").write_text("lost")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_workshop_has_the_same_name_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shop.workshop(Path("x")) as folder:
        assert folder.is_absolute(), "converters run in folders of their own"
        assert folder.parent == tmp_path.resolve()


def written(folder, names, text):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(text)
    return [folder / name for name in names]


def test_several_files_get_their_names_or_none(tmp_path):
    paths = written(tmp_path / "there", "abc", "old")
    paths[1].unlink()  # one is new
    made = written(tmp_path / "made", "abc", "new")
    nowhere = tmp_path / "nowhere" / "c"
    with pytest.raises(FileNotFoundError):
        shop.place(made, [*paths[:2], nowhere])
    assert [path.name for path in paths[0].parent.iterdir() if path != paths[2]] == ["a"]
    assert [paths[0].read_text(), paths[2].read_text()] == ["old", "old"]
    shop.place(made, paths)
    assert [path.read_text() for path in paths] == ["new"] * 3


def test_a_folder_is_no_file_to_replace(tmp_path):
    (made,) = written(tmp_path / "made", "a", "new")
    (there,) = written(tmp_path / "there", "b", "precious")
    with pytest.raises(OutputError, match="there is a folder: choose another name"):
        shop.place([made], [there.parent])
    with pytest.raises(OutputError, match="b is a file"):
        shop.place([made.parent], [there])
    assert there.read_text() == "precious"
