import json

import pytest

from mask2face import cropping
from mask2face.configuration import Configuration
from mask2face.cropping import check, clean_crops_for
from mask2face.errors import ConfigurationError, DataError, OutputError, UnknownNameError

URL = "https://example.org/file.tgz"


def test_a_landmark_file_that_is_missing_says_where_to_get_it():
    missing = {"landmarks_predictor_path": "nowhere.dat"}
    with pytest.raises(ConfigurationError, match=r"'nowhere\.dat'.*null for the packaged one"):
        check(Configuration(None, **missing))
    with pytest.raises(ConfigurationError, match=f"get {URL}, unpack it there"):
        check(Configuration(None, **missing, landmarks_predictor_download_url=URL))


def test_a_landmark_file_is_not_needed_beside_landmarks(tmp_path):
    values = {"landmarks_predictor_path": "nowhere.dat", "landmarks_path": tmp_path / "a.csv"}
    check(Configuration(None, **values))
    (tmp_path / "file.dat").write_bytes(b"")
    check(Configuration(None, landmarks_predictor_path=tmp_path / "file.dat"))


def test_a_data_set_that_is_missing_says_where_to_get_it(tmp_path):
    values = {"input_images_path": tmp_path / "lfw", "crops_path": tmp_path / "crops"}
    with pytest.raises(DataError, match="does not exist") as caught:
        clean_crops_for(Configuration(None, **values))
    assert "get " not in str(caught.value)
    with pytest.raises(DataError, match=f"get {URL} and unpack it to '.*lfw'"):
        clean_crops_for(Configuration(None, **values, dataset_archive_download_url=URL))


def test_data_sets_go_by_name():
    with pytest.raises(UnknownNameError, match="did you mean 'lfw'"):
        check(Configuration(None, dataset="lwf"))


@pytest.fixture
def cut(tmp_path, crop_cache, monkeypatch):
    """The cache of the photos in `first`, cut by nobody; `second` has as many others."""
    for name in ("first/A/a.jpg", "first/B/b.jpg", "second/A/a.jpg", "second/B/other.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def build(records, out, *_, facts, **__):
        meta = crop_cache(out) / "meta.json"
        meta.write_text(json.dumps(json.loads(meta.read_text()) | facts))

    monkeypatch.setattr(cropping, "build", build)
    values = {"dataset": "folder", "crops_path": tmp_path / "crops"}

    def settings(folder):
        return Configuration(None, **values, input_images_path=tmp_path / folder)

    clean_crops_for(settings("first"))
    return settings


def test_a_cache_of_as_many_other_photos_is_refused(cut, tmp_path):
    assert len(clean_crops_for(cut("first")))
    (tmp_path / "first").rename(tmp_path / "moved")
    assert len(clean_crops_for(cut("moved")))
    with pytest.raises(OutputError, match="other settings"):
        clean_crops_for(cut("second"))


def test_an_older_cache_that_does_not_say_of_which_photos_is_used(cut, tmp_path):
    path = tmp_path / "crops" / "meta.json"
    meta = json.loads(path.read_text())
    del meta["request"]["names"]
    path.write_text(json.dumps(meta))
    assert len(clean_crops_for(cut("first")))
    del meta["request"]
    path.write_text(json.dumps(meta))
    with pytest.raises(OutputError, match="other settings"):
        clean_crops_for(cut("first"))
