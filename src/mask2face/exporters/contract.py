"""What every exporter of a restorer does: check the net, and compare it with its file."""

import copy
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import nn

from mask2face.errors import ModelError
from mask2face.exporters.exported import probes, vectors
from mask2face.exporters.parity import Floats, Restore
from mask2face.extra_input import FACE
from mask2face.formats import Inputs, Ports
from mask2face.nets.extras import extra_of
from mask2face.restorer import INPUT, OUTPUT, ModelCard

PORTS: Final = Ports(INPUT, OUTPUT)


def frozen(net: nn.Module) -> nn.Module:
    """Return a copy of `net` on the CPU, in float32 and inference mode."""
    return copy.deepcopy(net).cpu().float().eval()


def trials(net: nn.Module, card: ModelCard) -> list[Inputs]:
    """Return what a net and its file are compared on without faces; see `exported.probes`.

    Args:
        net: says whether there is a second input.
        card: says the crops' side, and whose the face embeddings are.

    Raises:
        ModelError: the net wants face embeddings, and `card.embedder` does not say whose.
    """
    crops = torch.from_numpy(probes(card.side))
    extra = extra_of(net)
    if extra is None:
        return [{INPUT: crops}]
    if extra.name == FACE and not card.embedder:
        raise ModelError(
            "the net wants face embeddings, and neither its checkpoint nor the card says whose: "
            "train it on pairs that `mask2face dataset embed` has been run on"
        )
    found = vectors(len(crops), extra.size)
    return [{INPUT: crops, extra.name: torch.from_numpy(vector)} for vector in found]


def expected(net: nn.Module, inputs: Inputs) -> torch.Tensor:
    """Return the net's own answer (N, 4, S, S).

    Raises:
        ModelError: the net does not take its crops, or what it gives has another shape or leaves
            [0, 1].
    """
    crops = inputs[INPUT]
    with torch.no_grad():
        try:
            result: torch.Tensor = net(*inputs.values())
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"the net does not take crops {tuple(crops.shape)}: {error}"
            ) from error
    wanted = (len(crops), 4, *crops.shape[2:])
    if tuple(result.shape) != wanted:
        raise ModelError(f"the net gives {tuple(result.shape)} instead of {wanted}")
    if not bool(((result >= -1e-6) & (result <= 1 + 1e-6)).all()):
        raise ModelError("the net gives values that are not in [0, 1]: end it with a sigmoid")
    return result


def difference(run: Restore, tries: Sequence[Inputs], wanted: Sequence[torch.Tensor]) -> float:
    """Return the largest difference between a file and its net; nan where the file gives one.

    Args:
        run: the file in its own runtime.
        tries: what both are given, as `trials`.
        wanted: what the net gave.
    """
    errors = []
    for inputs, truth in zip(tries, wanted, strict=True):
        crops, *more = (value.numpy() for value in inputs.values())
        made = run(crops, more[0] if more else None)
        errors.append(np.abs(made - truth.numpy()).max())
    return float(np.max(errors))


def one_by_one(run: Restore) -> Restore:
    """Return `run`, given a crop at a time."""

    def each(crops: Floats, vectors: Floats | None) -> Floats:
        parts = [slice(index, index + 1) for index in range(len(crops))]
        made = [run(crops[part], None if vectors is None else vectors[part]) for part in parts]
        return np.concatenate(made)

    return each


def check_error(error: float, tolerance: float, kind: str) -> None:
    """Refuse a file that is too far from its net.

    Raises:
        ModelError: `error` is more than `tolerance`, or nan.
    """
    if not error <= tolerance:
        raise ModelError(
            f"the {kind} differs from the net by {error:.2g}, more than {tolerance:.2g}: "
            "nothing was written; report this net as a bug"
        )
