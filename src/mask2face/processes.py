"""Several processes, on one machine or many, that train one net: what they tell each other.

`torchrun` and `accelerate launch` start them and say who is who in the environment: RANK,
WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT. Gradients are averaged explicitly, as one flat
tensor, and not by DistributedDataParallel: that works the same for a net's `forward` and `learn`,
for a critic, and for several micro-batches a step.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from mask2face.errors import DeviceError, Mask2FaceError, UsageError

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The processes of a run, and which of them this one is; alone by default.

    All of them call the methods below in the same order; alone, these cost nothing.

    Attributes:
        rank: number of this process, from 0.
        count: of the processes.
    """

    rank: int = 0
    count: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the one process that writes and validates."""
        return self.rank == 0

    def average(self, tensors: Sequence[Tensor], weight: float = 1.0) -> None:
        """Replace each of `tensors` by its mean over the processes, in place.

        Args:
            tensors: of the same shapes in every process.
            weight: how much this process counts, as the number of its crops.
        """
        if self.count == 1 or not tensors:
            return
        one = tensors[0].new_ones(1)
        flat = weight * torch.cat([*(tensor.reshape(-1) for tensor in tensors), one])
        distributed.all_reduce(flat)
        means = (flat[:-1] / flat[-1]).split([tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors, means, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def average_numbers(
        self, numbers: Mapping[str, float], device: torch.device, weight: float = 1.0
    ) -> dict[str, float]:
        """Return the mean of each number over the processes; arguments as in `average`.

        Args:
            numbers: under the same names in every process.
            device: on which the processes exchange.
            weight: how much this process counts.
        """
        if self.count == 1:
            return dict(numbers)
        values = torch.tensor(list(numbers.values()), dtype=torch.float32, device=device)
        self.average([values], weight)
        return dict(zip(numbers, values.tolist(), strict=True))

    def from_main(self, make: Callable[[], T]) -> T:
        """Return what `make` gives in the main process; the others do not call it.

        Raises:
            Mask2FaceError: what it raised there, in every process.
        """
        if self.count == 1:
            return make()
        told: list[Any] = [None]
        if self.main:
            try:
                told[0] = make()
            except Mask2FaceError as error:
                told[0] = error  # or the others would wait until they are killed
        distributed.broadcast_object_list(told)
        if isinstance(told[0], Mask2FaceError):
            raise told[0]
        found: T = told[0]
        return found


def is_main() -> bool:
    """Say whether the environment makes this the main process, or the only one."""
    return os.environ.get("RANK", "0") == "0"


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Processes]:
    """Meet the processes that the environment names, and leave them at the end.

    Gloo connects CPUs, NCCL connects CUDA devices, one a process.

    Args:
        device: that this process trains on.

    Raises:
        UsageError: the environment names several processes, but not how to meet them.
        DeviceError: there are more processes on this machine than CUDA devices.
    """
    count = _number("WORLD_SIZE", 1)
    if count == 1:
        yield Processes()
        return
    if device.type == "cuda":
        _choose_cuda(_number("LOCAL_RANK", 0))
    try:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except ValueError as error:  # a variable is missing
        raise UsageError(
            f"WORLD_SIZE is {count}, but the processes cannot meet ({error}): start them with "
            "torchrun or accelerate launch, or unset WORLD_SIZE to train in one process"
        ) from error
    try:
        yield Processes(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()


def synchronised(net: nn.Module, device: torch.device, processes: Processes) -> nn.Module:
    """Make batch normalisation see the crops of all processes, where torch can (CUDA).

    On CPUs each process normalises by its own crops; `average_statistics` then keeps the running
    statistics equal.
    """
    if processes.count == 1 or device.type != "cuda":
        return net
    synced: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    return synced


def average_statistics(net: nn.Module, processes: Processes, weight: float) -> None:
    """Average the running statistics that each process has moved by its own crops.

    Args:
        net: in training mode; what of it is frozen (in inference mode) stays as it is.
        processes: that train it.
        weight: the number of this process's crops.
    """
    own = (nn.BatchNorm1d, nn.BatchNorm2d)
    norms = [part for part in net.modules() if isinstance(part, own) and part.training]
    moved = [value for norm in norms for value in (norm.running_mean, norm.running_var)]
    processes.average([value for value in moved if value is not None], weight)


def _choose_cuda(local: int) -> None:
    there = torch.cuda.device_count()
    if local >= there:
        raise DeviceError(
            f"process {local + 1} of this machine has no CUDA device, there are {there}: start at "
            f"most {there} processes here (--nproc-per-node {there}), or use --device cpu"
        )
    torch.cuda.set_device(local)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise UsageError(f"the environment's {name} is {text!r}: it must be a whole number")
    return int(text)
