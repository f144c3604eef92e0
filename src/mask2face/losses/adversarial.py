"""A critic that looks at frozen features, and the hinge losses between it and the net.

After "Projected GANs Converge Faster" (Sauer et al. 2021, arXiv:2111.01007): small heads on the
feature maps of a frozen EfficientNet-Lite0 tell real crops from filled ones. Departures: no random
projection across scales, and a verdict for each position, of which only those that the hole touches
count (patches, as in Isola et al. 2017, arXiv:1611.07004).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mask2face.losses.hole import touched

EPSILON = 1e-6  # positions


class Critic(nn.Module):
    """Judge each position of each feature map: high = real.

    Args:
        channels: channels of each map, as `LiteFeatures.channels`.
        width: channels inside a head.
    """

    def __init__(self, channels: Sequence[int], width: int = 48) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral_norm(nn.Conv2d(count + 1, width, 1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                spectral_norm(nn.Conv2d(width, 1, 1)),
            )
            for count in channels
        )

    def forward(self, features: Sequence[Tensor], hole: Tensor) -> list[Tensor]:
        """Return a map of verdicts (N, 1, h, w) a feature map.

        Args:
            features: maps (N, C, h, w) of the composited or the real crops.
            hole: (N, 1, H, W) in [0, 1]; the critic is told where the net painted.
        """
        return [
            head(torch.cat([feature, touched(hole, feature).to(feature.dtype)], 1))
            for head, feature in zip(self.heads, features, strict=True)
        ]


def net_loss(verdicts: Sequence[Tensor], hole: Tensor) -> Tensor:
    """Return the net's hinge loss: lower when the critic takes its filling for real."""
    return _mean([-verdict for verdict in verdicts], hole)


def critic_loss(real: Sequence[Tensor], filled: Sequence[Tensor], hole: Tensor) -> Tensor:
    """Return the critic's hinge loss (Lim and Ye 2017, arXiv:1705.02894)."""
    return _mean([F.relu(1 - verdict) for verdict in real], hole) + _mean(
        [F.relu(1 + verdict) for verdict in filled], hole
    )


def _mean(maps: Sequence[Tensor], hole: Tensor) -> Tensor:
    """Average over the positions the hole touches, then over the maps."""
    means = []
    for value in maps:
        weight = touched(hole, value)
        means.append((value.float() * weight).sum() / (weight.sum() + EPSILON))
    return torch.stack(means).mean()
