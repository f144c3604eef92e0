"""Net name, options and weights in one safetensors file; training state in another. No pickle."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mask2face.errors import ModelError, OutputError
from mask2face.nets import NETS
from mask2face.registry import lookup

FORMAT: Final = "mask2face checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """What a weights file says about itself.

    Attributes:
        net: key of `NETS`.
        options: the net's constructor arguments.
        side: crop side in pixels that the net was trained for last.
        step: optimiser steps taken.
        best: best validation score so far (hole PSNR in dB), if any was measured.
        recipe: the training recipe, as JSON holds it.
        embedder: what made the face embeddings that the net was trained with, as "dlib"; "" for
            a net without.
    """

    net: str
    options: dict[str, Any] = field(default_factory=dict)
    side: int = 128
    step: int = 0
    best: float | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    embedder: str = ""


def build(checkpoint: Checkpoint) -> nn.Module:
    """Return the net that `checkpoint` names, with fresh weights.

    Raises:
        UnknownNameError: its net is not in `NETS`.
        ModelError: the net refuses the options.
    """
    make = lookup("net", NETS, checkpoint.net)
    try:
        return make(**checkpoint.options)
    except (TypeError, ValueError) as error:
        raise ModelError(f"net {checkpoint.net!r} refuses {checkpoint.options}: {error}") from error


def save(path: str | Path, checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> None:
    """Write `tensors` with `checkpoint` as metadata, under its name only when complete.

    Raises:
        OutputError: the file cannot be written.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.part")
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    facts = {"format": FORMAT, "checkpoint": json.dumps(asdict(checkpoint))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(plain, part, facts)
        part.replace(path)
    except (SafetensorError, OSError) as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise OutputError(f"cannot write the checkpoint {str(path)!r}: {error}") from error


def read(path: str | Path) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Read what `save` wrote.

    Raises:
        ModelError: the file is missing, broken or was not written by `save`.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"no checkpoint at {str(path)!r}: give the .safetensors file of a run")
    try:
        with safe_open(path, "pt") as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{str(path)!r} is not a whole safetensors file: {error}") from error
    if facts.get("format") != FORMAT:
        raise ModelError(f"{str(path)!r} was not written by mask2face: it has no {FORMAT!r} mark")
    try:
        return Checkpoint(**json.loads(facts["checkpoint"])), tensors
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{str(path)!r} says broken things about itself ({error}): "
            "take another checkpoint of the run"
        ) from error


def load(path: str | Path) -> tuple[Checkpoint, nn.Module]:
    """Return the checkpoint at `path` and its net in inference mode.

    Raises:
        ModelError: the file is missing or broken, or its weights do not fit its net.
    """
    checkpoint, tensors = read(path)
    net = build(checkpoint)
    load_weights(net, tensors, str(path))
    return checkpoint, net.eval()


def load_weights(net: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy `tensors` into `net`.

    Raises:
        ModelError: names or shapes differ.
    """
    try:
        net.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise ModelError(f"the weights in {name!r} do not fit the net: {error}") from error


def optimizer_tensors(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """Return an optimiser's state as named tensors: `prefix.<parameter>.<statistic>`."""
    return {
        f"{prefix}.{index}.{key}": value
        for index, statistics in optimizer.state_dict()["state"].items()
        for key, value in statistics.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], prefix: str
) -> None:
    """Put what `optimizer_tensors` returned back into `optimizer`."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in part(tensors, prefix).items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors named `prefix.<name>` under `<name>`.

    >>> part({"net.a": torch.ones(1), "ema.a": torch.zeros(1)}, "net")
    {'a': tensor([1.])}
    """
    start = f"{prefix}."
    return {
        name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)
    }
