import sys
from pathlib import Path

import numpy as np
import pytest

from mask2face.datasets import DATASETS
from mask2face.errors import DataError, OutputError
from mask2face.faces import Face
from mask2face.finding import teaching
from mask2face.finding.lessons import LessonFolder
from mask2face.finding.teaching import Teacher, teach
from mask2face.mean_face import guess

FIVE = np.array([(105, 110), (145, 110), (125, 132), (108, 152), (142, 152)], np.float32)


class Finder:
    """Sees one face in the middle of each photo, and an unsure one in a corner."""

    def __call__(self, photo):
        main = Face((75.0, 60.0, 175.0, 190.0), FIVE, 0.9)
        return [main, Face((2.0, 2.0, 22.0, 28.0), FIVE / 8, 0.3)]


class Blind:
    def __call__(self, photo):
        return []


def landmarks(photo, box):
    return guess(Face((75.0, 60.0, 175.0, 190.0), FIVE))


def teacher():
    return Teacher(Finder(), landmarks)


@pytest.fixture
def records(tmp_path, astronaut_lfw):
    return DATASETS["lfw"].photos(astronaut_lfw(tmp_path / "lfw"))


def run(records, out, make=teacher):
    return teach(records, out, make, test=2, validation_share=0.4, workers=0)


def test_the_pupil_sees_face_masks_where_the_teacher_saw_faces(tmp_path, records):
    folder = run(records, tmp_path / "out")
    assert len(folder.lessons) == 6  # of 8 photos, the two of the test's person are left out
    covered = []
    for lesson in folder.lessons:
        main, other = lesson.faces
        assert main.box == (75.0, 60.0, 175.0, 190.0)
        assert (main.score, other.score) == (0.9, 0.3)
        assert not other.masked  # too small, and not sure
        bare, masked = (folder.picture(lesson, masked=kind) for kind in (False, True))
        changed = np.abs(bare.astype(int) - masked).max(2) > 40
        if main.masked:
            covered.append(changed[110:190, 75:175].mean())  # the lower half of the box
        assert changed[:40].mean() < 0.05
    assert len(covered) >= 3
    assert min(covered) > 0.02  # some hang below the chin
    assert np.median(covered) > 0.2


def test_people_of_the_test_are_left_out_as_the_crop_cache_leaves_them_out(tmp_path, records):
    from mask2face.splits import split

    names = split(records, test=2, validation_share=0.4)
    folder = run(records, tmp_path / "out")
    assert {one.identity: one.split for one in folder.lessons} == {
        name: place for name, place in names.items() if place != "test"
    }


def test_a_stopped_run_goes_on_to_the_same_files(tmp_path, records, monkeypatch):
    whole = run(records, tmp_path / "whole")
    calls = []

    def stops(folder, lesson):
        calls.append(lesson)
        if len(calls) == 3:
            raise KeyboardInterrupt
        add_row(folder, lesson)

    add_row = teaching.add_row
    monkeypatch.setattr(teaching, "add_row", stops)
    with pytest.raises(KeyboardInterrupt):
        run(records, tmp_path / "parts")
    with pytest.raises(DataError, match="not complete"):
        LessonFolder(tmp_path / "parts")
    monkeypatch.setattr(teaching, "add_row", add_row)
    parts = run(records, tmp_path / "parts")
    assert parts.lessons == whole.lessons
    for path in sorted(Path(whole.folder).rglob("*.jpg")):
        other = parts.folder / path.relative_to(whole.folder)
        assert other.read_bytes() == path.read_bytes()


def test_no_face_anywhere(tmp_path, records):
    with pytest.raises(DataError, match="showed a face"):
        run(records, tmp_path / "out", lambda: Teacher(Blind(), landmarks))


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"test": 4}, {"validation_share": 0.2}, {"limit": 3}, {"photos": -1}],
)
def test_a_folder_begun_with_other_settings_is_refused_before_any_work(tmp_path, records, change):
    run(records, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    usual = {"test": 2, "validation_share": 0.4}
    fewer = records[: change.pop("photos", None)]
    with pytest.raises(OutputError, match="other settings or photos"):
        teach(fewer, tmp_path / "out", None, **usual | change, workers=0)
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")} == before


def test_a_crop_cache_given_by_mistake_is_refused_before_any_work(tmp_path, records, crop_cache):
    cache = crop_cache(tmp_path / "crops")
    before = {path: path.read_bytes() for path in cache.iterdir()}
    with pytest.raises(OutputError, match="no lesson folder"):
        run(records, cache, None)
    assert {path: path.read_bytes() for path in cache.iterdir()} == before


def test_a_heic_photo_without_its_extra_is_left_out(tmp_path, records, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    taught = {one.photo for one in run(records, tmp_path / "one").lessons}
    heic = next(record for record in records if record.name in taught)
    heic.path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    folder = run(records, tmp_path / "two")
    assert {one.photo for one in folder.lessons} == taught - {heic.name}
