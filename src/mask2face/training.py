"""One visible training loop: clean crops or a pair folder + recipe -> run folder.

A run folder holds `recipe.json`, `log.jsonl`, `tensorboard/`, `panels/`, `state.safetensors` (all
that a resumed run needs), `last.safetensors` and `best.safetensors` (averaged weights only).
"""

import json
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ConfigurationError, DataError, OutputError
from mask2face.feed import Batch, Feed, Source
from mask2face.objective import Objective
from mask2face.recipe import Recipe
from mask2face.recipe import read as read_recipe
from mask2face.runlog import RunLog
from mask2face.scoring import score
from mask2face.torch_devices import pick_bf16, pick_device, place, to_tensor

_CLIP = 1.0  # largest norm of the gradient


def train(
    source: Source,
    recipe: Recipe,
    run: str | Path,
    *,
    workers: int = 1,
    device: str = "auto",
    precision: str = "auto",
    start_from: str | Path | None = None,
    stop_after: float | None = None,
    quiet: bool = False,
) -> Path:
    """Train a net, or go on where the run in `run` stopped.

    Args:
        source: where pairs come from; `feed.DrawnPairs` or `feed.StoredPairs`.
        recipe: what to do; a run that exists must have been started with the same one.
        run: folder to write.
        workers: processes that draw pairs.
        device: "auto", "cpu" or "cuda".
        precision: "fp32", "bf16", or "auto": bf16 where the hardware multiplies it faster.
        start_from: weights of another run to begin with.
        stop_after: seconds after which to checkpoint and return, to be resumed later.
        quiet: no progress bar.

    Returns:
        Path of the averaged weights, `run/last.safetensors`.

    Raises:
        DataError: `run` belongs to another recipe, or the source has no training pairs.
        OutputError: `run` cannot be written.
        ConfigurationError: the net cannot take the side of a phase.
        ModelError: the state or `start_from` is broken or does not fit.
        DeviceError: the device is not available.
    """
    if source.count("train") < 1:
        raise DataError("the data has no training pairs: build it with a train split")
    trainer = Trainer(recipe, device=device, precision=precision)
    folder = _open(Path(run), recipe)
    if (folder / "state.safetensors").exists():
        trainer.restore(folder / "state.safetensors")
    elif start_from is not None:
        trainer.begin_with(start_from)
    feed = Feed(source, recipe, workers)
    log = RunLog(folder, recipe.steps, trainer.step, quiet=quiet)
    try:
        _run(trainer, feed, log, folder, stop_after)
    finally:
        feed.close()
        log.close()
    return folder / "last.safetensors"


def _run(
    trainer: "Trainer", feed: Feed, log: RunLog, folder: Path, stop_after: float | None
) -> None:
    """Run the loop itself."""
    began = time.monotonic()
    recipe = trainer.recipe
    while trainer.step < recipe.steps:
        phase, first = recipe.at(trainer.step)
        trainer.enter(phase)
        held_out = feed.validation(recipe.phases[phase].side)
        for batch in feed.batches(phase, first):
            losses = trainer.train_on(batch)
            log.step(trainer.step, losses)
            late = stop_after is not None and time.monotonic() - began > stop_after
            last = trainer.step == recipe.steps
            if trainer.step % recipe.validate_every == 0 or last or late:
                scores, panel = trainer.validate(held_out)
                log.validation(trainer.step, scores, panel)
                trainer.save(folder, scores.get("hole_psnr"))
            if late:
                return


