"""One visible training loop: clean crops or a pair folder + recipe -> run folder.

A run folder holds `recipe.json`, `log.jsonl`, `tensorboard/`, `panels/`, `state.safetensors` (all
that a resumed run needs), `last.safetensors` and `best.safetensors` (averaged weights only).
"""

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import DataError
from mask2face.feed import Batch, Feed, Source
from mask2face.objective import Objective
from mask2face.recipe import Recipe, parse
from mask2face.runlog import RunLog

_CLIP = 1.0  # largest norm of the gradient
_PANEL = 8  # triples in a picture panel


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
        ModelError: the state or `start_from` is broken or does not fit.
        DeviceError: the device is not available.
    """
    if source.count("train") < 1:
        raise DataError("the data has no training pairs: build it with a train split")
    folder = _open(Path(run), recipe)
    trainer = Trainer(recipe, device=device, precision=precision)
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
                trainer.save(folder, scores["hole_psnr"])
            if late:
                return


class Trainer:
    """The nets, optimisers and averages of a run, and what one step does to them.

    Args:
        recipe: of the run.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "fp32" or "bf16".
    """

    def __init__(self, recipe: Recipe, device: str = "cpu", precision: str = "fp32") -> None:
        self.recipe = recipe
        self.device = pick_device(device)
        self.bf16 = pick_bf16(precision, self.device)
        torch.manual_seed(recipe.seed)
        self.about = Checkpoint(recipe.net, recipe.options, recipe=recipe.as_json())
        self.net = _placed(checkpoints.build(self.about), self.device)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), betas=(0.9, 0.99), weight_decay=recipe.weight_decay
        )
        self.objective = Objective(recipe).to(self.device)
        self.step = 0
        self.best: float | None = None
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
        inputs, target, hole = self._tensors(batch)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            prediction = self.net(inputs)
            parts = self.objective.net_losses(prediction, target, hole)
        self.optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
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

    @torch.no_grad()
    def validate(self, batch: Batch) -> tuple[dict[str, float], NDArray[np.uint8]]:
        """Score the averaged weights on frozen pairs; also return a panel of triples."""
        error, covered, shared, union = 0.0, 0.0, 0.0, 0.0
        decibels, pictures = [], []
        for begin in range(0, len(batch.inputs), 32):
            part = Batch(*(array[begin : begin + 32] for array in vars(batch).values()))
            inputs, target, hole = self._tensors(part)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                prediction = self.average(inputs)
            inside = (hole > 0.5).float()
            squared = ((prediction[:, :3] - target) ** 2 * inside).sum((1, 2, 3))
            pixels = inside.sum((1, 2, 3))
            mean = squared[pixels > 0] / (3 * pixels[pixels > 0])
            decibels += (-10 * torch.log10(mean + 1e-8)).tolist()
            error += float(((prediction[:, :3] - target).abs() * inside).sum()) / 3
            covered += float(pixels.sum())
            found = (prediction[:, 3:] > 0.5).float()
            shared += float((found * inside).sum())
            union += float(torch.maximum(found, inside).sum())
            if begin == 0:
                pictures = [inputs, target, prediction[:, :3], _composite(inputs, prediction)]
        scores = {
            "hole_psnr": float(np.mean(decibels)) if decibels else 0.0,
            "hole_l1": error / max(covered, 1),
            "hole_iou": shared / max(union, 1),
        }
        return scores, _panel(pictures)

    def save(self, folder: Path, score: float) -> None:
        """Write the run's state, the averaged weights, and these again if they are the best."""
        better = self.best is None or score > self.best
        self.best = score if better else self.best
        side = self.recipe.phases[self.phase].side
        about = replace(self.about, side=side, step=self.step, best=self.best)
        averaged = self.average.state_dict()
        checkpoints.save(folder / "last.safetensors", about, averaged)
        if better:
            checkpoints.save(folder / "best.safetensors", about, averaged)
        named = {"net": self.net.state_dict(), "average": averaged}
        tensors = {f"{part}.{key}": value for part, state in named.items() for key, value in state.items()}
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
        self.step, self.best = about.step, about.best
        self.objective.restore(tensors)

    def begin_with(self, path: str | Path) -> None:
        """Start from the weights of another run.

        Raises:
            ModelError: they are broken, or of another net.
        """
        _, tensors = checkpoints.read(path)
        for net in (self.net, self.average):
            checkpoints.load_weights(net, tensors, str(path))

    def _tensors(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        def picture(array: NDArray[Any]) -> Tensor:
            # NHWC memory seen as NCHW is what channels_last means: no copy is needed
            return torch.from_numpy(array).to(self.device).permute(0, 3, 1, 2).float() / 255

        hole = torch.from_numpy(batch.holes).to(self.device)[:, None]
        return picture(batch.inputs), picture(batch.outputs), hole


def pick_device(device: str) -> torch.device:
    """Return the torch device for "auto", "cpu" or "cuda".

    Raises:
        UnknownNameError: another name.
        DeviceError: CUDA was asked for and torch has none.
    """
    from mask2face.errors import DeviceError
    from mask2face.registry import lookup

    table: Mapping[str, Callable[[], str]] = {
        "auto": lambda: "cuda" if torch.cuda.is_available() else "cpu",
        "cpu": lambda: "cpu",
        "cuda": lambda: "cuda",
    }
    name = lookup("device", table, device)()
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "device 'cuda' is not available in this torch: install a CUDA build of torch, "
            "or use --device cpu"
        )
    return torch.device(name)


def pick_bf16(precision: str, device: torch.device) -> bool:
    """Return whether to multiply in bfloat16.

    Raises:
        UnknownNameError: not "auto", "fp32" or "bf16".
    """
    from mask2face.registry import lookup

    fast = device.type == "cuda" or torch.backends.mkldnn.is_available() and _cpu_has_bf16()
    return lookup("precision", {"auto": fast, "fp32": False, "bf16": True}, precision)


def _cpu_has_bf16() -> bool:
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(check and check())


def _placed(net: nn.Module, device: torch.device) -> nn.Module:
    return net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]


def _open(folder: Path, recipe: Recipe) -> Path:
    """Make the run folder, or check that it is this recipe's."""
    path = folder / "recipe.json"
    if path.exists():
        if parse(json.loads(path.read_text(encoding="utf-8"))) != recipe:
            raise DataError(
                f"the run in {str(folder)!r} was started with another recipe: "
                "choose another folder, or pass that run's recipe.json"
            )
    else:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(recipe.as_json(), indent=1) + "\n", encoding="utf-8")
    return folder


def _composite(inputs: Tensor, prediction: Tensor) -> Tensor:
    return inputs + prediction[:, 3:] * (prediction[:, :3] - inputs)


def _panel(pictures: list[Tensor]) -> NDArray[np.uint8]:
    """Return rows of input, expected, output, composite, uint8 (H, W, 3), at least 96 px each."""
    rows = [torch.cat(list(column[:_PANEL]), 2) for column in pictures]
    image = (torch.cat(rows, 1).permute(1, 2, 0).clamp(0, 1) * 255).round()
    array = image.to("cpu", torch.uint8).numpy()
    zoom = max(1, 96 * len(rows) // array.shape[0])
    return np.ascontiguousarray(cv2.resize(array, None, fx=zoom, fy=zoom))
