import json

import numpy as np
import pytest
from PIL import Image

from mask2face.errors import DataError, OutputError, UnknownNameError
from mask2face.pairs import Pair, PairFolder, PairRow, PairWriter


def pair(seed=0, side=16):
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (2, side, side, 3), np.uint8)
    hole = rng.random((side, side), np.float32)
    points = rng.uniform(0, side, (68, 2)).astype(np.float32)
    return Pair(pictures[0], pictures[1], hole, "surgical", {"wear": "chin", "x": 0.5}, points)


def write(folder, rows, side=16, **facts):
    writer = PairWriter(folder, side, facts)
    for number, (identity, split) in enumerate(rows):
        writer.write(
            f"{number:03d}", pair(number, side), identity=identity, dataset="d", split=split
        )
    return writer


ROWS = [("anna", "train"), ("ben", "test"), ("anna", "train"), ("cleo", "validation")]


def test_what_is_written_is_read(tmp_path):
    found = write(tmp_path / "p", ROWS, seed=3).finish()
    assert found.side == 16
    assert found.meta["seed"] == 3
    assert found.meta["counts"] == {"train": 2, "validation": 1, "test": 1}
    inputs, outputs, holes, rows = PairFolder.open(tmp_path / "p").load("train")
    assert [row.name for row in rows] == ["000", "002"]
    assert inputs.dtype == outputs.dtype == np.uint8
    assert holes.dtype == np.float32
    for index, seed in enumerate((0, 2)):
        assert np.array_equal(inputs[index], pair(seed).input)
        assert np.array_equal(outputs[index], pair(seed).output)
        assert np.abs(holes[index] - pair(seed).hole).max() <= 0.5 / 255 + 1e-6
        assert np.allclose(rows[index].landmarks, pair(seed).landmarks, atol=0.006)
    assert (rows[0].identity, rows[0].style, rows[0].options) == (
        *("anna", "surgical"),
        {"wear": "chin", "x": 0.5},
    )


def test_a_limit_takes_the_first(tmp_path):
    found = write(tmp_path / "p", ROWS).finish()
    assert [row.name for row in found.load("train", limit=1)[3]] == ["000"]
    assert len(found.load("train", limit=9)[0]) == 2


def test_the_folder_has_the_layout_that_others_read(tmp_path):
    write(tmp_path / "p", ROWS[:1]).finish()
    files = {str(path.relative_to(tmp_path / "p")) for path in (tmp_path / "p").rglob("*.*")}
    assert files == {
        *("inputs/000.png", "outputs/000.png", "holes/000.png", "pairs.jsonl", "meta.json")
    }
    (line,) = (tmp_path / "p" / "pairs.jsonl").read_text().splitlines()
    keys = {"name", "identity", "dataset", "split", "style", "options", "landmarks"}
    assert set(json.loads(line)) == keys
    for part, mode in (("inputs", "RGB"), ("outputs", "RGB"), ("holes", "L")):
        with Image.open(tmp_path / "p" / part / "000.png") as picture:
            assert (picture.mode, picture.size) == (mode, (16, 16))


def test_an_empty_split_gives_empty_arrays(tmp_path):
    found = write(tmp_path / "p", ROWS[:1]).finish()
    inputs, outputs, holes, rows = found.load("test")
    assert inputs.shape == outputs.shape == (0, 16, 16, 3)
    assert holes.shape == (0, 16, 16)
    assert rows == ()


def test_a_folder_left_half_way_is_continued(tmp_path):
    write(tmp_path / "p", ROWS[:2], seed=1)
    with pytest.raises(DataError, match="not complete"):
        PairFolder.open(tmp_path / "p")
    rows = tmp_path / "p" / "pairs.jsonl"
    rows.write_text(rows.read_text() + '{"name": "002", "iden')  # cut off in a line
    writer = PairWriter(tmp_path / "p", 16, {"seed": 1})
    assert "001" in writer
    assert "002" not in writer
    writer.write("002", pair(2), identity="anna", dataset="d", split="train")
    assert [row.name for row in writer.finish().rows] == ["000", "001", "002"]


