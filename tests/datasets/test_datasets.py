from pathlib import Path

import pytest

from mask2face.datasets import DATASETS, PhotoRecord, official_splits
from mask2face.errors import DataError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_lfw_gives_people_by_folder(tmp_path):
    touch(tmp_path, "B/B_0002.jpg", "B/B_0001.jpg", "A_C/A_C_0001.jpg")
    touch(tmp_path, "A_C/notes.txt", "A_C/.hidden_0001.jpg", "stray_0001.jpg", "B/thumb.jpg")
    records = DATASETS["lfw"].photos(tmp_path)
    assert [(r.identity, r.name, r.dataset, r.known) for r in records] == [
        ("A_C", "A_C/A_C_0001.jpg", "lfw", True),
        ("B", "B/B_0001.jpg", "lfw", True),
        ("B", "B/B_0002.jpg", "lfw", True),
    ]
    assert records[0].path == tmp_path / "A_C" / "A_C_0001.jpg"


def test_lfw_takes_names_with_glob_characters(tmp_path):
    touch(tmp_path, "A[x]*/A[x]*_0001.jpg")
    assert len(DATASETS["lfw"].photos(tmp_path)) == 1


@pytest.mark.parametrize("folder", ["lfw", "lfw_funneled", "lfw-deepfunneled/lfw-deepfunneled"])
def test_lfw_is_found_in_the_folder_that_its_archive_makes(tmp_path, folder):
    touch(tmp_path, f"{folder}/B/B_0001.jpg", "pairs.txt", "other/x.jpg")
    (record,) = DATASETS["lfw"].photos(tmp_path)
    assert (record.identity, record.name) == ("B", "B/B_0001.jpg")


def test_lfw_twice_is_refused(tmp_path):
    touch(tmp_path, "lfw/B/B_0001.jpg", "lfw_funneled/B/B_0001.jpg")
    with pytest.raises(DataError, match="'lfw_funneled' and 'lfw'"):
        DATASETS["lfw"].photos(tmp_path)


def test_celeba_without_identities_says_that_people_are_not_known(tmp_path):
    touch(tmp_path, "img_align_celeba/000002.jpg", "img_align_celeba/000001.jpg")
    records = DATASETS["celeba"].photos(tmp_path)
    assert [r.identity for r in records] == ["celeba/000001", "celeba/000002"]
    assert not any(r.known for r in records)


def test_celeba_with_identities(tmp_path):
    touch(tmp_path, *(f"img_align_celeba/{n:06d}.jpg" for n in (1, 2, 3)))
    (tmp_path / "identity_CelebA.txt").write_text("000001.jpg 7\n000002.jpg 8\n\n000003.jpg 7\n")
    records = DATASETS["celeba"].photos(tmp_path)
    assert [r.identity for r in records] == [f"celeba/person/{n}" for n in (7, 8, 7)]
    assert all(r.known for r in records)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("000001.jpg 7 8\n", "line 1"),
        ("000002.jpg 7\n", "no line for '000001.jpg'"),
        ("", "empty"),
    ],
)
def test_celeba_refuses_a_broken_identity_file(tmp_path, text, message):
    touch(tmp_path, "img_align_celeba/000001.jpg")
    (tmp_path / "identity_CelebA.txt").write_text(text)
    with pytest.raises(DataError, match=message):
        DATASETS["celeba"].photos(tmp_path)


POINTS = "69 109 106 113 77 142 73 152 108 154"


