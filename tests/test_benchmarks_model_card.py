"""The page of the model card: what it says follows from the reports, and no path is in it."""

import importlib
import json
import sys
from pathlib import Path

import pytest

from mask2face.errors import DataError, UsageError
from mask2face.restorer import ModelCard, Restorer, shipped_models

FOLDER = Path(__file__).parents[1] / "benchmarks"
MODULES = ("model_card", "model_card_page", "model_card_tables", "model_card_text")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("model_card")
    for name in MODULES:
        sys.modules.pop(name, None)


def mean(value):
    return {"mean": value, "low": value - 0.01, "high": value + 0.01, "count": 20}


def report(name, gain=0.0, command="mask2face evaluate /home/someone/secret", **changes):
    def method(psnr, distance):
        found = {"hole_psnr": psnr, "hole_ssim": 0.5, "hole_l1": 0.1, "psnr": 25.0}
        return {key: mean(value) for key, value in found.items()} | {
            "identity_distance": mean(distance)
        }

    kind = {"pairs": 7, "hole_psnr": mean(19.5 + gain), "hole_iou": mean(0.91)}
    return {
        "format": "mask2face report 1",
        "command": command,
        "model": {"name": name, "version": "9", "side": 128},
        "side": 128,
        "pairs": 25,
        "masked_pairs": 20,
        "people": 11,
        "train_pairs": 30,
        "hole_fraction": mean(0.2),
        "methods": {
            "masked input": method(11.0, 0.5),
            "mean face": method(15.0, 0.52),
            "model, true hole": method(20.0 + gain, 0.45),
            "model, its own hole": method(19.0 + gain, 0.46),
        },
        "hole_iou": mean(0.93),
        "bare": {"pairs": 5, "left_alone": mean(0.9)},
        "slices": {"style": {"cloth": kind}, "head": {"turned far": kind}},
        **changes,
    }


REAL = {
    "photos": 40,
    "masked_found": 0.95,
    "face_before": 0.4,
    "face_after": 0.9,
    "masked_after": None,
    "outside_identical": 1.0,
    "changed": 0.25,
}


def entry(script, name, **changes):
    card = ModelCard(name, "9", 128, "face_filler", 5143568, 0.81, "research", "photos", "steps")
    facts = {"report": report(name), "nearer": mean(0.04)} | changes
    return script.Entry(name, card, 10_300_000, **facts)


def test_both_models_stand_side_by_side(script):
    recipe = {
        "phases": [
            {"side": 64, "steps": 100, "batch": 8},
            {"side": 64, "steps": 50, "batch": 8},
            {"side": 128, "steps": 7, "batch": 4, "adversarial": 0.1},
        ]
    }
    text = script.page(
        [
            entry(script, "natural", recipe=recipe, real=REAL, bare=REAL),
            entry(script, "faithful", report=report("faithful", 0.5)),
        ]
    )
    lines = text.splitlines()
    assert "| parameters | 5.14 M | 5.14 M |" in lines
    assert "150 steps at 64 px without a critic, batch 8; 7 steps at 128 px with a critic" in text
    own = [line for line in lines if line.startswith("| **`")]
    assert [line.split("|")[2].split()[0] for line in own] == ["19.00", "19.50"]
    assert sum(line.startswith("| masked input") for line in lines) == 1
    cloth = next(line for line in lines if line.startswith("| cloth"))
    assert cloth.split("|")[3:5] == [" 19.50 [19.49, 19.51] ", " 20.00 [19.99, 20.01] "]
    assert "| turned far | 7 |" in text
    assert "with `natural` 8.0 %" in text.replace("\n", " ")
    assert "| photos in which dlib's HOG finds a face, after | 90.0 % |" in lines
    assert "| masked faces that HOG finds, after | – |" in lines
    assert "Of 40 photos of bare faces 75.0 % come back unchanged with `natural`." in text


