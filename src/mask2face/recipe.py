"""What a training run does, phase by phase: a JSON file -> `Recipe`, validated."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from mask2face.errors import ConfigurationError
from mask2face.ranges import require, require_number, require_weights, require_whole
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
        losses: loss name -> weight, of `losses.LOSSES` and `HOLE_LOSSES`; and of `NET_TERMS`, which
            some nets compute themselves.
        adversarial: weight of the critic's verdict; 0 trains without a critic.
        critic_rate: the critic's learning rate.
        options: the net's constructor arguments from this phase on, which give it more residual
            blocks; None keeps those of the phase before.
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
    options: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        for name in ("side", "steps", "batch"):
            require_whole(self, name, 1)
        for name in ("rate", "critic_rate"):
            require_number(self, name)
            require(getattr(self, name) > 0, name, getattr(self, name), "a number above 0")
        if self.rate_end is not None:
            require_number(self, "rate_end")
        require_number(self, "adversarial")
        require_whole(self, "warmup", 0)
        require(self.warmup <= self.steps, "warmup", self.warmup, f"0 to {self.steps}")
        require_weights(self, "losses")
        fits = self.options is None or isinstance(self.options, Mapping)
        require(fits, "options", self.options, "an object")

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
        options: the net's constructor arguments; a phase may give others.
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
        critic: key of `losses.adversarial.CRITICS`, for the phases with `adversarial` above 0.
        r1: weight of the R1 penalty on the critic "patch"; 0 trains without.
        kl_warmup: steps over which the weight of the loss "kl" rises from 0.
        patience: validations in a row without a better score after which the run stops; 0 never.
        accumulate: micro-batches that a step's batch is split into, to use less memory.
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
    critic: str = "projected"
    r1: float = 0.0
    kl_warmup: int = 0
    patience: int = 0
    accumulate: int = 1

    def __post_init__(self) -> None:
        """Check ranges.

        Raises:
            ConfigurationError: a value is not accepted.
        """
        require(len(self.phases) > 0, "phases", self.phases, "one or more")
        require(isinstance(self.net, str), "net", self.net, "the name of a net")
        require(isinstance(self.options, Mapping), "options", self.options, "an object")
        require(isinstance(self.critic, str), "critic", self.critic, "the name of a critic")
        for name in ("ema", "weight_decay", "wobble", "r1"):
            require_number(self, name)
        require(self.ema < 1, "ema", self.ema, "0 to below 1")
        require(self.wobble <= 0.2, "wobble", self.wobble, "0 to 0.2")
        for name in ("echo", "chunk", "validate_every", "validation", "accumulate"):
            require_whole(self, name, 1)
        for name in ("seed", "kl_warmup", "patience"):
            require_whole(self, name, 0)
        require_weights(self, "facemasks")
        shares = self.facemasks.values()
        require(
            not shares or sum(shares) > 0, "facemasks", self.facemasks, "a share above 0 or none"
        )
        pixels = "0, or choose the critic 'patch', which looks at pixels"
        require(self.critic == "patch" or not self.r1, "r1", self.r1, pixels)
        critical = any(phase.adversarial for phase in self.phases)
        never = "0: a critic makes faces sharper and lowers the score that would stop the run"
        require(not (critical and self.patience), "patience", self.patience, never)
        least = min(phase.batch for phase in self.phases)
        parts = f"at most the smallest batch, {least}"
        require(self.accumulate <= least, "accumulate", self.accumulate, parts)

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

    def options_in(self, phase: int) -> dict[str, Any]:
        """Return the net's constructor arguments in the phase of this index."""
        given = [one.options for one in self.phases[: phase + 1] if one.options is not None]
        return given[-1] if given else self.options

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
        UnknownNameError: a net, loss, critic or face-mask style is not.
        ConfigurationError: a phase has no loss, or none that compares with the photo.
    """
    from mask2face.facemasks import FACEMASKS
    from mask2face.losses import NET_TERMS, weighted
    from mask2face.losses.adversarial import CRITICS
    from mask2face.nets import NETS

    lookup("net", NETS, recipe.net)
    lookup("critic", CRITICS, recipe.critic)
    for style in recipe.facemasks:
        lookup("face-mask style", FACEMASKS, style)
    for phase in recipe.phases:
        weighted(phase.losses)
        compares = any(name not in NET_TERMS for name in phase.losses)
        require(compares, "losses", phase.losses, "one that compares with the photo, too")


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
