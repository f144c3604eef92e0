import numpy as np
import pytest
import torch

from mask2face.errors import UsageError
from mask2face.finding import feeding
from mask2face.finding.backgrounds import Backgrounds
from mask2face.finding.feeding import Plan, batches
from mask2face.finding.scenes import Scenes
from mask2face.processes import Processes


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"batch": 0}, {"rate": 0.0}, {"side": 40}])
def test_a_plan_that_cannot_be(wrong):
    with pytest.raises(UsageError):
        Plan(**wrong)


def test_processes_share_the_scenes_of_a_step(lesson_folder):
    scenes = Scenes(lesson_folder, "train", Backgrounds(lesson_folder), 64)
    plan = Plan(steps=3, batch=4, side=64)
    whole = list(batches(scenes, plan, 1, 0, Processes()))
    parts = [list(batches(scenes, plan, 1, 0, Processes(rank, 2))) for rank in (0, 1)]
    assert len(whole) == len(parts[0]) == len(parts[1]) == 2  # the first step is done
    for (pictures, wanted), *shares in zip(whole, *parts, strict=True):
        assert pictures.shape == (4, 64, 64, 3)
        for rank, (own, answers) in enumerate(shares):
            assert torch.equal(own, pictures[rank::2])
            assert torch.equal(answers["heat"], wanted["heat"][rank::2])


def test_known_scenes_are_always_the_same(lesson_folder, monkeypatch):
    monkeypatch.setattr(feeding, "_CHECKED", 5)
    scenes = Scenes(lesson_folder, "validation", Backgrounds(lesson_folder), 64)
    one, two = (feeding.known_batches(scenes, Plan(batch=2, side=64)) for _ in range(2))
    assert len(one) == 2
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(one, two, strict=True))
