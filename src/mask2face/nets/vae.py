"""A conditional variational autoencoder: one masked crop, several plausible faces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mask2face.nets.blocks import check_blocks
from mask2face.nets.extras import Extra, checked
from mask2face.nets.residual_blocks import Decoder, Encoder, Residual
from mask2face.nets.sides import check_side

_PLACES = 4  # the latent vector becomes a map of so many places a side, the posterior reads one
_BOUND = 5.0  # a logarithm of a deviation lies within; exp(5) = 148


class VAE(nn.Module):
    """Draw the hidden face from a normal distribution around a point in latent space.

    A variational autoencoder (Kingma and Welling 2014, arXiv:1312.6114) conditioned on the masked
    crop (Sohn et al. 2015, "Learning structured output representation using deep conditional
    generative models"): the prior p(z | crop) is read from the context encoder's lowest features,
    the posterior q(z | crop, target), needed in training only, by an encoder of its own. The
    target reaches the output through z alone. z enters at the lowest level, as a coarse map (crops
    are aligned by the eyes), and scales and shifts the features of each level above.

    Departures: the context reaches the decoder through skips; the hole is read from the crop alone,
    so that it does not change with z and the target cannot betray it; a `prior_share` of each
    batch is decoded from the prior's mean, as in Sohn et al.'s hybrid of CVAE and GSNN, so that
    the likeliest face is trained, too.

    With an L1 averaged over the hole's numbers, the variational bound gives "kl" a weight of about
    the mean error over how many numbers a hole has: 1e-4 at 48 px, 1e-5 at 128 px. Several times
    as much leaves z at its `free_bits`.

    Args:
        filters: channels at 1/2, 1/4, 1/8, ... of the crop's side.
        kernels: odd side of each level's convolutions.
        latent: numbers of z.
        free_bits: nats that each number of z may tell about the target for nothing (Kingma et al.
            2016, arXiv:1606.04934, appendix C.8), which keeps z from being ignored.
        prior_share: probability in [0, 1) that `learn` decodes a crop from the prior's mean.

    Raises:
        ValueError: filters and kernels that are not as many, or not positive and odd; `latent`
            below 1; `free_bits` below 0; `prior_share` outside [0, 1).
    """

    def __init__(
        self,
        filters: Sequence[int] = (32, 64, 128, 192),
        kernels: Sequence[int] = (3, 3, 3, 3),
        latent: int = 64,
        free_bits: float = 0.25,
        prior_share: float = 0.25,
    ) -> None:
        super().__init__()
        check_blocks(filters, kernels)
        if latent < 1 or not 0 <= free_bits < math.inf or not 0 <= prior_share < 1:
            raise ValueError(
                "vae needs latent of 1 or more, free_bits of 0 or more and prior_share in [0, 1), "
                f"got latent={latent}, free_bits={free_bits} and prior_share={prior_share}"
            )
        self.extra = Extra("noise", latent)
        self.free_bits, self.prior_share = free_bits, prior_share
        lowest = filters[-1]
        self.context = Encoder(3, filters, kernels, (1, 2, 1))
        self.prior = nn.Linear(lowest, 2 * latent)
        self.posterior_encoder = Encoder(3 + 3, filters, kernels)
        self.posterior = nn.Linear(lowest * _PLACES**2, 2 * latent)
        # sharp at first: a decoder that begins with noise learns to ignore it
        nn.init.constant_(self.posterior.bias[latent:], -2.0)
        self.spread = nn.Linear(latent, lowest * _PLACES**2)
        self.join = nn.Conv2d(2 * lowest, lowest, 1)
        self.joined = nn.Sequential(*(Residual(lowest, kernels[-1], step) for step in (1, 2)))
        self.face = Decoder(3, filters, kernels, style=latent)
        # where the face mask is, is simple beside what it hides: 1x1 convolutions
        self.hole = Decoder(1, filters, [1] * len(filters))
        self.multiple = self.context.multiple

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability, the same for any noise.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1], aligned by the eyes.
            noise: (N, latent), standard normal; zeros give the likeliest face.

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters), or `noise` has another shape.
        """
        check_side(crops, self.multiple)
        checked(self.extra, crops, noise)
        x, skips = self.context(crops * 2 - 1)
        return self._decode(x, skips, self._prior(x).sample(noise))

    def learn(
        self, crops: Tensor, target: Tensor, hole: Tensor, extra: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the prediction from a sample of the posterior, and what knowing the target costs.

        Random numbers come from torch's global generator.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].
            target: (N, 3, S, S) RGB in [0, 1].
            hole: (N, 1, S, S) in [0, 1], the true one; outside it the posterior sees the crop.
            extra: not used: the noise is drawn here.

        Returns:
            Prediction (N, 4, S, S), and as "kl" the divergence of the posterior from the prior
            in nats a crop, averaged over the batch; no number of z counts less than `free_bits`.

        Raises:
            ValueError: S is not a multiple of 2 ** len(filters).
        """
        check_side(crops, self.multiple)
        x, skips = self.context(crops * 2 - 1)
        prior = self._prior(x)
        seen = torch.cat([crops, crops + hole * (target - crops)], 1)  # (N, 6, S, S)
        lowest, _ = self.posterior_encoder(seen * 2 - 1)
        places = functional.adaptive_avg_pool2d(lowest, _PLACES)  # (N, f-1, 4, 4)
        posterior = Gaussian.of(self.posterior(places.flatten(1)))
        z = posterior.sample(torch.randn_like(posterior.mean))
        from_prior = torch.rand_like(z[:, :1]) < self.prior_share  # (N, 1)
        z = torch.where(from_prior, prior.mean, z)
        costs = kl_divergence(posterior, prior).mean(0)  # (latent,)
        return self._decode(x, skips, z), {"kl": costs.clamp(min=self.free_bits).sum()}

    def _prior(self, x: Tensor) -> "Gaussian":
        return Gaussian.of(self.prior(x.mean((2, 3))))

    def _decode(self, x: Tensor, skips: Sequence[Tensor], z: Tensor) -> Tensor:
        z = z.to(x.dtype)
        spread = self.spread(z).unflatten(1, (-1, _PLACES, _PLACES))  # (N, f-1, 4, 4)
        spread = functional.interpolate(
            spread, x.shape[2:], mode="bilinear", align_corners=False
        )  # (N, f-1, s, s)
        joined = self.joined(self.join(torch.cat([x, spread], 1)))
        face = self.face(joined, skips, z)  # (N, 3, S, S)
        return torch.sigmoid(torch.cat([face, self.hole(x, skips)], 1).float())  # (N, 4, S, S)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal distributions.

    Attributes:
        mean: (N, latent).
        log_deviation: (N, latent), natural logarithm of the standard deviation.
    """

    mean: Tensor
    log_deviation: Tensor

    @classmethod
    def of(cls, numbers: Tensor) -> "Gaussian":
        """Read means and bounded logarithms of deviations from (N, 2 latent), as float32."""
        mean, wide = numbers.float().chunk(2, 1)
        return cls(mean, _BOUND * torch.tanh(wide / _BOUND))

    def sample(self, noise: Tensor) -> Tensor:
        """Return mean + deviation * noise (N, latent), differentiable in both."""
        return self.mean + torch.exp(self.log_deviation) * noise


def kl_divergence(posterior: Gaussian, prior: Gaussian) -> Tensor:
    """Return KL(posterior || prior) in nats: (N, latent), each >= 0; their sum is that of z.

    Kingma and Welling 2014 (arXiv:1312.6114), appendix B, for a prior that is not standard.

    >>> one, other = (Gaussian(torch.full((1, 2), mean), torch.zeros(1, 2)) for mean in (0.0, 1.0))
    >>> kl_divergence(one, other)
    tensor([[0.5000, 0.5000]])
    """
    shift = (posterior.mean - prior.mean) * torch.exp(-prior.log_deviation)
    wider = posterior.log_deviation - prior.log_deviation
    return 0.5 * (shift.square() + torch.expm1(2 * wider) - 2 * wider)
