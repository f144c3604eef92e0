from pathlib import Path

import pytest

from mask2face.datasets import DATASETS, PhotoRecord
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
