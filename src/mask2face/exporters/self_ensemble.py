"""A net that averages its answers to a crop and to its mirror image: better, at twice the cost."""

import torch
from torch import nn

from mask2face.errors import UsageError
from mask2face.nets.extras import extra_of


class SelfEnsemble(nn.Module):
    """Average what a net gives for crops and, turned back, for their mirror images.

    The geometric self-ensemble of EDSR (Lim et al. 2017, arXiv:1707.02921, section 3.4), of two
    views instead of eight: faces stand upright.

    Args:
        net: (N, 3, S, S) -> (N, 4, S, S).

    Raises:
        UsageError: the net has a second input, whose mirror image nobody knows.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        extra = extra_of(net)
        if extra is not None:
            raise UsageError(
                f"--self-ensemble: this net takes {extra.name!r} beside crops, which has no mirror "
                "image: export it without"
            )
        self.net = net
        self.multiple = getattr(net, "multiple", 1)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """Return (N, 4, S, S), as the net does."""
        mirrored: torch.Tensor = self.net(crops.flip(3))
        result: torch.Tensor = (self.net(crops) + mirrored.flip(3)) / 2
        return result
