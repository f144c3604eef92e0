"""The whole release by one command: photos -> crops -> two models -> reports -> model card.

    python benchmarks/release.py benchmarks/release.json [--work release] [--device auto]
        [--only STAGE] [--steps N]

Every stage calls the command line; each command is printed before it runs. A stage whose outputs
are there and not older than what they are made from is skipped, so that the same command goes on
after a stop. `--steps N` rehearses all of it on few photos and leaves package and page alone.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from release_plan import (
    INT8_PAIRS,
    REHEARSAL,
    Plan,
    begin_with,
    fresh,
    lay_out_bare,
    metrics,
    read,
    rehearsed,
    shared_part,
    steps_of,
)
from twins import TWIN, released

from mask2face.errors import Mask2FaceError
from mask2face.registry import lookup

SHARED = "shared"  # the run of the phases with which all recipes begin


class Release:
    """Runs the stages of a plan.

    Args:
        plan: what to release.
        train: more options of `train`.
        device: of training.
        workers: processes that cut and draw.
        call: runs a command; raises where it fails.
    """

    def __init__(
        self,
        plan: Plan,
        train: Sequence[str] = (),
        device: str = "auto",
        workers: int = 2,
        call: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self.plan, self._device, self._train, self._workers = plan, device, train, workers
        self._call = call or run_command
        self.stages: dict[str, Callable[[], None]] = {
            "crops": self.crops,
            "pairs": self.pairs,
            "train": self.train,
            "export": self.export,
            "evaluate": self.evaluate,
            "card": self.card,
            "page": self.page,
        }

    def crops(self) -> None:
        """Cut the faces of all data sets."""
        sources = [f"{kind}={folder}" for kind, folder in self.plan.sources.items()]
        options = [f"--{key.replace('_', '-')}={value}" for key, value in self.plan.crops.items()]
        out = self.plan.work / "crops"
        if not (out / "meta.json").exists():
            self._mask2face("dataset", "build", *sources, out, *options, self._many())

    def pairs(self) -> None:
        """Draw the pairs for tests, baselines and integers; lay out bare photos."""
        work, count = self.plan.work, ["--count", self.plan.fit]
        folders = [("test", "test", []), ("train", "fit", count)]
        if not self.plan.steps:
            folders.append(("train,test", "int8", ["--count", INT8_PAIRS]))
        for split, folder, most in folders:
            made = work / folder / "meta.json"
            if not (made.exists() and json.loads(made.read_text()).get("complete")):
                words = ["dataset", "pairs", work / "crops", work / folder, "--split", split]
                self._mask2face(*words, *most, self._many())
        if self.plan.bare and "lfw" in self.plan.sources and not (work / "bare").exists():
            lay_out_bare(self.plan)

    def train(self) -> None:
        """Train what the recipes share once, then each model's own phases."""
        recipes = {name: self._recipe(name) for name in self.plan.models}
        shared = shared_part(list(recipes.values()))
        if shared and len(recipes) > 1:
            self._train_run(SHARED, shared)
        for name, recipe in recipes.items():
            if shared and len(recipes) > 1 and not self.plan.run(name).exists():
                begin_with(self.plan.run(SHARED), self.plan.run(name), recipe)
            self._train_run(name, recipe)

    def export(self) -> None:
        """Write each model as one file."""
        for name in self.plan.files:
            out = self.plan.draft(name)
            if not fresh(out, self._weights(name)):
                self._export(name, out, [])

    def evaluate(self) -> None:
        """Score each model on the test pairs, on real photos and on bare ones."""
        work, limit = self.plan.work, REHEARSAL["photos"]
        few = ["--limit", limit] if self.plan.steps else []
        for name in self.plan.files:
            model = self.plan.draft(name)
            end = ["--overwrite"]
            out = self.plan.report("report", name)
            if not fresh(out / "report.json", model, work / "test" / "meta.json"):
                fit = ["--train-pairs", work / "fit", "--identity"]
                self._mask2face("evaluate", model, work / "test", out, *fit, *end)
            photos = {"real": self.plan.real, "bare": work / "bare" if self.plan.bare else None}
            for kind, folder in photos.items():
                out = self.plan.report(kind, name)
                if folder and Path(folder).exists() and not fresh(out / "real.json", model):
                    self._mask2face("evaluate", model, folder, out, "--real", *few, *end)

    def card(self) -> None:
        """Write each model again, with what was measured of it in its card."""
        for name in self.plan.files:
            out = released(self.plan.weights, name)
            report = self.plan.report("report", name) / "report.json"
            real = self.plan.report("real", name) / "real.json"
            if not fresh(out, *([report, real] if real.exists() else [report])):
                out.parent.mkdir(parents=True, exist_ok=True)
                self._export(name, out, metrics(report, real))

    def page(self) -> None:
        """Write the page of the model card."""
        names = self.plan.files
        reports = [f"{name}={self.plan.report('report', name)}" for name in names]
        for kind in ("real", "bare"):
            folders = {name: self.plan.report(kind, name) for name in names}
            for name, folder in folders.items():
                if (folder / "real.json").exists():
                    reports += [f"--{kind}", f"{name}={folder}"]
        script = str(Path(__file__).with_name("model_card.py"))
        places = ["--models", str(self.plan.weights), "--out", str(self.plan.page)]
        self._call([sys.executable, script, *reports, *places])

    def _recipe(self, name: str) -> dict[str, Any]:
        from mask2face.recipe import shipped

        path = lookup("recipe", shipped(), name)
        recipe: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return rehearsed(recipe, self.plan.steps) if self.plan.steps else recipe

    def _train_run(self, name: str, recipe: dict[str, Any]) -> None:
        run = self.plan.run(name)
        if steps_of(run / "last.safetensors") >= sum(one["steps"] for one in recipe["phases"]):
            return
        path = self.plan.recipe(name)
        path.write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
        options = ["--recipe", path, "--device", self._device, self._many(), *self._train]
        self._mask2face("train", self.plan.work / "crops", run, *options)

    def _export(self, name: str, out: Path, options: Sequence[str]) -> None:
        model = name.removesuffix(TWIN)
        facts = {"name": model, "version": self.plan.version, "licence": self.plan.licence}
        facts |= {"data": self.plan.data, "training": self.plan.training[model]}
        words = [f"--{key}={value}" for key, value in facts.items()]
        if self.plan.steps:  # a rehearsal has too few faces to compare on
            target = "onnx-fp16"
        else:
            target = "onnx-int8-weights" if name == model else "onnx-int8"
            words.append(f"--pairs={self.plan.work / 'int8'}")
        twice = ["--self-ensemble"] if model in self.plan.self_ensemble else []
        end = [*words, *options, *twice, "--overwrite"]
        self._mask2face("export", self._weights(name), out, "--to", target, *end)

    def _weights(self, name: str) -> Path:
        from mask2face.run_folder import weights_of

        return weights_of(self.plan.run(name.removesuffix(TWIN)))

    def _many(self) -> str:
        return f"--workers={self._workers}"

    def _mask2face(self, *words: object) -> None:
        self._call(["mask2face", *map(str, words)])


