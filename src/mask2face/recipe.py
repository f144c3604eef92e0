"""What a training run does, phase by phase: a JSON file -> `Recipe`, validated."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from mask2face.errors import ConfigurationError
from mask2face.registry import lookup

T = TypeVar("T")


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one crop side and one objective.

    Attributes:
        side: crop side in pixels.
        steps: optimiser steps.
        batch: pairs a step.
        rate: learning rate after `warmup` steps.
        rate_end: learning rate at the phase's end, reached along half a cosine.
        warmup: steps over which the rate rises from zero.
        losses: loss name -> weight, of `losses.LOSSES` and `HOLE_LOSSES`.
        adversarial: weight of the critic's verdict; 0 trains without a critic.
        critic_rate: the critic's learning rate.
    """

    side: int
    steps: int
    batch: int
    rate: float
    losses: dict[str, float]
    rate_end: float | None = None
    warmup: int = 0
    adversarial: float = 0.0
    critic_rate: float = 4e-4

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        for name in ("side", "steps", "batch"):
            _whole(self, name, 1)
        for name in ("rate", "critic_rate"):
            _number(self, name)
            _require(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        if self.rate_end is not None:
            _number(self, "rate_end")
        _number(self, "adversarial")
        _whole(self, "warmup", 0)
        _require(self.warmup <= self.steps, "warmup", self.warmup, f"0 to {self.steps}")
        _weights(self, "losses")

    def rate_at(self, step: int) -> float:
        """Return the learning rate at `step` of this phase, 0 the first.

        >>> phase = Phase(64, 100, 8, 1e-3, {"mae": 1.0}, rate_end=0.0, warmup=10)
        >>> phase.rate_at(0), phase.rate_at(9), round(phase.rate_at(55), 6)
        (0.0001, 0.001, 0.0005)
        """
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        end = self.rate if self.rate_end is None else self.rate_end
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return end + (self.rate - end) * (1 + math.cos(math.pi * share)) / 2


@dataclass(frozen=True)
class Recipe:
    """A whole training run.

    Attributes:
        phases: run one after the other on the same weights.
        net: key of `nets.NETS`.
        options: the net's constructor arguments.
        seed: of initial weights, order of the crops and drawn face masks.
        ema: decay a step of the averaged weights, which are what is validated and shipped.
        weight_decay: of AdamW.
        echo: times a drawn pair is used, mirrored every other time (data echoing, Choi et al.
            2019, arXiv:1907.05550): drawing costs as much CPU time as a small net.
        chunk: pairs drawn at once.
        wobble: standard deviation of the eye points, in eye distances.
        facemasks: style -> weight; empty takes the generator's own.
        validate_every: steps between validations, panels and checkpoints.
        validation: pairs in a validation, at most.
    """

    phases: tuple[Phase, ...]
    net: str = "face_filler"
    options: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    ema: float = 0.999
    weight_decay: float = 0.01
    echo: int = 2
    chunk: int = 2048
    wobble: float = 0.05
    facemasks: dict[str, float] = field(default_factory=dict)
    validate_every: int = 500
    validation: int = 256

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        _require(len(self.phases) > 0, "phases", self.phases, "one or more")
        _require(isinstance(self.net, str), "net", self.net, "the name of a net")
        _require(isinstance(self.options, Mapping), "options", self.options, "an object")
        for name in ("ema", "weight_decay", "wobble"):
            _number(self, name)
        _require(self.ema < 1, "ema", self.ema, "0 to below 1")
        _require(self.wobble <= 0.2, "wobble", self.wobble, "0 to 0.2")
        for name in ("echo", "chunk", "validate_every", "validation"):
            _whole(self, name, 1)
        _whole(self, "seed", 0)
        _weights(self, "facemasks")
        shares = self.facemasks.values()
        _require(
            not shares or sum(shares) > 0, "facemasks", self.facemasks, "a share above 0 or none"
        )

    @property
    def steps(self) -> int:
        """Optimiser steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def at(self, step: int) -> tuple[int, int]:
        """Return the phase's index and the step within it for a global `step`."""
        for index, phase in enumerate(self.phases):
            if step < phase.steps:
                return index, step
            step -= phase.steps
        raise ValueError(f"the recipe ends {step} steps before that")

    def as_json(self) -> dict[str, Any]:
        """Return what a recipe file holds."""
        facts = asdict(self)
        return facts | {"phases": list(facts["phases"])}


def parse(facts: Mapping[str, Any]) -> Recipe:
    """Build a recipe from what its JSON file holds.

    Raises:
        ConfigurationError: an unknown key, a missing one, or a value that is not accepted.
    """
    phases = facts.get("phases")
    if not isinstance(phases, list):
        raise ConfigurationError("the recipe needs 'phases': a list of {side, steps, batch, ...}")
    ready = tuple(_make(Phase, phase, "phase") for phase in phases)
    recipe = _make(Recipe, {**facts, "phases": ready}, "recipe")
    check_names(recipe)
    return recipe


def check_names(recipe: Recipe) -> None:
    """Check that every name in `recipe` is registered.

    Raises:
        UnknownNameError: a net, loss or face-mask style is not.
    """
    from mask2face.facemasks import FACEMASKS
    from mask2face.losses import weighted
    from mask2face.nets import NETS

    lookup("net", NETS, recipe.net)
    for style in recipe.facemasks:
        lookup("face-mask style", FACEMASKS, style)
    for phase in recipe.phases:
        weighted(phase.losses)


def shipped() -> dict[str, Path]:
    """Return the recipes inside the package: name to path."""
    folder = Path(__file__).parent / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def read(path: str | Path) -> Recipe:
    """Read a recipe file.

    Args:
        path: of the file, or the name of a shipped recipe, as "natural".

    Raises:
        ConfigurationError: the file is missing, is not JSON, or is no recipe.
    """
    path = shipped().get(str(path), Path(path))
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        names = ", ".join(shipped())
        raise ConfigurationError(
            f"no recipe at {str(path)!r}: give a file, or the name of a shipped one ({names})"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the recipe {str(path)!r} is not JSON: {error}") from error
    if not isinstance(facts, dict):
        raise ConfigurationError(f"the recipe {str(path)!r} must be a JSON object")
    return parse(facts)


def _make(kind: type[T], facts: Any, name: str) -> T:  # noqa: ANN401
    if not isinstance(facts, Mapping):
        raise ConfigurationError(f"a {name} must be a JSON object, got {facts!r}")
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    for key in facts:
        lookup(f"{name} key", known, key)
    try:
        return kind(**facts)
    except TypeError as error:
        raise ConfigurationError(f"the {name} {dict(facts)} is incomplete: {error}") from error


def _require(holds: bool, name: str, value: object, accepted: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name!r} is {value!r}: give {accepted}")


def _whole(owner: object, name: str, least: int) -> None:
    value = getattr(owner, name)
    holds = isinstance(value, int) and not isinstance(value, bool) and value >= least
    _require(holds, name, value, f"a whole number, {least} or more")


def _number(owner: object, name: str) -> None:
    _require(_amount(getattr(owner, name)), name, getattr(owner, name), "a number, 0 or more")


def _weights(owner: object, name: str) -> None:
    value = getattr(owner, name)
    _require(isinstance(value, Mapping), name, value, "an object of names and weights")
    for key, weight in value.items():
        _require(_amount(weight), f"{name}.{key}", weight, "a number, 0 or more")


def _amount(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
