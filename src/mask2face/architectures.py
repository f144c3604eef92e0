"""The article's names of its architectures, and nets with fresh weights by such a name."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

import torch
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import UsageError
from mask2face.nets import NETS
from mask2face.registry import lookup


class UNet(Enum):
    """The article's architectures: a net and the frozen embeddings at its bottleneck.

    Departure: where the article looks with MobileNetV2, EfficientNet-Lite0 does.

    >>> UNet.RESNET_EMBEDDINGS.net, UNet.RESNET_EMBEDDINGS.options
    ('resnet_unet', {'embeddings': ['imagenet', 'face']})
    """

    DEFAULT = ("unet",)
    DEFAULT_IMAGENET_EMBEDDING = ("unet", "imagenet")
    RESNET = ("resnet_unet",)
    RESNET_EMBEDDINGS = ("resnet_unet", "imagenet", "face")

    @property
    def net(self) -> str:
        """Key of `nets.NETS`."""
        return str(self.value[0])

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of the net's constructor."""
        return {"embeddings": list(self.value[1:])} if self.value[1:] else {}


def build(
    architecture: UNet | str,
    input_size: Any,  # noqa: ANN401
    options: Mapping[str, Any],
    seed: int,
) -> tuple[Checkpoint, nn.Module]:
    """Return a net with fresh weights, and what its checkpoint says about it.

    Args:
        architecture: a `UNet`, or a key of `nets.NETS`.
        input_size: (S, S, 3).
        options: arguments of the net's constructor; None leaves one as it is.
        seed: of the weights.

    Raises:
        UnknownNameError: no such architecture.
        UsageError: `input_size` is not square RGB, or the net cannot halve S often enough.
        ModelError: the net refuses the options.
    """
    name, given = architecture, {}
    if isinstance(architecture, UNet):
        name, given = architecture.net, architecture.options
    lookup("architecture", NETS, str(name))
    given |= {
        key: list(value) if isinstance(value, tuple) else value  # as JSON, which has no tuples
        for key, value in options.items()
        if value is not None
    }
    about = Checkpoint(str(name), given, _side(input_size))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = checkpoints.build(about)
    _check_side(net, about.side)
    return about, net


def with_difference(about: Checkpoint, net: nn.Module) -> tuple[Checkpoint, nn.Module]:
    """Return the same net so that it predicts the difference from its crop.

    All weights stay but the last layer's for RGB, which begin with no difference.

    Raises:
        ModelError: the net has no such option.
    """
    if about.options.get("predict_difference"):
        return about, net
    about = replace(about, options=about.options | {"predict_difference": True})
    new = checkpoints.build(about)
    weights, fresh = net.state_dict(), new.state_dict()
    for name in ("head.weight", "head.bias"):
        weights[name] = torch.cat([fresh[name][:3], weights[name][3:]])
    checkpoints.load_weights(new, weights, about.net)
    return about, new


def _side(input_size: Any) -> int:  # noqa: ANN401
    """Return S of (S, S, 3)."""
    sizes = tuple(input_size) if isinstance(input_size, tuple | list) else ()
    if len(sizes) != 3 or sizes[0] != sizes[1] or sizes[2] != 3:
        raise UsageError(f"input_size is {input_size!r}: give (S, S, 3), as (256, 256, 3)")
    if isinstance(sizes[0], bool) or not isinstance(sizes[0], int) or sizes[0] < 1:
        raise UsageError(f"input_size is {input_size!r}: S must be a whole number of pixels")
    return int(sizes[0])


def _check_side(net: nn.Module, side: int) -> None:
    multiple = getattr(net, "multiple", 1)
    if side % multiple:
        fitting = max(1, round(side / multiple)) * multiple
        raise UsageError(
            f"input_size is ({side}, {side}, 3): this net takes multiples of {multiple}, "
            f"so give ({fitting}, {fitting}, 3) or fewer filters"
        )
