import json

import numpy as np
import pytest

from mask2face.errors import DataError, OutputError
from mask2face.finding import lessons
from mask2face.finding.lessons import Lesson, LessonFolder, SeenFace


def lesson(name="000000", split="train"):
    face = SeenFace((1.0, 2.0, 30.5, 40.0), ((1.0, 2.0),) * 5, 0.75, True)
    return Lesson(name, "A/A_0001.jpg", "A", split, (face,))


def test_json_and_back():
    assert Lesson.from_json(lesson().to_json()) == lesson()


def test_pictures_come_back_at_three_sizes(tmp_path, new_lessons):
    folder = new_lessons(tmp_path / "x")
    one = folder.lessons[0]
    bare, masked = (folder.picture(one, masked=kind) for kind in (False, True))
    assert bare.shape == masked.shape == (250, 250, 3)
    assert np.abs(masked[145, 125].astype(int) - (60, 120, 200)).max() < 12  # RGB, as written
    assert np.abs(bare[145, 125].astype(int) - (60, 120, 200)).max() > 50
    half = folder.picture(one, masked=True, half=2)
    assert half.shape == (125, 125, 3)
    assert np.abs(half[72, 62].astype(int) - (60, 120, 200)).max() < 12


def test_splits(tmp_path, new_lessons):
    folder = new_lessons(tmp_path / "x", train=2, validation=1)
    assert [len(folder.of(name)) for name in ("train", "validation")] == [2, 1]
    with pytest.raises(DataError, match="no photo in 'test'"):
        folder.of("test")


def test_a_folder_that_is_not_complete(tmp_path):
    with pytest.raises(DataError, match="mask2face detector lessons"):
        LessonFolder(tmp_path)
    (tmp_path / "meta.json").write_text('{"format": "other"}')
    with pytest.raises(DataError, match="format"):
        LessonFolder(tmp_path)


def test_half_a_row_is_left_out_and_cut_off(tmp_path):
    for name in ("000000", "000001"):
        lessons.add_row(tmp_path, lesson(name))
    path = tmp_path / "lessons.jsonl"
    path.write_text(path.read_text() + lesson("000002").to_json()[:40])
    assert len(lessons.read_rows(tmp_path)) == 2
    lessons.keep_whole_rows(tmp_path)
    lessons.add_row(tmp_path, lesson("000002"))
    assert [one.name for one in lessons.read_rows(tmp_path)] == ["000000", "000001", "000002"]


def test_broken_rows(tmp_path):
    (tmp_path / "lessons.jsonl").write_text('{"name": 1}\n')
    with pytest.raises(DataError, match="broken"):
        lessons.read_rows(tmp_path)


def test_a_missing_picture(tmp_path, new_lessons):
    folder = new_lessons(tmp_path / "x")
    (tmp_path / "x" / "bare" / "000000.jpg").unlink()
    with pytest.raises(DataError, match="missing or broken"):
        folder.picture(folder.lessons[0], masked=False)


def test_a_picture_that_cannot_be_written(tmp_path):
    (tmp_path / "masked" / "000000.jpg").mkdir(parents=True)
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(OutputError, match="cannot write"):
        lessons.write_pictures(tmp_path, "000000", picture, picture)


def test_a_folder_goes_on_with_its_own_facts_only(tmp_path):
    folder = tmp_path / "new" / "x"
    assert lessons.begin(folder, {"seed": 1, "limit": None}) == []
    lessons.add_row(folder, lesson())
    assert lessons.begin(folder, {"seed": 1, "limit": None}) == [lesson()]
    with pytest.raises(DataError, match="not complete.*goes on"):
        LessonFolder(folder)
    lessons.write_meta(folder, {"seed": 1, "limit": None})
    assert LessonFolder(folder).lessons == [lesson()]
    before = (folder / "meta.json").read_bytes()
    with pytest.raises(OutputError, match="other settings"):
        lessons.begin(folder, {"seed": 2, "limit": None})
    assert (folder / "meta.json").read_bytes() == before
    assert lessons.begin(folder, {"seed": 1, "limit": None}) == [lesson()]


def test_a_folder_of_an_earlier_version_opens_and_does_not_go_on(tmp_path):
    facts = {"seed": 0, "test": 2, "photos": {"lfw": 1}}
    (tmp_path / "meta.json").write_text(json.dumps({"format": lessons.FORMAT, **facts}))
    lessons.add_row(tmp_path, lesson())
    assert LessonFolder(tmp_path).lessons == [lesson()]
    with pytest.raises(OutputError, match="earlier version"):
        lessons.begin(tmp_path, facts | {"limit": None})


@pytest.mark.parametrize("name", ["meta.json", "photo.jpg", "lessons.jsonl"])
@pytest.mark.parametrize("text", ['{"format": "mask2face crops 1"}', "[]", ""])
def test_a_folder_of_something_else_stays_as_it_is(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(OutputError, match="choose another folder"):
        lessons.begin(tmp_path, {})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: text}


def test_what_a_kill_at_the_first_step_leaves_is_no_other_folder(tmp_path):
    (tmp_path / ".mask2face-01234567-1-0123456789ab.part").touch()
    assert lessons.begin(tmp_path, {}) == []


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    picture = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(OutputError, match="choose another folder"):
        lessons.begin(tmp_path / "file", {})
    with pytest.raises(OutputError, match="cannot write"):
        lessons.begin(tmp_path / "file" / "x", {})
    with pytest.raises(OutputError, match="cannot write"):
        lessons.write_pictures(tmp_path / "file", "000000", picture, picture)
    with pytest.raises(OutputError, match="cannot write"):
        lessons.add_row(tmp_path / "nowhere", lesson())
    with pytest.raises(OutputError, match="does not exist"):
        lessons.write_meta(tmp_path / "nowhere", {})
