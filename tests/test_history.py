import json
import sys

import pytest
from typer.testing import CliRunner

from mask2face.cli import app
from mask2face.errors import DataError, MissingExtraError, OutputError
from mask2face.history import plot_history, read_history, write_history

ROWS = [
    {"kind": "train", "step": 20, "mae": 0.5, "hole_bce": 0.2, "gradient": 1, "rate": 1e-4},
    {"kind": "validation", "step": 20, "hole_psnr": 12.0, "hole_l1": 0.2, "hole_iou": 0.1},
    {"kind": "train", "step": 40, "mae": 0.25, "critic": 2.0, "steps_per_second": 9},
    {"kind": "validation", "step": 40, "hole_psnr": 14.5, "hole_l1": 0.1, "hole_iou": 0.6},
    {"kind": "stopped", "step": 40, "validations_without_better": 3},
]


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return folder


def test_losses_and_scores_by_step(run):
    found = read_history(run)
    assert found.losses == {
        "mae": ([20, 40], [0.5, 0.25]),
        "hole_bce": ([20], [0.2]),
        "critic": ([40], [2.0]),
    }
    assert found.scores["hole_psnr"] == ([20, 40], [12.0, 14.5])
    assert set(found.scores) == {"hole_psnr", "hole_l1", "hole_iou"}


def test_a_row_that_is_being_written_does_not_count(run):
    with (run / "log.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 60, "mae": 0.')
    assert read_history(run).losses["mae"][0] == [20, 40]


def test_the_plot_shows_what_was_read(run):
    pytest.importorskip("matplotlib")
    losses, psnr, iou = plot_history(run).axes
    assert [line.get_label() for line in losses.lines] == ["mae", "hole_bce", "critic"]
    assert losses.lines[0].get_xydata().tolist() == [[20, 0.5], [40, 0.25]]
    assert psnr.lines[0].get_xydata().tolist() == [[20, 12.0], [40, 14.5]]
    assert iou.lines[0].get_xydata().tolist() == [[20, 0.1], [40, 0.6]]
    assert "dB" in psnr.get_title()


def test_a_run_without_a_validation_has_losses(run):
    pytest.importorskip("matplotlib")
    (run / "log.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    losses, psnr, _ = plot_history(run).axes
    assert len(losses.lines) == 2
    assert not psnr.lines


@pytest.mark.parametrize(("text", "message"), [("", "nothing is in the log"), ("x\n", "broken")])
def test_a_log_with_nothing_or_nonsense(run, text, message):
    pytest.importorskip("matplotlib")
    (run / "log.jsonl").write_text(text)
    with pytest.raises(DataError, match=message):
        plot_history(run)


@pytest.mark.parametrize("row", [[1], {"step": 3}, {"kind": "train", "step": 2, "mae": "low"}])
def test_rows_that_are_none(run, row):
    (run / "log.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match="broken"):
        read_history(run)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError, match="give the folder of a run"):
        read_history(tmp_path)


def test_without_matplotlib_the_extra_is_named(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[train\]"):
        plot_history(run)


@pytest.mark.parametrize(("name", "start"), [("a.png", b"\x89PNG"), ("a.PDF", b"%PDF")])
def test_the_suffix_names_the_kind(run, tmp_path, name, start):
    pytest.importorskip("matplotlib")
    assert write_history(run, tmp_path / name).read_bytes().startswith(start)


def test_places_that_cannot_be_written(run, tmp_path):
    pytest.importorskip("matplotlib")
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        write_history(run, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    for name in ("a.jpeg2000", "a"):
        with pytest.raises(OutputError, match="no kind of picture"):
            write_history(run, tmp_path / name)


def test_the_command(run, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "plot.png"
    told = CliRunner().invoke(app, ["history", str(run), str(out)])
    assert (told.exit_code, told.stdout) == (0, f"{out}\n")
    again = CliRunner().invoke(app, ["history", str(run), str(out)])
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    assert CliRunner().invoke(app, ["history", str(run), str(out), "--overwrite"]).exit_code == 0