def test_the_twin_in_integers_has_figures_of_its_own(script):
    models = [entry(script, "natural"), entry(script, "natural-int8", report=report("natural", 1))]
    text = script.page(models)
    assert "what\n`--model natural` runs on a CPU" in text
    own = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| **`")]
    assert [one[1].split()[0] for one in own] == ["19.00", "20.00"]
    assert own[1][0].strip() == "**`natural-int8`**"
    assert "weights/int8/natural.onnx TEST REPORT-natural-int8 " in text
    assert "- **natural-int8**" not in text, "it is not trained"
    cloth = next(line for line in text.splitlines() if line.startswith("| cloth"))
    assert cloth.count("[") == 2, "slices are of the model that was trained"
    assert "runs on a CPU" not in script.page(models[:1])


def test_no_path_is_in_it_and_every_figure_has_a_command(script):
    text = script.page([entry(script, "natural", real=REAL)])
    assert "someone" not in text
    assert "weights/natural.onnx TEST REPORT-natural --train-pairs FIT --identity" in text
    assert "--count 30" in text
    assert "weights/natural.onnx REAL REAL-natural --real" in text
    assert "BARE-natural" not in text
    assert "faithful" not in text.partition("## Made by")[2]


def test_it_says_what_it_is_not(script):
    text = " ".join(script.page([entry(script, "natural")]).split()).lower()
    for words in ("invented, not recovered", "must not be used", "not measured"):
        assert words in text
    assert "research, not commercial use" in text


def test_what_was_not_measured_is_left_out(script):
    text = script.page([entry(script, "natural", nearer=None)])
    assert "## Whether it shows" not in text
    assert "## On real photos" not in text
    assert "--identity" not in text
    old = report("natural")
    old["styles"] = old.pop("slices")["style"]
    text = script.page([entry(script, "natural", report=old), entry(script, "faithful")])
    assert "| cloth | 7 |" in text
    assert "turned far" not in text


def test_reports_of_different_tests_are_not_mixed(script):
    other = report("faithful")
    other["methods"]["masked input"]["hole_psnr"] = mean(12.0)
    with pytest.raises(DataError, match="different test pairs"):
        script.page([entry(script, "natural"), entry(script, "faithful", report=other)])


def test_the_gain_in_identity_is_taken_pair_by_pair(script, tmp_path):
    rows = [
        {
            "identity": f"p{number}",
            "masked input": {"identity_distance": 0.4 + number / 10},
            "model, its own hole": {"identity_distance": 0.35 + number / 10},
        }
        for number in range(4)
    ]
    rows.append(
        {
            "identity": "not measured",
            "masked input": {"identity_distance": None},
            "model, its own hole": {},
        }
    )
    path = tmp_path / "scores.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = script.nearer(path)
    assert found["count"] == 4
    assert found["mean"] == pytest.approx(0.05)
    assert found["high"] - found["low"] < 1e-6, "each pair by itself: all gain alike"
    path.write_text(json.dumps(rows[-1]))
    assert script.nearer(path) is None


def test_the_command_reads_reports_of_what_is_shipped(script, tmp_path, monkeypatch, capsys):
    version = Restorer(shipped_models()["natural"], "cpu").card.version
    facts = report("natural")
    facts["model"]["version"] = version
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(facts))
    (folder / "scores.jsonl").write_text("")
    (tmp_path / "real.json").write_text(json.dumps(REAL))
    out = tmp_path / "page.md"

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["model_card.py", *map(str, words), "--out", str(out)])
        return script.main()

    assert run(f"natural={folder}", "--real", f"natural={tmp_path}") == 0
    text = out.read_text()
    assert f"| version | {version} |" in text
    assert "recipes/natural.json" in text
    assert str(tmp_path) not in text
    facts["model"]["version"] = "another"
    (folder / "report.json").write_text(json.dumps(facts))
    assert run(f"natural-int8={folder}") == 1, "it is there"
    assert run(f"faithful-int8={folder}") == 2
    capsys.readouterr()
    assert run(f"natural={folder}") == 1
    assert "'another'" in capsys.readouterr().err
    assert run(f"nobody={folder}") == 2
    assert run(f"natural={folder}", "--bare", "faithful=x") == 2
    assert run(f"natural={tmp_path / 'nothing'}") == 1
    assert out.read_text() == text
    for bad in ("natural", "natural="):
        with pytest.raises(UsageError, match="NAME=FOLDER"):
            script.named([bad])
