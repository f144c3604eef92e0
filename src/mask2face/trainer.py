"""What a step of training does to net, critic and averages, and how they are saved and restored."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face import compiling
from mask2face.checkpoint import Checkpoint
from mask2face.errors import DataError
from mask2face.feed import Batch
from mask2face.growing import load_grown, load_started, same_options
from mask2face.nets.extras import Learning, learning
from mask2face.objective import Objective
from mask2face.processes import Processes, average_statistics, synchronised
from mask2face.recipe import Recipe
from mask2face.scoring import score
from mask2face.torch_devices import check_compiler, pick_bf16, pick_device, place, to_tensor

_CLIP: Final = 1.0  # largest norm of the gradient
_WAITED: Final = "stopping.waited"  # in the state: validations since the best one
_ALONE: Final = Processes()


class Trainer:
    """The nets, optimisers and averages of a run, and what one step does to them.

    The random numbers of a step (of a net's `learn`) depend on the seed, the step and the process
    only, so that a run that goes on at a step draws what it would have drawn.

    With micro-batches or several processes, gradients are averaged by the number of crops: for
    losses that average over the crops they are those of the whole batch. Departures: losses that
    pool all hole pixels of a batch (as `hole_l1`) pool those of a micro-batch, and batch
    normalisation sees a micro-batch (on CUDA, that of all processes).

    Args:
        recipe: of the run.
        device: "auto", "cpu" or "cuda".
        precision: "auto", "fp32" or "bf16".
        processes: that train the same net together.
        compile_net: let torch compile the net's forward (and `learn`).

    Raises:
        ModelError: the net refuses the recipe's options.
        DeviceError: the device is not available, or there is no compiler for it.
    """

    def __init__(
        self,
        recipe: Recipe,
        device: str = "cpu",
        precision: str = "fp32",
        *,
        processes: Processes = _ALONE,
        compile_net: bool = False,
    ) -> None:
        self.recipe, self.processes = recipe, processes
        self.device = pick_device(device)
        self.bf16 = pick_bf16(precision, self.device)
        self._compile = compile_net
        if compile_net:
            check_compiler(self.device)
        self.about = Checkpoint(recipe.net, recipe=recipe.as_json())
        self._build(recipe.options)
        self.objective = Objective(recipe).to(self.device)
        self.step = 0
        self.best: float | None = None  # at `_best_side`
        self.waited = 0  # validations since the best one
        self._best_side = 0
        self.phase = -1

    def _build(self, options: dict[str, Any]) -> None:
        """Make net, average and optimiser, fresh."""
        torch.manual_seed(self.recipe.seed)
        self.about = replace(self.about, options=options)
        net = place(checkpoints.build(self.about), self.device)
        self.net = synchronised(net, self.device, self.processes)
        self.average = deepcopy(self.net).eval().requires_grad_(False)
        self._predict = learning(self.net, self._compile)
        self._compared = not self._compile
        self.optimizer = torch.optim.AdamW(
            self.net.parameters(), betas=(0.9, 0.99), weight_decay=self.recipe.weight_decay
        )

    @property
    def stopped(self) -> bool:
        """Whether the validation score has not improved for as long as the recipe waits."""
        return 0 < self.recipe.patience <= self.waited

    @property
    def finished(self) -> bool:
        """Whether there is no step left to take."""
        return self.stopped or self.step >= self.recipe.steps

    def enter(self, phase: int) -> None:
        """Prepare for a phase of the recipe; its net may have blocks that it had not before."""
        sides = {self.recipe.phases[one].side for one in (self.phase, phase)}
        if len(sides) > 1:  # torch compiles again
            self._compared = not self._compile
        self.phase = phase
        options = self.recipe.options_in(phase)
        if not same_options(options, self.about.options):
            before = self.net.state_dict(), self.average.state_dict()
            self._build(options)
            for net, tensors in zip((self.net, self.average), before, strict=True):
                load_grown(net, tensors, "the phase before")
        self.objective.enter(self.recipe.phases[phase])

    def train_on(self, batch: Batch) -> dict[str, float]:
        """Take one optimiser step and return the weighted losses.

        Args:
            batch: this process's share of the step's pairs.

        Raises:
            DeviceError: what torch compiled is not the net.
        """
        self._compare(batch)
        phase, within = self.recipe.at(self.step)
        now = self.recipe.phases[phase]
        rate = now.rate_at(within)
        self.optimizer.param_groups[0]["lr"] = rate
        self.net.train()
        dice = np.random.SeedSequence((self.recipe.seed, self.step, self.processes.rank))
        torch.manual_seed(int(dice.generate_state(1, np.uint64)[0]))
        self.optimizer.zero_grad(set_to_none=True)
        losses: dict[str, float] = {}
        for part, share in batch.parts(self.recipe.accumulate):
            for name, value in self._backward(part, share).items():
                losses[name] = losses.get(name, 0.0) + value
        for parameters in (self.net.parameters(), self.objective.critic_parameters()):
            gradients = [value.grad for value in parameters if value.grad is not None]
            self.processes.average(gradients, len(batch))
        norm = nn.utils.clip_grad_norm_(self.net.parameters(), _CLIP)
        self.optimizer.step()
        losses |= self.objective.critic_step(rate / now.rate)
        average_statistics(self.net, self.processes, len(batch))
        self._update_average()
        self.step += 1
        losses = self.processes.average_numbers(losses, self.device, len(batch))
        return losses | {"gradient": float(norm), "rate": rate}

    def _backward(self, part: Batch, share: float) -> dict[str, float]:
        """Add the gradients of a micro-batch, a `share` of the batch; return its share of losses.

        The critic's are added too; it judges before the net moves.
        """
        parts = self._losses(self._predict, part)
        torch.autograd.backward(share * torch.stack(list(parts.values())).sum())
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            self.objective.critic_backward(share)
        return {name: share * float(value.detach()) for name, value in parts.items()}

    def _losses(self, predict: Learning, part: Batch) -> dict[str, Tensor]:
        inputs, target = (to_tensor(array, self.device) for array in (part.inputs, part.outputs))
        hole = torch.from_numpy(part.holes).to(self.device)[:, None]
        extra = None
        if part.extras is not None:
            extra = torch.from_numpy(part.extras[:, 0]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            prediction, terms = predict(inputs, target, hole, extra)
            return self.objective.net_losses(prediction, target, hole, terms, self.step)

    def _compare(self, batch: Batch) -> None:
        """Check, once, that what torch compiled has the gradients of the net."""
        if self._compared:
            return
        part, _ = next(iter(batch.parts(self.recipe.accumulate)))

        def loss(predict: Learning) -> Tensor:
            return torch.stack(list(self._losses(predict, part).values())).sum()

        critic = self.objective.critic
        verdict = None if critic is None else deepcopy(critic.state_dict())  # it moves as it looks
        self.net.train()
        own, compiled = partial(loss, learning(self.net)), partial(loss, self._predict)
        off = {"off": compiling.share_off(self.net, own, compiled)}
        compiling.check(self.processes.average_numbers(off, self.device)["off"], self.device)
        if critic is not None and verdict is not None:
            critic.load_state_dict(verdict)
        self._compared = True

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

    def save(self, folder: Path, score: float | None, *, due: bool = True) -> None:
        """Write the run's state, the averaged weights, and these again if they are the best.

        Args:
            folder: of the run.
            score: of the averaged weights; without one the last weights count as the best.
            due: False where a run was asked to stop between two validations: then the score does
                not count, so that the run goes on as if it had not stopped.

        Raises:
            OutputError: a file cannot be written.
        """
        side = self.recipe.phases[self.phase].side
        if side != self._best_side:  # small crops score higher: no comparison
            self.best, self._best_side = None, side
        better = score is None or self.best is None or score > self.best
        if due:
            self.best = score if better else self.best
            self.waited = 0 if better else self.waited + 1
        about = replace(self.about, side=side, step=self.step, best=self.best)
        averaged = self.average.state_dict()
        checkpoints.save(folder / "last.safetensors", about, averaged)
        if (better and due) or not (folder / "best.safetensors").exists():
            checkpoints.save(folder / "best.safetensors", about, averaged)
        named = {"net": self.net.state_dict(), "average": averaged}
        tensors = {
            f"{part}.{key}": value for part, state in named.items() for key, value in state.items()
        }
        tensors |= checkpoints.optimizer_tensors(self.optimizer, "optimizer")
        tensors |= self.objective.state() | {_WAITED: torch.tensor(self.waited)}
        checkpoints.save(folder / "state.safetensors", about, tensors)

    def restore(self, about: Checkpoint, tensors: Mapping[str, Tensor], name: str) -> None:
        """Take over the state that `save` wrote.

        Args:
            about: what the state says about itself.
            tensors: the state.
            name: of its file.

        Raises:
            ModelError: it is of another net.
            DataError: the net learned from other face embeddings.
        """
        self._check_embedder(about, name)
        if not same_options(about.options, self.about.options):
            self._build(about.options)
        checkpoints.load_weights(self.net, checkpoints.part(tensors, "net"), name)
        checkpoints.load_weights(self.average, checkpoints.part(tensors, "average"), name)
        checkpoints.restore_optimizer(self.optimizer, tensors, "optimizer")
        self.step, self.best, self._best_side = about.step, about.best, about.side
        self.waited = int(tensors.get(_WAITED, torch.tensor(0)))  # older runs never waited
        self.objective.restore(tensors)

    def begin_with(self, about: Checkpoint, tensors: Mapping[str, Tensor], name: str) -> None:
        """Start from the weights of another run; arguments as in `restore`.

        Residual blocks that they lack start as the identity.

        Raises:
            ModelError: they are of another net.
            DataError: the net learned from other face embeddings.
        """
        self._check_embedder(about, name)
        for net in (self.net, self.average):
            load_started(net, self.about, about, tensors, name)

    def _check_embedder(self, about: Checkpoint, name: str) -> None:
        ours, theirs = self.about.embedder, about.embedder
        if ours and theirs and ours != theirs:  # a net without either takes no such weights
            raise DataError(
                f"{name!r} learned from face embeddings by {theirs!r}, and those beside the pairs "
                f"are by {ours!r}: embed the pairs again, `mask2face dataset embed --with {theirs}`"
            )
