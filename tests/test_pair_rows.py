import json

import numpy as np
import pytest
from PIL import Image

from mask2face.errors import DataError, UnknownNameError
from mask2face.pair_rows import (
    FORMAT,
    Pair,
    PairRow,
    check_disjoint,
    read_meta,
    read_rows,
    row_of,
    write_pictures,
)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, 16, 16, 3), np.uint8)
    points = rng.uniform(0, 16, (68, 2)).astype(np.float32)
    return Pair(*pictures, rng.random((16, 16), np.float32), "cloth", {"wear": "chin"}, points)


def test_a_row_says_what_a_pair_is(pair):
    row = row_of("7", pair, "anna", "lfw", "test")
    assert (row.name, row.identity, row.dataset, row.split) == ("7", "anna", "lfw", "test")
    assert (row.style, row.options) == ("cloth", {"wear": "chin"})
    assert np.allclose(row.landmarks, pair.landmarks, atol=0.0051)
    assert all(len(f"{x:.10g}".partition(".")[2]) <= 2 for x, _ in row.landmarks)
    with pytest.raises(UnknownNameError):
        row_of("7", pair, "anna", "lfw", "dev")
    with pytest.raises(ValueError, match="plain file name"):
        row_of("../7", pair, "anna", "lfw", "test")


def test_pictures_are_whole_or_not_there(pair, tmp_path, monkeypatch):
    for part in ("inputs", "outputs", "holes"):
        (tmp_path / part).mkdir()
    write_pictures(tmp_path, "7", pair)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        *("holes/7.png", "inputs/7.png", "outputs/7.png")
    ]
    with Image.open(tmp_path / "holes" / "7.png") as picture:
        assert np.array_equal(np.asarray(picture), np.rint(pair.hole * 255))

    def die(image, path, kind):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", die)
    with pytest.raises(KeyboardInterrupt):
        write_pictures(tmp_path, "8", pair)
    assert not (tmp_path / "inputs" / "8.png").exists()


def test_meta_of_another_version_is_refused(tmp_path):
    for text, message in (("{", "broken"), ("[]", "version"), ('{"format": "x"}', "version")):
        (tmp_path / "meta.json").write_text(text)
        with pytest.raises(DataError, match=message):
            read_meta(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps({"format": FORMAT, "side": 8}))
    assert read_meta(tmp_path)["side"] == 8
    with pytest.raises(DataError, match="does not exist"):
        read_meta(tmp_path / "no")


def test_a_broken_line_is_named(tmp_path):
    (tmp_path / "pairs.jsonl").write_text('{"name": 1}\n')
    with pytest.raises(DataError, match="line 1"):
        read_rows(tmp_path)


def test_a_person_in_two_splits_is_refused(tmp_path):
    rows = [PairRow(str(i), "anna", "d", "train", "s", {}, ()) for i in range(2)]
    check_disjoint(rows, tmp_path)
    with pytest.raises(DataError, match="'anna' is in train and in test"):
        check_disjoint([*rows, PairRow("3", "anna", "d", "test", "s", {}, ())], tmp_path)