def run_command(words: Sequence[str]) -> None:
    """Print and run a command; `mask2face` is that of this Python.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    shown = ["python" if word == sys.executable else word for word in words]
    print(f"$ {shlex.join(shown)}", flush=True)
    program = [sys.executable, "-m", "mask2face"] if words[0] == "mask2face" else [words[0]]
    begin = time.monotonic()
    subprocess.run([*program, *words[1:]], check=True)
    print(f"  {time.monotonic() - begin:.0f} s", flush=True)


def main() -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("configuration", type=Path)
    parser.add_argument("--work", type=Path, default=Path("release"), help="everything in between")
    parser.add_argument("--device", default="auto", help="of training: auto, cpu or cuda")
    parser.add_argument("--precision", default="auto", help="of training: auto, fp32 or bf16")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", metavar="STAGE", help="one stage, of those printed")
    parser.add_argument("--steps", type=int, default=0, help="rehearse with about so many")
    given = parser.parse_args()
    train = ["--precision", given.precision]
    try:
        plan = read(given.configuration, given.work, given.steps)
        given.work.mkdir(parents=True, exist_ok=True)
        release = Release(plan, train, given.device, given.workers)
        stages = release.stages
        if given.only:
            stages = {given.only: lookup("stage", stages, given.only)}
        for name, run in stages.items():
            print(f"== {name}", flush=True)
            run()
    except Mask2FaceError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except subprocess.CalledProcessError as error:
        print("stopped: put right what it says and run this again, it goes on", file=sys.stderr)
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
