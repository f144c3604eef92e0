import pytest

from mask2face.configuration import Configuration
from mask2face.cropping import check, clean_crops_for
from mask2face.errors import ConfigurationError, DataError, UnknownNameError

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