class Trainer:
    """The nets, optimisers and averages of a run, and what one step does to them.

    Args:
        recipe: of the run.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "fp32" or "bf16".

    Raises:
        ModelError: the net refuses the recipe's options.
        ConfigurationError: the net cannot take the side of a phase.
        DeviceError: the device is not available.
    """

    def __init__(self, recipe: Recipe, device: str = "cpu", precision: str = "fp32") -> None:
        self.recipe = recipe
        self.device = pick_device(device)
        self.bf16 = pick_bf16(precision, self.device)
        torch.manual_seed(recipe.seed)
        self.about = Checkpoint(recipe.net, recipe.options, recipe=recipe.as_json())
        self.net = place(checkpoints.build(self.about), self.device)
        _check_sides(self.net, recipe)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), betas=(0.9, 0.99), weight_decay=recipe.weight_decay
        )
        self.objective = Objective(recipe).to(self.device)
        self.step = 0
        self.best: float | None = None  # at `_best_side`
        self._best_side = 0
        self.phase = -1

    def enter(self, phase: int) -> None:
        """Prepare for a phase of the recipe."""
        self.phase = phase
        self.objective.enter(self.recipe.phases[phase])

    def train_on(self, batch: Batch) -> dict[str, float]:
        """Take one optimiser step and return the weighted losses."""
        phase, within = self.recipe.at(self.step)
        rate = self.recipe.phases[phase].rate_at(within)
        self.optimizer.param_groups[0]["lr"] = rate
        self.net.train()
        inputs, target = (to_tensor(array, self.device) for array in (batch.inputs, batch.outputs))
        hole = torch.from_numpy(batch.holes).to(self.device)[:, None]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            prediction = self.net(inputs)
            parts = self.objective.net_losses(prediction, target, hole)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(parts.values())).sum())
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), _CLIP)
        self.optimizer.step()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            critic = self.objective.critic_step(rate / self.recipe.phases[phase].rate)
        self._update_average()
        self.step += 1
        losses = {name: float(value.detach()) for name, value in parts.items()}
        return losses | critic | {"gradient": float(norm), "rate": rate}

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged weights, batch statistics included, a step towards the net's."""
        # a young average follows closely, so that it does not remember the random start
        decay = min(self.recipe.ema, (1 + self.step) / (10 + self.step))
        ours, theirs = self.average.state_dict(), self.net.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [ours[name] for name in floats], [theirs[name] for name in floats], 1 - decay
        )

    def validate(self, batch: Batch) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """Score the averaged weights on frozen pairs, see `scoring.score`; also return a panel."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return score(self.average, batch, self.device)

    def save(self, folder: Path, score: float | None) -> None:
        """Write the run's state, the averaged weights, and these again if they are the best.

        Args:
            folder: of the run.
            score: of the averaged weights; without one the last weights count as the best.

        Raises:
            OutputError: a file cannot be written.
        """
        side = self.recipe.phases[self.phase].side
        if side != self._best_side:  # small crops score higher: no comparison
            self.best, self._best_side = None, side
        better = score is None or self.best is None or score > self.best
        self.best = score if better else self.best
        about = replace(self.about, side=side, step=self.step, best=self.best)
        averaged = self.average.state_dict()
        checkpoints.save(folder / "last.safetensors", about, averaged)
        if better:
            checkpoints.save(folder / "best.safetensors", about, averaged)
        named = {"net": self.net.state_dict(), "average": averaged}
        tensors = {
            f"{part}.{key}": value for part, state in named.items() for key, value in state.items()
        }
        tensors |= checkpoints.optimizer_tensors(self.optimizer, "optimizer")
        tensors |= self.objective.state()
        checkpoints.save(folder / "state.safetensors", about, tensors)

    def restore(self, path: Path) -> None:
        """Take over the state that `save` wrote.

        Raises:
            ModelError: it is broken, or of another net.
        """
        about, tensors = checkpoints.read(path)
        checkpoints.load_weights(self.net, checkpoints.part(tensors, "net"), str(path))
        checkpoints.load_weights(self.average, checkpoints.part(tensors, "average"), str(path))
        checkpoints.restore_optimizer(self.optimizer, tensors, "optimizer")
        self.step, self.best, self._best_side = about.step, about.best, about.side
        self.objective.restore(tensors)

    def begin_with(self, path: str | Path) -> None:
        """Start from the weights of another run.

        Raises:
            ModelError: they are broken, or of another net.
        """
        _, tensors = checkpoints.read(path)
        for net in (self.net, self.average):
            checkpoints.load_weights(net, tensors, str(path))


def _check_sides(net: nn.Module, recipe: Recipe) -> None:
    multiple = getattr(net, "multiple", 1)
    for phase in recipe.phases:
        if phase.side % multiple:
            raise ConfigurationError(
                f"'side' is {phase.side}: the net {recipe.net!r} with these options takes "
                f"multiples of {multiple}"
            )


def _open(folder: Path, recipe: Recipe) -> Path:
    """Make the run folder, or check that it is this recipe's."""
    path = folder / "recipe.json"
    wanted = json.dumps(recipe.as_json(), indent=1) + "\n"
    if path.exists():
        # as JSON, which knows no tuples
        if read_recipe(path).as_json() != json.loads(wanted):
            raise DataError(
                f"the run in {str(folder)!r} was started with another recipe: "
                "choose another folder, or pass that run's recipe.json"
            )
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(".recipe.json.part")
        part.write_text(wanted, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write the run folder {str(folder)!r}: {error}") from error
    return folder
