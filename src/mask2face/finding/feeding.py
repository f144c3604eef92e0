"""Scenes -> batches of pictures and targets, made by other processes; how a run is planned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mask2face.errors import UsageError
from mask2face.finding.cells import targets
from mask2face.finding.losses import stacked
from mask2face.finding.net import MULTIPLE
from mask2face.finding.scenes import SIDE, Scenes
from mask2face.processes import Processes
from mask2face.workers import end_with_parent

_WARM: Final = 200  # steps in which the rate rises
_FALLS: Final = 0.3  # share of the steps, the last ones, in which the rate falls to 0
_CHECKED: Final = 64  # scenes of a validation

Batch = tuple[Tensor, dict[str, Tensor]]


@dataclass(frozen=True)
class Plan:
    """How to teach.

    Attributes:
        steps: of the optimiser, in all; a run that goes on may be given others.
        batch: scenes a step.
        rate: of AdamW, at its highest.
        side: of a scene, px.
        width: of the net; see `FaceFinder`.
        ema: decay a step of the averaged weights, which are what is exported.
        seed: of weights and scenes.

    Raises:
        UsageError: a value is not accepted.
    """

    steps: int = 6000
    batch: int = 16
    rate: float = 2e-3
    side: int = SIDE
    width: float = 1.0
    ema: float = 0.998
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.steps, self.batch) < 1 or self.rate <= 0 or self.width <= 0:
            raise UsageError(
                f"steps {self.steps}, batch {self.batch}, rate {self.rate}, width {self.width}: "
                "all must be above 0"
            )
        if self.side < MULTIPLE or self.side % MULTIPLE:
            raise UsageError(f"side is {self.side}: give a multiple of {MULTIPLE}")

    def rate_at(self, step: int) -> float:
        """Return the rate of a step: it rises, stays, and falls to 0 at the end.

        >>> plan = Plan(steps=1000, rate=1.0)
        >>> [round(plan.rate_at(step), 3) for step in (0, 199, 600, 850, 999)]
        [0.005, 1.0, 1.0, 0.5, 0.003]
        """
        warm = min(1.0, (step + 1) / min(_WARM, max(1, self.steps // 4)))
        left = (self.steps - step) / max(1.0, _FALLS * self.steps)
        return self.rate * warm * min(1.0, left)


class _Drawn(Dataset[tuple[np.ndarray, Any]]):
    """Scene number i and its targets; the same i gives the same scene."""

    def __init__(self, scenes: Scenes, seed: int, count: int) -> None:
        self._scenes, self._seed, self._count = scenes, seed, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[np.ndarray, Any]:
        scene = self._scenes.scene(np.random.default_rng([self._seed, index]))
        return scene.picture, targets(scene.truth, self._scenes.side)


def collated(items: list[tuple[np.ndarray, Any]]) -> Batch:
    """Return pictures and targets of some scenes as one batch."""
    pictures = torch.from_numpy(np.stack([picture for picture, _ in items]))
    return pictures, stacked([wanted for _, wanted in items])


def _prepare(_: int) -> None:
    end_with_parent()
    cv2.setNumThreads(1)  # the processes share the cores
    torch.set_num_threads(1)


def batches(
    scenes: Scenes, plan: Plan, done: int, workers: int, processes: Processes
) -> Iterator[Batch]:
    """Yield this process's part of the batches of the steps after `done`."""
    own = range(done * plan.batch + processes.rank, plan.steps * plan.batch, processes.count)
    loader = DataLoader(
        _Drawn(scenes, plan.seed, own.stop),
        plan.batch // processes.count,
        sampler=own,
        num_workers=workers,
        collate_fn=collated,
        worker_init_fn=_prepare,
        multiprocessing_context="spawn" if workers else None,
        prefetch_factor=4 if workers else None,
    )
    yield from loader


def known_batches(scenes: Scenes, plan: Plan) -> list[Batch]:
    """Return the scenes of every validation."""
    drawn = _Drawn(scenes, plan.seed + 1, _CHECKED)
    count = min(plan.batch, _CHECKED)
    starts = range(0, _CHECKED - count + 1, count)
    return [collated([drawn[i] for i in range(start, start + count)]) for start in starts]
