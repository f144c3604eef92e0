"""Two stages: a rough fill at half the side, then a refinement that sees it at full resolution."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mask2face.nets.blocks import check_blocks
from mask2face.nets.residual_blocks import Decoder, Encoder
from mask2face.nets.sides import check_side

_EPSILON = 1e-6  # hole pixels; a batch without any hole costs 0, not 0 / 0
_FIRST_CORRECTION = 0.01  # share of the usual first weights; 0 would block what lies behind


class Refinement(nn.Module):
    """Coarse-to-fine inpainting, the refinement network of the article's [4].

    After Yu et al. 2018 (arXiv:1801.07892), section 3: a coarse net fills roughly and has a loss of
    its own; a second net sees the crop with that fill pasted in. Departures: the coarse net works
    at half the side; both stages say where the hole is, since nobody gives it; the second one
    corrects the first one's answer and begins almost with it; no contextual attention.

    Args:
        filters: channels of the refinement at 1/2, 1/4, ... of the crop's side.
        kernels: odd side of each level's convolutions.
        coarse_filters: channels of the coarse net at 1/4, 1/8, ... of the crop's side.
        coarse_kernels: odd side of each level's convolutions.

    Raises:
        ValueError: filters and kernels that are not as many, or not positive and odd.
    """

    def __init__(
        self,
        filters: Sequence[int] = (32, 64, 96),
        kernels: Sequence[int] = (3, 3, 3),
        coarse_filters: Sequence[int] = (48, 96, 160),
        coarse_kernels: Sequence[int] = (5, 3, 3),
    ) -> None:
        super().__init__()
        check_blocks(filters, kernels)
        try:
            check_blocks(coarse_filters, coarse_kernels)
        except ValueError as error:
            raise ValueError(f"coarse_filters, coarse_kernels: {error}") from error
        self.coarse = _Stage(3, coarse_filters, coarse_kernels, (1, 2, 4, 1))
        # the crop, the crop with the rough fill pasted in, the rough hole
        self.fine = _Stage(3 + 3 + 1, filters, kernels, (1, 2))
        with torch.no_grad():
            self.fine.decoder.head.weight.mul_(_FIRST_CORRECTION)
        self.multiple = max(2 * self.coarse.multiple, self.fine.multiple)

    def forward(self, crops: Tensor) -> Tensor:
        """Return (N, 4, S, S): RGB in [0, 1] and the hole's probability.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].

        Raises:
            ValueError: S is not a multiple of `multiple`.
        """
        return self._refine(crops, self._rough(crops))

    def learn(
        self, crops: Tensor, target: Tensor, hole: Tensor, extra: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return what `forward` does and the loss of the first stage.

        Args:
            crops: (N, 3, S, S) RGB in [0, 1].
            target: (N, 3, S, S) RGB in [0, 1].
            hole: (N, 1, S, S) in [0, 1], the true one.
            extra: not used; nets are called alike.

        Returns:
            Prediction (N, 4, S, S), and as "coarse" the rough fill's absolute error averaged over
            the hole pixels plus the rough hole's cross-entropy, both at half the side.
        """
        rough = self._rough(crops)
        return self._refine(crops, rough), {"coarse": _coarse_loss(rough, target, hole)}

    def _rough(self, crops: Tensor) -> Tensor:
        """Return the first stage's logits (N, 4, S/2, S/2)."""
        check_side(crops, self.multiple)
        result: Tensor = self.coarse(functional.avg_pool2d(crops, 2) * 2 - 1)
        return result

    def _refine(self, crops: Tensor, rough: Tensor) -> Tensor:
        # (N, 4, S, S)
        logits = functional.interpolate(
            rough.float(), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        fill, hole = torch.sigmoid(logits).split([3, 1], 1)
        pasted = crops + hole * (fill - crops)
        seen = torch.cat([crops * 2 - 1, pasted * 2 - 1, hole * 2 - 1], 1)  # (N, 7, S, S)
        return torch.sigmoid(logits + self.fine(seen).float())


class _Stage(nn.Module):
    """A small U-Net: pictures (N, C, S, S) around 0 -> logits (N, 4, S, S)."""

    def __init__(
        self,
        channels: int,
        filters: Sequence[int],
        kernels: Sequence[int],
        dilations: Sequence[int],
    ) -> None:
        super().__init__()
        self.encoder = Encoder(channels, filters, kernels, dilations)
        self.decoder = Decoder(4, filters, kernels)
        self.multiple = self.encoder.multiple

    def forward(self, pictures: Tensor) -> Tensor:
        result: Tensor = self.decoder(*self.encoder(pictures))
        return result


def _coarse_loss(rough: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return `losses.hole_l1` + `losses.hole_bce` of logits, which nets may not import."""
    rough = rough.float()
    target, hole = (functional.avg_pool2d(x.float(), 2) for x in (target, hole))
    error = torch.abs(torch.sigmoid(rough[:, :3]) - target) * hole
    fill = error.sum() / (3 * hole.sum() + _EPSILON)
    return fill + functional.binary_cross_entropy_with_logits(rough[:, 3:], hole)
