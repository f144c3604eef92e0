"""Critics that tell real crops from filled ones, and the losses between a critic and the net.

`CRITICS`: "projected" looks at frozen features, "patch" at pixels. Each gives maps of verdicts
(high = real) with the weight of each position; the loss between critic and net is the hinge loss.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from mask2face.losses.hole import touched

EPSILON = 1e-6  # positions
WIDTHS = (32, 64, 128)  # channels of the halving layers of `PatchCritic`


class Verdict(NamedTuple):
    """What a critic says of a batch.

    Attributes:
        values: (N, 1, h, w), high = real.
        weight: (N, 1, h, w) in [0, 1], how much each position counts.
    """

    values: Tensor
    weight: Tensor


class ProjectedCritic(nn.Module):
    """Judge each position of maps of frozen features; those that the hole touches count.

    After "Projected GANs Converge Faster" (Sauer et al. 2021, arXiv:2111.01007): a small head on
    each map of a frozen EfficientNet-Lite0. Departures: no random projection across scales, and a
    verdict for each position, as in `PatchCritic`.

    Args:
        channels: channels of each map, as `LiteFeatures.channels`.
        width: channels inside a head.
    """

    STAGES: ClassVar[tuple[int, ...]] = (2, 4, 8, 16)  # strides of the maps that it looks at
    LEAST_SIDE: ClassVar[int] = 16  # px, of a crop

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

    def forward(self, views: Sequence[Tensor], hole: Tensor) -> list[Verdict]:
        """Return a verdict a map.

        Args:
            views: feature maps (N, C, h, w) of the composited or the real crops.
            hole: (N, 1, H, W) in [0, 1]; the critic is told where the net painted.
        """
        verdicts = []
        for head, view in zip(self.heads, views, strict=True):
            weight = touched(hole, view)
            values = head(torch.cat([view, weight.to(view.dtype)], 1))
            verdicts.append(Verdict(values, weight))
        return verdicts


class PatchCritic(nn.Module):
    """Judge overlapping patches of the pixels: once over the whole crop, once around the hole.

    After Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (2017,
    arXiv:1611.07004, sections 3.2.2 and 6.1.2), conditioned on the hole. A patch is 54 pixels wide
    and moves by 8. Departures: spectral norm in place of batch norm (Miyato et al. 2018,
    arXiv:1802.05957), fewer channels, last kernels of 3, and two verdicts a patch, for the whole
    crop and for the hole (as the global and the local critic of Iizuka et al. 2017,
    doi:10.1145/3072959.3073659), from the same layers.

    Args:
        channels: (3,), of the crops.
    """

    STAGES: ClassVar[tuple[int, ...]] = ()  # pixels
    LEAST_SIDE: ClassVar[int] = 8  # px, of a crop

    def __init__(self, channels: Sequence[int] = (3,)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = channels[0] + 1
        for width in WIDTHS:
            layers += [spectral_norm(nn.Conv2d(inside, width, 4, 2, 1)), nn.LeakyReLU(0.2)]
            inside = width
        layers += [spectral_norm(nn.Conv2d(inside, 2 * inside, 3, 1, 1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)
        self.whole = spectral_norm(nn.Conv2d(2 * inside, 1, 3, 1, 1))
        self.hole = spectral_norm(nn.Conv2d(2 * inside, 1, 3, 1, 1))

    def forward(self, views: Sequence[Tensor], hole: Tensor) -> list[Verdict]:
        """Return two verdicts: all patches alike, and those with the hole in their middle.

        Args:
            views: the composited or the real crops (N, 3, H, W), alone in a list; H and W at
                least `LEAST_SIDE`.
            hole: (N, 1, H, W) in [0, 1]; the critic is told where the net painted.
        """
        (crops,) = views
        x = self.layers(torch.cat([crops, hole.to(crops.dtype)], 1))  # (N, 256, H / 8, W / 8)
        whole, around = self.whole(x), self.hole(x)
        everywhere = torch.ones_like(whole, dtype=torch.float32)
        return [Verdict(whole, everywhere), Verdict(around, touched(hole, around))]


CRITICS: dict[str, type[ProjectedCritic] | type[PatchCritic]] = {
    "projected": ProjectedCritic,
    "patch": PatchCritic,
}


def net_loss(filled: Sequence[Verdict]) -> Tensor:
    """Return the net's hinge loss: lower when the critic takes its filling for real."""
    return _mean([Verdict(-values, weight) for values, weight in filled])


def critic_loss(real: Sequence[Verdict], filled: Sequence[Verdict]) -> Tensor:
    """Return the critic's hinge loss (Lim and Ye 2017, arXiv:1705.02894)."""
    return _mean([Verdict(F.relu(1 - values), weight) for values, weight in real]) + _mean(
        [Verdict(F.relu(1 + values), weight) for values, weight in filled]
    )


def r1_penalty(real: Sequence[Verdict], crops: Tensor) -> Tensor:
    """Return half the squared gradient that a real patch's verdict has at the pixels.

    R1 of Mescheder et al., "Which Training Methods for GANs do actually Converge?" (2018,
    arXiv:1801.04406, equation 9), with patches in place of photos: the squared gradient of the sum
    of a crop's weighted verdicts over the sum of their weights, averaged over verdicts.

    Args:
        real: verdicts on `crops`.
        crops: (N, 3, H, W), the real ones; gradients must be recorded for them.
    """
    penalties = []
    for values, weight in real:
        total = (values.float() * weight).sum()
        (slope,) = torch.autograd.grad(total, crops, create_graph=True)
        penalties.append(slope.float().square().sum() / (2 * weight.sum() + EPSILON))
    return torch.stack(penalties).mean()


def critic_terms(
    critic: ProjectedCritic | PatchCritic,
    real: Sequence[Tensor],
    filled: Sequence[Tensor],
    hole: Tensor,
    r1: float = 0.0,
) -> dict[str, Tensor]:
    """Return the terms of the critic's loss: "critic", and with an `r1` above 0 "r1".

    Args:
        critic: one of `CRITICS`.
        real: what it looks at, of the real crops.
        filled: the same of the filled crops.
        hole: (N, 1, H, W) in [0, 1].
        r1: weight of `r1_penalty`; for a critic that looks at pixels.
    """
    views = [view.detach().requires_grad_(r1 > 0) for view in real]
    verdicts = critic(views, hole)
    terms = {"critic": critic_loss(verdicts, critic(filled, hole))}
    if r1 > 0:
        terms["r1"] = r1 * r1_penalty(verdicts, views[0])
    return terms


def _mean(verdicts: Sequence[Verdict]) -> Tensor:
    """Average over the positions by their weights, then over the verdicts."""
    means = [
        (values.float() * weight).sum() / (weight.sum() + EPSILON) for values, weight in verdicts
    ]
    return torch.stack(means).mean()
