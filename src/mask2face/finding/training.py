"""Lessons -> run folder: the one loop that teaches the net; a stopped run goes on.

Started by `torchrun`, several processes take each step together.
"""

import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ModelError, UsageError
from mask2face.finding.backgrounds import Backgrounds
from mask2face.finding.feeding import Batch, Plan, batches, known_batches
from mask2face.finding.lessons import LessonFolder, writing
from mask2face.finding.losses import WEIGHTS, losses
from mask2face.finding.net import FaceFinder
from mask2face.finding.scenes import Scenes
from mask2face.processes import Processes, average_statistics, joined
from mask2face.runlog import RunLog
from mask2face.torch_devices import pick_device, place, to_tensor

NET: Final = "face_finder"
LAST: Final = "last.safetensors"
_DECAY: Final = 1e-4  # of the weights
_LONGEST: Final = 5.0  # norm of a gradient; longer ones are cut
_EVERY: Final = 250  # steps between two validations, which save the run


class _Run:
    """Net, averaged net and optimiser of a run, with their file."""

    def __init__(
        self, folder: Path, plan: Plan, device: torch.device, processes: Processes
    ) -> None:
        self.folder, self.plan, self.device, self.step = folder, plan, device, 0
        self.processes = processes
        torch.manual_seed(plan.seed)
        self.net = FaceFinder(plan.width)
        place(self.net, device)
        self.mean = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), plan.rate, weight_decay=_DECAY, betas=(0.9, 0.99)
        )
        if (folder / LAST).exists():
            self._resume()

    def _resume(self) -> None:
        about, tensors = checkpoints.read(folder_file := self.folder / LAST)
        if about.net != NET or about.options != {"width": self.plan.width}:
            raise ModelError(
                f"{folder_file} holds {about.net} with {about.options}, not {NET} with width "
                f"{self.plan.width}: give the run's own width, or another folder"
            )
        for prefix, net in (("net", self.net), ("ema", self.mean)):
            checkpoints.load_weights(net, checkpoints.part(tensors, prefix), str(folder_file))
        checkpoints.restore_optimizer(self.optimizer, tensors, "optimizer")
        self.step = about.step

    def save(self) -> Path:
        tensors = {
            **{f"net.{name}": value for name, value in self.net.state_dict().items()},
            **{f"ema.{name}": value for name, value in self.mean.state_dict().items()},
            **checkpoints.optimizer_tensors(self.optimizer, "optimizer"),
        }
        about = Checkpoint(NET, {"width": self.plan.width}, self.plan.side, self.step)
        path = self.folder / LAST
        checkpoints.save(path, about, tensors)
        return path

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the losses."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate_at(self.step)
        pictures, wanted = self._on_device(batch)
        terms = losses(self.net.train().logits(pictures), wanted)
        total = sum((WEIGHTS[name] * term for name, term in terms.items()), torch.zeros(()))
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        # a head that no face of the batch speaks to has zeros, never None
        self.processes.average([one.grad for one in self.net.parameters() if one.grad is not None])
        average_statistics(self.net, self.processes, 1.0)
        nn.utils.clip_grad_norm_(self.net.parameters(), _LONGEST)
        self.optimizer.step()
        self.step += 1
        self._average()
        values = {name: float(term.detach()) for name, term in terms.items()}
        return self.processes.average_numbers(values, self.device)

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.plan.ema, self.step / (self.step + 10))
        mean = self.mean.state_dict()
        for name, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                mean[name].lerp_(value, 1 - decay)
            else:
                mean[name].copy_(value)

    @torch.no_grad()
    def check(self, known: list[Batch]) -> dict[str, float]:
        """Return the averaged net's losses on scenes that it does not learn from."""
        sums = dict.fromkeys(WEIGHTS, 0.0)
        for batch in known:
            pictures, wanted = self._on_device(batch)
            for name, term in losses(self.mean.logits(pictures), wanted).items():
                sums[name] += float(term) / len(known)
        return sums

    def _on_device(self, batch: Batch) -> Batch:
        pictures, wanted = batch
        floats = to_tensor(pictures.numpy(), self.device) * 255
        return floats, {name: value.to(self.device) for name, value in wanted.items()}


def train(
    lessons: str | Path,
    run: str | Path,
    plan: Plan,
    *,
    backgrounds: str | Path | None = None,
    device: str = "auto",
    workers: int = 1,
    stop_after: float = math.inf,
    quiet: bool = False,
) -> Path:
    """Teach the net; a run folder that exists goes on where it was saved last.

    Args:
        lessons: a lesson folder.
        run: the run folder.
        plan: how.
        backgrounds: a folder of photos without any face.
        device: "auto", "cpu" or "cuda".
        workers: processes that make scenes; 0 makes them in this one.
        stop_after: seconds after which the run is saved and ends.
        quiet: no progress bar.

    Returns:
        The checkpoint, `last.safetensors`.

    Raises:
        DataError: the lessons or the backgrounds are missing or broken.
        ModelError: the run's checkpoint is broken or of another net.
        OutputError: the run folder cannot be written.
        UsageError: `plan.batch` cannot be shared among the processes.
    """
    chosen = pick_device(device)
    with joined(chosen) as processes:
        if plan.batch % processes.count:
            raise UsageError(
                f"batch is {plan.batch} for {processes.count} processes: give a multiple of these"
            )
        folder = LessonFolder(lessons)
        ground = Backgrounds(folder, backgrounds)
        known = known_batches(Scenes(folder, "validation", ground, plan.side), plan)
        with writing(Path(run)):
            Path(run).mkdir(parents=True, exist_ok=True)
            state = _Run(Path(run), plan, chosen, processes)
        scenes = Scenes(folder, "train", ground, plan.side)
        feed = batches(scenes, plan, state.step, workers, processes)
        _learn(state, feed, known, stop_after, quiet or not processes.main)
    return state.folder / LAST


def _learn(
    state: _Run, feed: Iterator[Batch], known: list[Batch], stop_after: float, quiet: bool
) -> None:
    """Take the steps of `feed`; the main process logs, validates and saves."""
    main, steps = state.processes.main, state.plan.steps
    with writing(state.folder):
        log = RunLog(state.folder, steps, state.step, quiet=quiet) if main else None
    begin = time.monotonic()
    try:
        for batch in feed:
            terms = state.learn(batch)
            late = state.processes.from_main(lambda: time.monotonic() - begin > stop_after)
            if log is not None:
                with writing(state.folder):
                    log.step(state.step, terms)
                    if late or state.step % _EVERY == 0 or state.step == steps:
                        log.validation(state.step, state.check(known), None)
                        state.save()
            if late:
                break
    finally:
        if log is not None:
            with writing(state.folder):
                log.close()