@pytest.mark.parametrize(
    ("photos", "anno", "evaluation"),
    [("Img/img_align_celeba", "Anno", "Eval"), ("img_align_celeba/img_align_celeba", ".", ".")],
)
def test_celeba_reads_its_own_folders(tmp_path, photos, anno, evaluation):
    touch(tmp_path, f"{photos}/000001.jpg", f"{photos}/000002.jpg", f"{photos}/000003.jpg")
    (tmp_path / anno).mkdir(exist_ok=True)
    (tmp_path / evaluation).mkdir(exist_ok=True)
    lines = [f"00000{n}.jpg" for n in (1, 2, 3)]
    partition = "".join(f"{name} {n}\n" for n, name in enumerate(lines))
    landmarks = "3\nlefteye_x lefteye_y\n" + "".join(f"{name}  {POINTS}\n" for name in lines)
    (tmp_path / evaluation / "list_eval_partition.txt").write_text(partition)
    (tmp_path / anno / "list_landmarks_align_celeba.txt").write_text(landmarks)
    records = DATASETS["celeba"].photos(tmp_path)
    assert [record.partition for record in records] == ["train", "validation", "test"]
    assert {record.eyes for record in records} == {(69.0, 109.0, 106.0, 113.0)}
    assert records[0].name == "img_align_celeba/000001.jpg"  # the same in every layout
    assert not any(record.known for record in records)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("list_eval_partition.txt", "000001.jpg 3\n", "0 .train., 1"),
        ("list_eval_partition.txt", "000002.jpg 0\n", "no line for '000001.jpg'"),
        ("list_landmarks_align_celeba.txt", "1\nx y\n000001.jpg 1 2 3\n", "line 3"),
        ("list_landmarks_align_celeba.txt", f"000001.jpg {POINTS} 5\n", "five points"),
        ("list_landmarks_align_celeba.txt", "1\nx y\n", "empty"),
    ],
)
def test_celeba_refuses_broken_files(tmp_path, name, text, message):
    touch(tmp_path, "img_align_celeba/000001.jpg")
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        DATASETS["celeba"].photos(tmp_path)


def shot(name, identity, partition, known=True):
    return PhotoRecord(Path(name), identity, "celeba", name, known, partition)


def test_the_official_split_is_for_the_unknown_and_for_those_who_want_it():
    shots = [
        shot("1", "a", "test"),
        shot("2", "a", "test"),
        shot("3", "celeba/3", "validation", known=False),
        shot("4", "celeba/4", None, known=False),
    ]
    assert official_splits(shots, wanted=False) == {"celeba/3": "validation"}
    assert official_splits(shots, wanted=True) == {"a": "test", "celeba/3": "validation"}


def test_an_official_split_that_parts_a_person_is_refused():
    shots = [shot("1", "a", "train"), shot("2", "a", "test")]
    assert official_splits(shots, wanted=False) == {}
    with pytest.raises(DataError, match="'a' in train and test"):
        official_splits(shots, wanted=True)


def test_an_official_split_that_is_not_there_is_refused():
    with pytest.raises(DataError, match=r"list_eval_partition\.txt"):
        official_splits([shot("1", "a", None)], wanted=True)


def test_folder_takes_the_first_sub_folder_for_the_person(tmp_path):
    touch(tmp_path, "anna/2020/x.PNG", "anna/y.webp", "ben/z.jpeg", "alone.jpg", "anna/no.gif")
    records = DATASETS["folder"].photos(tmp_path)
    assert [(r.name, r.identity) for r in records] == [
        ("alone.jpg", "alone"),
        ("anna/2020/x.PNG", "anna"),
        ("anna/y.webp", "anna"),
        ("ben/z.jpeg", "ben"),
    ]


@pytest.mark.parametrize("name", sorted(DATASETS))
class TestEveryDataset:
    def test_a_missing_root_names_the_layout(self, name, tmp_path):
        with pytest.raises(DataError) as caught:
            DATASETS[name].photos(tmp_path / "nowhere")
        assert "does not exist" in str(caught.value)
        assert DATASETS[name].layout in str(caught.value)

    def test_an_empty_root_names_the_layout(self, name, tmp_path):
        with pytest.raises(DataError) as caught:
            DATASETS[name].photos(tmp_path)
        assert "no photos" in str(caught.value)
        assert DATASETS[name].layout in str(caught.value)

    def test_a_file_is_no_root(self, name, tmp_path):
        touch(tmp_path, "file.jpg")
        with pytest.raises(DataError, match="not a folder"):
            DATASETS[name].photos(tmp_path / "file.jpg")

    def test_its_name_is_its_key_and_is_in_the_records(self, name, tmp_path):
        touch(tmp_path, "img_align_celeba/img_align_celeba_0001.jpg")  # suits all three
        assert DATASETS[name].name == name
        records = DATASETS[name].photos(tmp_path)
        assert records
        assert {record.dataset for record in records} == {name}
        assert records == DATASETS[name].photos(tmp_path)


def test_a_record_needs_its_words():
    with pytest.raises(ValueError):
        PhotoRecord(Path("x.jpg"), "", "lfw", "x.jpg")
