import numpy as np
import pytest
from PIL import Image

from mask2face import provenance
from mask2face.comparison import write_comparisons
from mask2face.configuration import Configuration
from mask2face.errors import DataError, OutputError
from mask2face.pairs import Pair, PairWriter

SIDE = 32


def pair(value):
    colour = np.full((SIDE, SIDE, 3), value, np.uint8)
    hole = np.ones((SIDE, SIDE), np.float32)
    return Pair(colour, colour + 1, hole, "s", {}, np.zeros((68, 2), np.float32))


@pytest.fixture
def settings(tmp_path):
    writer = PairWriter(tmp_path / "test", SIDE, {})
    for index in range(3):
        writer.write(f"{index}", pair(10 * index), identity=f"{index}", dataset="d", split="test")
    writer.finish()

    def changed(**values):
        paths = {"test_data_path": tmp_path / "test", "test_results_dir": tmp_path / "results"}
        return Configuration(None, **(paths | values))

    return changed


def test_input_expected_and_given_stand_side_by_side(settings, tmp_path):
    out = write_comparisons(settings(), lambda crop: crop + 100, "run-1")
    assert out == tmp_path / "results" / "run-1"
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png", "2.png"]
    with Image.open(out / "1.png") as picture:
        found = np.asarray(picture)
    assert found.shape == (SIDE, 3 * SIDE + 20, 3)
    assert found[5, [0, SIDE, SIDE + 10, 2 * SIDE + 10, 2 * SIDE + 20], 0].tolist() == [
        *(10, 255, 11, 255, 110)
    ]
    assert provenance.read_mark(out / "1.png").by_mask2face


def test_the_limit_takes_the_first(settings):
    out = write_comparisons(settings(test_data_limit=2), lambda crop: crop, "a")
    assert sorted(path.name for path in out.iterdir()) == ["0.png", "1.png"]


def test_a_second_run_of_that_name_replaces_the_first(settings):
    write_comparisons(settings(), lambda crop: crop, "a")
    out = write_comparisons(settings(), lambda crop: crop + 50, "a")
    with Image.open(out / "0.png") as picture:
        assert np.asarray(picture)[0, -1, 0] == 50


def test_without_a_test_it_says_so(settings, tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        write_comparisons(settings(test_data_path=tmp_path / "no"), lambda crop: crop, "a")


def test_a_folder_that_cannot_be_made_is_said(settings, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot make"):
        write_comparisons(settings(test_results_dir=tmp_path / "file"), lambda crop: crop, "a")
