"""What a release is made of: its configuration, recipes, runs and what is done already."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twins import TWIN

from mask2face.crops import CropCache
from mask2face.errors import ConfigurationError

INT8_PAIRS = 300  # of each split; enough for the 200 faces in face masks that exports ask for
GIVEN, OWN = "model, true hole", "model, its own hole"  # methods of a report
REHEARSAL = {"limit": 160, "test": 24, "fit": 40, "bare": 8, "photos": 8, "side": 64, "batch": 4}


@dataclass(frozen=True)
class Plan:
    """What to release, and where.

    Attributes:
        sources: kind of data set -> folder.
        real: folder of real photos of face masks; None leaves their report out.
        bare: photos of bare faces to look at, of the test people of LFW; 0 leaves them out.
        crops: options of `dataset build`.
        fit: train pairs that the baselines learn from.
        models: names of shipped recipes, and of what comes of them.
        self_ensemble: those of them that average over the mirrored crop.
        int8: those of them that run as integers on a CPU; not in a rehearsal, which has few faces.
        version: of the weights.
        licence: of the weights.
        data: what they learned from, in words.
        training: how each of them did, in words.
        weights: folder of the models that are released.
        page: the model card's page.
        steps: of a rehearsal; 0 is the release itself.
        work: folder of everything in between.
    """

    sources: dict[str, str]
    real: str | None
    bare: int
    crops: dict[str, float]
    fit: int
    models: list[str]
    self_ensemble: list[str]
    int8: list[str]
    version: str
    licence: str
    data: str
    training: dict[str, str]
    weights: Path
    page: Path
    steps: int = 0
    work: Path = Path("release")

    @property
    def files(self) -> list[str]:
        """Names of all models that are files: those that are trained, and their integer twins."""
        return [*self.models, *(f"{name}{TWIN}" for name in self.int8)]

    def recipe(self, name: str) -> Path:
        """Return the path of a model's recipe file, or of the shared part of all recipes."""
        return self.work / f"recipe-{name}.json"

    def run(self, name: str) -> Path:
        """Return a model's run folder."""
        return self.work / f"run-{name}"

    def draft(self, name: str) -> Path:
        """Return the exported model whose card has no figures yet."""
        return self.work / f"{name}.onnx"

    def report(self, kind: str, name: str) -> Path:
        """Return the folder of a report: kind "report", "real" or "bare"."""
        return self.work / f"{kind}-{name}"


def read(path: Path, work: Path, steps: int) -> Plan:
    """Read the configuration; a rehearsal releases into the work folder.

    Raises:
        ConfigurationError: it is missing, broken, or has another key.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts |= {key: Path(facts[key]) for key in ("weights", "page")}
        plan = Plan(**facts, work=work, steps=steps)
        check_names(plan)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"{str(path)!r} is no configuration of a release: {error}"
        ) from error
    if not steps:
        return plan
    few = REHEARSAL
    return replace(
        plan,
        bare=min(plan.bare, few["bare"]),
        fit=few["fit"],
        int8=[],
        crops=plan.crops | {"test": few["test"], "limit": few["limit"]},
        weights=work / "weights",
        page=work / "model-card.md",
    )


def check_names(plan: Plan) -> None:
    """Check that what is said of models is said of those that are made, and of each of them.

    Raises:
        ValueError: a name is of no model, or a model's training is not told.
    """
    for key in ("self_ensemble", "int8", "training"):
        unknown = set(getattr(plan, key)) - set(plan.models)
        if unknown:
            raise ValueError(f"{key!r} names {sorted(unknown)}, which 'models' does not")
    untold = set(plan.models) - set(plan.training)
    if untold:
        raise ValueError(f"'training' does not say how {sorted(untold)} was trained")


def shared_part(recipes: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the recipe of the phases with which all `recipes` begin; None where there are none.

    The seed of a pair depends on the number of its phase and its step only: who trains these phases
    once and goes on with either recipe gets the same weights as who trains each recipe whole.
    """
    first = recipes[0]
    if any({**one, "phases": 0} != {**first, "phases": 0} for one in recipes):
        return None
    phases = []
    for together in zip(*(one["phases"] for one in recipes), strict=False):
        if any(phase != together[0] for phase in together):
            break
        phases.append(together[0])
    return {**first, "phases": phases} if phases else None


def begin_with(done: Path, run: Path, recipe: dict[str, Any]) -> None:
    """Make the run folder `run` go on with `recipe` where the run `done` ended."""
    part = run.with_name(f".{run.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(done, part)
    (part / "recipe.json").write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")
    part.rename(run)


def rehearsed(recipe: dict[str, Any], steps: int) -> dict[str, Any]:
    """Return a recipe with the same kinds of phases in `steps` small steps, and a few more."""
    side, batch = REHEARSAL["side"], REHEARSAL["batch"]
    each = max(1, steps // len(recipe["phases"]))
    small = {"side": side, "batch": batch, "steps": each, "warmup": 0}
    phases = [phase | small for phase in recipe["phases"]]
    few = {"chunk": 64, "validation": 8, "validate_every": max(1, steps // 2)}
    return recipe | few | {"phases": phases}


def steps_of(checkpoint: Path) -> int:
    """Return the steps that a checkpoint took, 0 where there is none."""
    if not checkpoint.exists():
        return 0
    with checkpoint.open("rb") as file:  # safetensors: the header's length, then it, in JSON
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return int(json.loads(header["__metadata__"]["checkpoint"])["step"])


def fresh(made: Path, *sources: Path) -> bool:
    """Say whether `made` is there and not older than what it is made from."""
    if not made.exists():
        return False
    return all(made.stat().st_mtime >= source.stat().st_mtime for source in sources)


def metrics(report: Path, real: Path) -> list[str]:
    """Return options of `export` with what was measured of a model.

    Args:
        report: `report.json` of `evaluate`.
        real: `real.json` of `evaluate --real`; it may be missing.
    """
    facts = json.loads(report.read_text(encoding="utf-8"))
    given, own = facts["methods"][GIVEN], facts["methods"][OWN]
    estimates = {
        "hole_psnr": given["hole_psnr"],
        "hole_ssim": given["hole_ssim"],
        "hole_psnr_own_hole": own["hole_psnr"],
        "hole_iou": facts["hole_iou"],
        "psnr_over_ridge_pca": facts.get("margin_over_ridge_pca"),
        "descriptor_distance": own.get("identity_distance"),
    }
    found = {"test_pairs": facts["masked_pairs"], "test_people": facts["people"]}
    for name, estimate in estimates.items():
        if estimate is not None:
            found |= {name: estimate["mean"], f"{name}_low": estimate["low"]}
            found[f"{name}_high"] = estimate["high"]
    if real.exists():
        found["real_face_found_after"] = json.loads(real.read_text(encoding="utf-8"))["face_after"]
    return [f"--metric={name}={round(value, 4)}" for name, value in found.items()]


def lay_out_bare(plan: Plan) -> None:
    """Copy the first photos of LFW's test people into a folder: nobody in them is masked."""
    rows = CropCache.open(plan.work / "crops").rows
    names = [row["photo"] for row in rows if (row["dataset"], row["split"]) == ("lfw", "test")]
    part = plan.work / ".bare.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for name in names[: plan.bare]:
        shutil.copy(Path(plan.sources["lfw"]) / name, part / Path(name).name)
    part.rename(plan.work / "bare")
