"""The release by one command: which commands it runs, what it skips, what it leaves alone."""

import importlib
import json
import os
import sys
from pathlib import Path

import pytest

from mask2face.errors import ConfigurationError
from mask2face.recipe import parse, shipped

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
GIVEN, OWN = "model, true hole", "model, its own hole"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module("release")
    for name in ("release", "release_plan"):
        sys.modules.pop(name, None)


def recipes():
    return [json.loads(shipped()[name].read_text()) for name in ("natural", "faithful")]


def checkpoint(path, steps):
    header = json.dumps({"__metadata__": {"checkpoint": json.dumps({"step": steps})}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header)


def estimate(mean):
    return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1}


class Pretend:
    """Does what the commands would leave behind, and remembers them."""

    def __init__(self):
        self.seen = []

    def __call__(self, words):
        self.seen.append(list(words))
        if words[0] != "mask2face":
            Path(words[words.index("--out") + 1]).write_text("page")
            return
        name = " ".join(words[1:3]) if words[1] == "dataset" else words[1]
        getattr(self, name.replace(" ", "_"))(words)

    def dataset_build(self, words):
        out = Path(next(word for word in words[3:] if word[0] != "-" and "=" not in word))
        out.mkdir()
        rows = [{"photo": f"a{number}.jpg", "identity": "a"} for number in range(4)]
        splits = ("test", "train", "test", "test")
        text = [
            json.dumps({**row, "dataset": "lfw", "split": split}) + "\n"
            for row, split in zip(rows, splits, strict=True)
        ]
        (out / "crops.jsonl").write_text("".join(text))
        (out / "meta.json").write_text("{}")

    def dataset_pairs(self, words):
        Path(words[4]).mkdir()
        (Path(words[4]) / "meta.json").write_text(json.dumps({"complete": True}))

    def train(self, words):
        recipe = json.loads(Path(words[words.index("--recipe") + 1]).read_text())
        run = Path(words[3])
        begun = (run / "begun").read_text() if (run / "begun").exists() else ""
        for name in ("last", "best"):
            checkpoint(run / f"{name}.safetensors", sum(one["steps"] for one in recipe["phases"]))
        (run / "recipe.json").write_text(json.dumps(recipe))
        (run / "begun").write_text(f"{begun}{run.name} ")

    def export(self, words):
        Path(words[3]).write_bytes(b"onnx")

    def evaluate(self, words):
        out = Path(words[4])
        out.mkdir(exist_ok=True)
        if "--real" in words:
            (out / "real.json").write_text(json.dumps({"face_after": 0.9}))
            return
        facts = {"hole_psnr": estimate(21.23456), "hole_ssim": estimate(0.6)}
        report = {"methods": {GIVEN: facts, OWN: facts}, "hole_iou": estimate(0.93)}
        report |= {"masked_pairs": 9, "people": 3}
        (out / "report.json").write_text(json.dumps(report))


@pytest.fixture
def plan(script, tmp_path, monkeypatch):
    for name in ("lfw", "celeba", "real", "work"):
        (tmp_path / name).mkdir()
    for number in range(4):
        (tmp_path / "lfw" / f"a{number}.jpg").write_bytes(b"photo")
    facts = json.loads((FOLDER / "release.json").read_text())
    facts["sources"] = {name: str(tmp_path / name) for name in ("lfw", "celeba")}
    facts |= {"real": str(tmp_path / "real"), "bare": 2}
    facts |= {"weights": str(tmp_path / "weights"), "page": str(tmp_path / "page.md")}
    (tmp_path / "release.json").write_text(json.dumps(facts))
    # what lies in the pretended cache is no cache
    plan_module = importlib.import_module("release_plan")

    class Rows:
        def __init__(self, folder):
            text = (folder / "crops.jsonl").read_text()
            self.rows = [json.loads(line) for line in text.splitlines()]

        open = classmethod(lambda cls, folder: cls(folder))

    monkeypatch.setattr(plan_module, "CropCache", Rows)
    return script.read(tmp_path / "release.json", tmp_path / "work", 0)


def run(script, plan, *, only=None):
    pretend = Pretend()
    stages = script.Release(plan, workers=3, call=pretend).stages
    for name in stages if only is None else [only]:
        stages[name]()
    return pretend.seen


def kinds(seen):
    return [" ".join(words[1:3]) if words[1] == "dataset" else words[1] for words in seen]


