import json

import numpy as np
import pytest
from PIL import Image

from mask2face.runlog import RunLog

PANEL = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def rows(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


@pytest.fixture
def log(tmp_path):
    made = RunLog(tmp_path, 100, 0, quiet=True)
    yield made
    made.close()


def test_steps_are_averaged(log, tmp_path):
    for step in range(1, 46):
        log.step(step, {"mae": float(step)})
    found = rows(tmp_path)
    assert [(row["kind"], row["step"]) for row in found] == [("train", 20), ("train", 40)]
    assert [row["mae"] for row in found] == [10.5, 30.5]
    assert all(row["steps_per_second"] > 0 for row in found)


def test_a_validation_writes_scores_and_a_panel(log, tmp_path, capsys):
    log.validation(30, {"hole_psnr": 20.1234567}, PANEL)
    assert rows(tmp_path) == [{"kind": "validation", "step": 30, "hole_psnr": 20.123457}]
    with Image.open(tmp_path / "panels" / "0000030.png") as picture:
        assert np.array_equal(np.asarray(picture), PANEL)
    assert capsys.readouterr().out == "", "results only on stdout"


def test_a_validation_without_pairs_has_no_panel(log, tmp_path):
    log.validation(30, {}, None)
    assert rows(tmp_path) == [{"kind": "validation", "step": 30}]
    assert not (tmp_path / "panels").exists()


def test_tensorboard_gets_the_same_numbers(log, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log.validation(30, {"hole_psnr": 20.5}, PANEL)
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    found = events.Scalars("validation/hole_psnr")
    assert [(event.step, event.value) for event in found] == [(30, 20.5)]


def test_a_resumed_run_forgets_what_it_does_again(tmp_path):
    lines = [json.dumps({"kind": "train", "step": step}) + "\n" for step in (20, 40, 60)]
    (tmp_path / "log.jsonl").write_text("".join(lines) + '{"kind": "tra')
    RunLog(tmp_path, 100, 40, quiet=True).close()
    assert [row["step"] for row in rows(tmp_path)] == [20, 40]
    assert {path.name for path in tmp_path.iterdir()} == {"log.jsonl", "tensorboard"}


def test_a_run_that_ends_early_says_so(log, tmp_path):
    log.stopped(30, 4)
    assert rows(tmp_path) == [{"kind": "stopped", "step": 30, "validations_without_better": 4}]