def test_a_complete_folder_is_continued_too_and_stays_as_it_is(tmp_path):
    write(tmp_path / "p", ROWS).finish()
    before = {path: path.read_bytes() for path in (tmp_path / "p").rglob("*.*")}
    assert "003" in PairWriter(tmp_path / "p", 16, {})
    PairWriter(tmp_path / "p", 16, {}).finish()
    assert before == {path: path.read_bytes() for path in (tmp_path / "p").rglob("*.*")}


@pytest.mark.parametrize(("side", "seed"), [(32, 1), (16, 2)])
def test_a_folder_with_other_settings_is_not_continued(tmp_path, side, seed):
    write(tmp_path / "p", ROWS[:1], seed=1)
    with pytest.raises(OutputError, match="other settings"):
        PairWriter(tmp_path / "p", side, {"seed": seed})


def test_a_folder_of_something_else_is_not_written_into(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(OutputError, match="not a pair folder"):
        PairWriter(tmp_path, 16, {})
    with pytest.raises(OutputError, match="cannot write"):
        PairWriter(tmp_path / "holiday.jpg" / "p", 16, {})
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_wrong_pairs_are_refused_when_written(tmp_path):
    writer = write(tmp_path / "p", ROWS[:1])
    for name, side in (("000", 16), ("001", 32)):
        with pytest.raises(ValueError):
            writer.write(name, pair(side=side), identity="a", dataset="d", split="train")
    with pytest.raises(UnknownNameError):
        writer.write("001", pair(), identity="a", dataset="d", split="dev")
    for name in ("../x", "", "a/b"):
        with pytest.raises(ValueError):
            writer.write(name, pair(), identity="a", dataset="d", split="train")


def change_row(folder, **changes):
    path = folder / "pairs.jsonl"
    lines = path.read_text().splitlines()
    lines[0] = json.dumps(json.loads(lines[0]) | changes)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda folder: (folder / "meta.json").unlink(), "not a pair folder"),
        (lambda folder: (folder / "meta.json").write_text("nothing"), "not a pair folder"),
        (lambda folder: (folder / "meta.json").write_text('{"format": 1}'), "of this version"),
        (lambda folder: (folder / "pairs.jsonl").unlink(), "pairs.jsonl"),
        (lambda folder: (folder / "pairs.jsonl").write_text(""), "no pairs"),
        (lambda folder: (folder / "pairs.jsonl").write_text("x\n"), "line 1"),
        (lambda folder: (folder / "pairs.jsonl").write_text('{"name": "x"}\n'), "line 1"),
        (lambda folder: change_row(folder, split="dev"), "line 1"),
        (lambda folder: change_row(folder, name="../000"), "line 1"),
        (lambda folder: change_row(folder, extra=1), "line 1"),
        (lambda folder: change_row(folder, split="test"), "'anna' is in test and in train"),
        (lambda folder: (folder / "holes" / "002.png").unlink(), "missing or broken"),
        (lambda folder: (folder / "inputs" / "002.png").write_bytes(b""), "missing or broken"),
        (lambda folder: Image.new("RGB", (8, 8)).save(folder / "inputs" / "002.png"), "RGB 8x8"),
        (lambda folder: Image.new("L", (16, 16)).save(folder / "outputs" / "002.png"), "L 16x16"),
    ],
)
def test_broken_folders_are_refused(tmp_path, break_it, message):
    write(tmp_path / "p", ROWS).finish()
    break_it(tmp_path / "p")
    with pytest.raises(DataError, match=message):
        PairFolder.open(tmp_path / "p").load("train")


def test_a_cut_off_picture_is_refused(tmp_path):
    write(tmp_path / "p", ROWS).finish()
    path = tmp_path / "p" / "inputs" / "000.png"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"000\.png"):
        PairFolder.open(tmp_path / "p").load("train")


def test_unknown_names_are_refused(tmp_path):
    found = write(tmp_path / "p", ROWS).finish()
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        found.load("trian")
    with pytest.raises(UnknownNameError, match="'inputs'"):
        found.path("input", found.rows[0])
    with pytest.raises(DataError, match="does not exist"):
        PairFolder.open(tmp_path / "q")


def test_a_row_needs_a_plain_name():
    with pytest.raises(ValueError, match="plain file name"):
        PairRow("a/b", "a", "d", "train", "s", {}, ())