def test_the_whole_way(script, plan, tmp_path):
    seen = run(script, plan)
    assert kinds(seen)[:-1] == [
        *("dataset build", *["dataset pairs"] * 3, "train", "train"),
        *(*["export"] * 3, *["evaluate"] * 9, *["export"] * 3),
    ]
    work = tmp_path / "work"
    build = ["mask2face", "dataset", "build", f"lfw={tmp_path / 'lfw'}"]
    build += [f"celeba={tmp_path / 'celeba'}", str(work / "crops"), "--test=1000"]
    assert seen[0] == [*build, "--validation-share=0.05", "--workers=3"]
    assert sorted(path.name for path in (work / "bare").iterdir()) == ["a0.jpg", "a2.jpg"]
    # what recipes share is trained once, and both go on from there; that is all of faithful
    assert (work / "run-natural" / "begun").read_text() == "run-shared run-natural "
    assert (work / "run-faithful" / "begun").read_text() == "run-shared "
    card = seen[-3]
    assert card[3] == str(tmp_path / "weights" / "faithful.onnx")
    assert {"--metric=hole_psnr=21.2346", "--metric=hole_psnr_low=21.1346"} < set(card)
    assert {
        "--metric=test_people=3",
        "--metric=test_pairs=9",
        "--metric=real_face_found_after=0.9",
    } < set(card)
    pairs = f"--pairs={work / 'int8'}"
    assert {"--to", "onnx-int8-weights", pairs, "--self-ensemble"} < set(card)
    assert any(word.startswith("--training=") for word in card)
    twin = seen[-2]
    assert twin[3] == str(tmp_path / "weights" / "int8" / "natural.onnx")
    assert {"--to", "onnx-int8", pairs, "--metric=hole_iou=0.93"} < set(twin)
    assert "--self-ensemble" not in twin
    # the critic has the last word in natural, and not in faithful
    weights = [words[2] for words in seen if words[1] == "export"]
    names = [f"{Path(path).parent.name}/{Path(path).name}" for path in weights]
    assert names[:2] == ["run-natural/last.safetensors", "run-faithful/best.safetensors"]
    assert names[2] == names[0]
    page = seen[-1]
    assert page[1].endswith("model_card.py")
    for kind in ("real", "bare"):
        assert f"natural={work / f'{kind}-natural'}" in page
        assert f"natural-int8={work / f'{kind}-natural-int8'}" in page
    assert (tmp_path / "page.md").exists()


def test_what_is_done_is_not_done_again(script, plan, tmp_path):
    run(script, plan)
    assert len(run(script, plan)) == 1, "the page alone"
    twin = tmp_path / "weights" / "int8" / "natural.onnx"
    twin.unlink()  # was stopped before it
    assert [words[3] for words in run(script, plan, only="card")] == [str(twin)]
    checkpoint(tmp_path / "work" / "run-faithful" / "last.safetensors", 5)  # was stopped
    assert kinds(run(script, plan, only="train")) == ["train"]
    assert [words[3] for words in run(script, plan, only="export")] == [str(plan.draft("faithful"))]
    later = plan.draft("natural").stat().st_mtime + 60
    os.utime(tmp_path / "work" / "run-natural" / "last.safetensors", (later, later))
    drafts = [str(plan.draft(name)) for name in ("natural", "natural-int8")]
    assert [words[3] for words in run(script, plan, only="export")] == drafts


def test_a_rehearsal_leaves_package_and_page_alone(script, plan, tmp_path):
    small = script.read(tmp_path / "release.json", tmp_path / "work", 26)
    seen = run(script, small)
    for words in seen:
        assert str(tmp_path / "weights") not in " ".join(words)
        assert str(tmp_path / "page.md") not in words
    assert "--limit=160" in seen[0]
    assert all("onnx-fp16" in words for words in seen if words[1] == "export")
    recipe = json.loads((tmp_path / "work" / "run-natural" / "recipe.json").read_text())
    assert len(recipe["phases"]) == len(recipes()[0]["phases"])
    assert sum(one["steps"] for one in recipe["phases"]) <= 26
    parse(recipe)


def test_the_shipped_recipes_begin_alike(script):
    natural, faithful = recipes()
    shared = script.shared_part([natural, faithful])
    count = len(shared["phases"])
    assert count >= 10
    assert shared["phases"] == faithful["phases"][:count]
    assert all(phase["adversarial"] > 0 for phase in natural["phases"][count:])
    assert not any(phase.get("adversarial") for phase in faithful["phases"][count:])
    parse(shared)


def test_recipes_that_differ_share_nothing(script):
    natural, faithful = recipes()
    assert script.shared_part([natural, faithful | {"seed": 1}]) is None
    assert script.shared_part([natural, {**natural, "phases": natural["phases"][1:]}]) is None
    assert script.shared_part([natural, natural])["phases"] == natural["phases"]


def test_the_configuration_is_checked(script, tmp_path):
    path = tmp_path / "release.json"
    facts = json.loads((FOLDER / "release.json").read_text())
    script.read(FOLDER / "release.json", tmp_path, 0)
    told = facts["training"]
    for name, text in told.items():
        assert len(text) > 60, f"say how {name} was trained"
    others = ({"int8": ["naturel"]}, {"training": {"natural": told["natural"]}})
    for bad in ({**facts, "colour": 1}, {"fit": 3}, [1], *({**facts, **one} for one in others)):
        path.write_text(json.dumps(bad))
        with pytest.raises(ConfigurationError, match=r"release\.json"):
            script.read(path, tmp_path, 0)
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="no configuration"):
        script.read(path, tmp_path, 0)


def test_the_command(script, tmp_path, monkeypatch, capsys):
    def main(*words):
        monkeypatch.setattr(sys, "argv", ["release.py", *map(str, words), "--work", str(tmp_path)])
        return script.main()

    assert main(tmp_path / "nothing.json") == 2
    assert main(FOLDER / "release.json", "--only", "bake") == 2
    assert "crops" in capsys.readouterr().err
    facts = json.loads((FOLDER / "release.json").read_text())
    facts["sources"] = {"lfw": str(tmp_path / "not there")}
    (tmp_path / "release.json").write_text(json.dumps(facts))
    assert main(tmp_path / "release.json", "--only", "crops") == 1
    assert "it goes on" in capsys.readouterr().err
