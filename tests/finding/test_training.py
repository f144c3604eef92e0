import errno
import json

import numpy as np
import pytest
import torch

from mask2face import checkpoint as checkpoints
from mask2face.detectors.own import Own
from mask2face.errors import DataError, ModelError, OutputError
from mask2face.finding import exporting, feeding, training
from mask2face.finding.cells import targets
from mask2face.finding.feeding import Plan
from mask2face.finding.training import LAST, train
from mask2face.processes import Processes

TINY = {"batch": 2, "side": 64, "width": 0.5}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(feeding, "_CHECKED", 2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order: a resumed run is the same bit for bit
    yield
    torch.set_num_threads(threads)


def weights(run):
    about, tensors = checkpoints.read(run / LAST)
    return about.step, {name: one for name, one in tensors.items() if name.startswith("ema")}


def test_a_stopped_run_goes_on_to_the_same_weights(lesson_folder, tmp_path):
    plan = Plan(steps=4, **TINY)
    train(lesson_folder.folder, tmp_path / "whole", plan, workers=0, quiet=True)
    for _ in range(4):
        train(lesson_folder.folder, tmp_path / "parts", plan, workers=0, stop_after=0, quiet=True)
    (step, whole), (other, parts) = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert step == other == 4
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    rows = [json.loads(row) for row in (tmp_path / "parts/log.jsonl").read_text().splitlines()]
    assert {row["step"] for row in rows if row["kind"] == "validation"} == {1, 2, 3, 4}
    assert all(np.isfinite(row["face"]) for row in rows)


def test_a_finished_run_stays(lesson_folder, tmp_path):
    plan = Plan(steps=1, **TINY)
    path = train(lesson_folder.folder, tmp_path, plan, workers=0, quiet=True)
    before = path.read_bytes()
    assert train(lesson_folder.folder, tmp_path, plan, workers=0, quiet=True) == path
    assert path.read_bytes() == before


def test_scenes_may_come_from_another_process(lesson_folder, tmp_path):
    train(lesson_folder.folder, tmp_path / "one", Plan(steps=1, **TINY), workers=0, quiet=True)
    train(lesson_folder.folder, tmp_path / "two", Plan(steps=1, **TINY), workers=1, quiet=True)
    (_, one), (_, two) = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_another_net_in_the_folder(lesson_folder, tmp_path):
    train(lesson_folder.folder, tmp_path, Plan(steps=1, **TINY), workers=0, quiet=True)
    with pytest.raises(ModelError, match="width"):
        train(lesson_folder.folder, tmp_path, Plan(steps=2, side=64), workers=0, quiet=True)


def test_a_run_that_cannot_be_written(lesson_folder, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    plan = Plan(steps=1, **TINY)
    for run in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(OutputError, match="cannot write.*choose another folder"):
            train(lesson_folder.folder, run, plan, workers=0, quiet=True)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(training.RunLog, "step", full)
    with pytest.raises(OutputError, match="No space left"):
        train(lesson_folder.folder, tmp_path / "run", plan, workers=0, quiet=True)


def test_no_lessons(tmp_path):
    with pytest.raises(DataError, match="no complete lesson folder"):
        train(tmp_path, tmp_path / "run", Plan(steps=1), workers=0, quiet=True)


def test_it_learns_to_find_a_face(face_scene, tmp_path, monkeypatch):
    """Taught one scene over and over, the net finds its face."""
    picture, truth = face_scene
    wanted = targets(truth, len(picture))
    run = training._Run(
        tmp_path, Plan(steps=70, ema=0.5, rate=4e-3, **TINY), torch.device("cpu"), Processes()
    )
    batch = feeding.collated([(picture, wanted), (picture, wanted)])
    first = run.learn(batch)
    while run.step < run.plan.steps:
        last = run.learn(batch)
    assert last["face"] < first["face"] / 5
    for module in run.mean.modules():  # so few steps leave the running statistics behind
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.2
    with torch.no_grad():
        run.mean.train()
        for _ in range(20):
            run.mean.logits(run._on_device(batch)[0])
    run.save()
    net, _ = exporting.load(tmp_path / LAST)

    class Session:
        def run(self, names, feed):
            with torch.no_grad():
                return [net(torch.from_numpy(feed["photo"])).numpy()]

    detector = Own("cpu", 0.5, threads=1)
    monkeypatch.setattr(detector, "_session", Session())
    (face, *more) = detector(picture)
    assert not more
    assert np.abs(face.landmarks - truth.points[0]).max() < 4
    assert np.abs(np.array(face.box) - truth.boxes[0]).max() < 6
    assert face.masked < 0.5
