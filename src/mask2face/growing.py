"""Nets that get more residual blocks from one phase of training to the next."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ConfigurationError, ModelError
from mask2face.nets.extras import run
from mask2face.nets.residual_blocks import with_new_blocks
from mask2face.recipe import Recipe


def load_grown(net: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy `tensors` into `net`; residual blocks that they lack start as the identity.

    Raises:
        ModelError: they are of a net that differs in other ways.
    """
    checkpoints.load_weights(net, with_new_blocks(net, tensors), name)


def load_started(
    net: nn.Module, ours: Checkpoint, theirs: Checkpoint, tensors: Mapping[str, Tensor], name: str
) -> None:
    """Copy `tensors` of the net `theirs` into `net`, which is `ours`, as `load_grown`.

    Raises:
        ModelError: they do not fit.
    """
    try:
        load_grown(net, tensors, name)
    except ModelError as error:
        if ours.net != theirs.net or same_options(ours.options, theirs.options):
            raise
        raise ModelError(
            f"{name!r} holds a {theirs.net} with the options {json.dumps(theirs.options)}, and the "
            f"recipe begins with {json.dumps(ours.options)}: put its into the recipe's 'options'"
        ) from error


def same_options(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two nets' options are the same in JSON, which knows no tuples.

    >>> same_options({"filters": (8, 16)}, {"filters": [8, 16]})
    True
    """
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def check_growth(recipe: Recipe) -> None:
    """Check that each phase's net can go on from the one before, hours before it has to.

    Raises:
        ConfigurationError: it cannot.
        ModelError: the net refuses the options of a phase.
    """
    options = recipe.options
    for number, phase in enumerate(recipe.phases, 1):
        if phase.options is None or same_options(phase.options, options):
            continue
        before = checkpoints.build(Checkpoint(recipe.net, options))
        options = phase.options
        net = checkpoints.build(Checkpoint(recipe.net, options))
        try:
            _check_same(before, net, phase.side, f"phase {number - 1}")
        except ModelError as error:
            raise ConfigurationError(
                f"'options' of phase {number} are {options}: from one phase to the next a net can "
                f"only get more residual blocks, as by 'dilations' or 'blocks': {error}"
            ) from error


def _check_same(before: nn.Module, net: nn.Module, side: int, name: str) -> None:
    """Check that `net` computes what `before` does, with its weights.

    Raises:
        ModelError: it does not.
    """
    for module in before.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)  # fresh blocks do nothing, whatever their dilation
    load_grown(net, before.state_dict(), name)
    crops = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = (run(part.eval(), crops) for part in (before, net))
    if not torch.allclose(one, other, atol=1e-4):
        raise ModelError(f"with the weights of {name} it computes something else")
