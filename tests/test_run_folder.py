import json
import sys

import pytest

from mask2face.errors import ConfigurationError
from mask2face.recipe import Phase, Recipe
from mask2face.run_folder import new_run, weights_of, write_picture


def test_a_new_run_takes_the_next_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(new_run("unet")) == "runs/unet-1"
    (tmp_path / "runs" / "unet-1").mkdir(parents=True)
    assert str(new_run("unet")) == "runs/unet-2"
    assert str(new_run("vae")) == "runs/vae-1"


@pytest.mark.parametrize(
    ("adversarial", "name"), [((0, 0), "best"), ((0, 0.1), "last"), ((0.1, 0), "best")]
)
def test_after_a_critic_the_last_weights_count(tmp_path, adversarial, name):
    phases = tuple(
        Phase(64, 1, 1, 1e-3, {"mae": 1.0}, adversarial=weight) for weight in adversarial
    )
    (tmp_path / "recipe.json").write_text(json.dumps(Recipe(phases).as_json()))
    assert weights_of(tmp_path) == tmp_path / f"{name}.safetensors"


def test_a_folder_without_a_recipe_or_with_a_broken_one(tmp_path):
    assert weights_of(tmp_path).name == "best.safetensors"
    (tmp_path / "recipe.json").write_text("{")
    with pytest.raises(ConfigurationError, match="not JSON"):
        weights_of(tmp_path)


def test_the_picture_of_a_log(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    log = tmp_path / "log.jsonl"
    log.write_text('{"kind": "validation", "step": 3}\n')
    write_picture(tmp_path)
    assert not (tmp_path / "history.png").exists(), "nothing to draw is no error"
    log.write_text('{"kind": "validation", "step": 3, "hole_psnr": 12.5}\n')
    write_picture(tmp_path)
    write_picture(tmp_path)
    assert (tmp_path / "history.png").read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_there_is_no_picture(tmp_path, monkeypatch):
    (tmp_path / "log.jsonl").write_text('{"kind": "validation", "step": 3, "hole_psnr": 12.5}\n')
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    write_picture(tmp_path)
    assert not (tmp_path / "history.png").exists()
    assert "mask2face.history" in sys.modules
