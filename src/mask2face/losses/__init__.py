"""Loss terms by name and their weighted sum: `(prediction, target, hole) -> scalar`.

`LOSSES` compare pictures, `HOLE_LOSSES` compare the predicted hole with the true one, and
`NET_TERMS` are what some nets compute themselves while they learn.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mask2face.errors import ConfigurationError
from mask2face.losses.hole import hole_l1, hole_log_mse, pyramid_l1
from mask2face.losses.hole_prediction import hole_bce, hole_dice
from mask2face.losses.perceptual import perceptual
from mask2face.losses.pixel import mae, mse
from mask2face.losses.ssim import hole_ssim, ssim_l1_loss, ssim_loss
from mask2face.losses.style import style
from mask2face.ranges import is_amount
from mask2face.registry import lookup

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
HoleLoss = Callable[[Tensor, Tensor], Tensor]

LOSSES: dict[str, Loss] = {
    "mse": mse,
    "mae": mae,
    "ssim_loss": ssim_loss,
    "ssim_l1_loss": ssim_l1_loss,
    "hole_l1": hole_l1,
    "hole_log_mse": hole_log_mse,
    "pyramid_l1": pyramid_l1,
    "hole_ssim": hole_ssim,
    "perceptual": perceptual,
    "style": style,
}

HOLE_LOSSES: dict[str, HoleLoss] = {
    "hole_bce": hole_bce,
    "hole_dice": hole_dice,
}

NET_TERMS: dict[str, str] = {  # term: the net that gives it
    "kl": "vae",
    "coarse": "refinement",
}

LEAST_SIDES: dict[str, int] = {  # loss: px, the smallest crop that it can compare
    "ssim_loss": 11,
    "ssim_l1_loss": 11,
    "perceptual": 16,
    "style": 16,
}


@dataclass(frozen=True)
class WeightedLoss:
    """Sum named terms, each times its weight.

    Attributes:
        weights: term name (of `LOSSES`, `HOLE_LOSSES` or `NET_TERMS`) to weight, each >= 0.
    """

    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        """Check names and weights.

        Raises:
            ConfigurationError: no term, or a weight that is not a finite number >= 0.
            UnknownNameError: a name of no registry.
        """
        if not self.weights:
            raise ConfigurationError("the loss has no term: name at least one, as {'hole_l1': 1.0}")
        for name, weight in self.weights.items():
            lookup("loss", {**LOSSES, **HOLE_LOSSES, **NET_TERMS}, name)
            if not is_amount(weight):
                raise ConfigurationError(
                    f"loss {name!r} has the weight {weight!r}: give a finite number >= 0"
                )

    def parts(
        self,
        prediction: Tensor,
        target: Tensor,
        hole: Tensor,
        terms: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Return each term times its weight.

        Args:
            prediction: (N, 3, H, W) RGB in [0, 1], or (N, 4, H, W) with the predicted hole.
            target: (N, 3, H, W) RGB in [0, 1].
            hole: (N, 1, H, W) in [0, 1], 1 = replace.
            terms: scalars that the net computed, by their names in `NET_TERMS`; those that
                `weights` does not name are left out.

        Raises:
            ConfigurationError: a term of the net is named that the net does not give.
            ValueError: a loss on the hole is named and the prediction has none.
        """
        found: dict[str, Tensor] = {}
        for name, weight in self.weights.items():
            if name in HOLE_LOSSES:
                if prediction.shape[1] != 4:
                    raise ValueError(
                        f"{name!r} needs the predicted hole: give prediction (N, 4, H, W), "
                        f"got {tuple(prediction.shape)}"
                    )
                found[name] = weight * HOLE_LOSSES[name](prediction[:, 3:4], hole)
            elif name in NET_TERMS:
                found[name] = weight * _net_term(name, terms or {})
            else:
                found[name] = weight * LOSSES[name](prediction[:, :3], target, hole)
        return found

    def __call__(self, prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
        """Return the weighted sum, a scalar; arguments and errors as of `parts`."""
        return torch.stack(list(self.parts(prediction, target, hole).values())).sum()


def check_term(name: str, given: Collection[str]) -> None:
    """Check that a net gives the term `name`.

    Args:
        name: a key of `NET_TERMS`.
        given: the terms that the net gives.

    Raises:
        ConfigurationError: it does not.
    """
    if name not in given:
        raise ConfigurationError(
            f"the loss {name!r} is computed by the net, and this net does not: "
            f"take it out of the losses, or choose the net {NET_TERMS[name]!r}"
        )


def _net_term(name: str, terms: Mapping[str, Tensor]) -> Tensor:
    check_term(name, terms)
    return terms[name]


def weighted(weights: Mapping[str, float]) -> WeightedLoss:
    """Build the training loss that a configuration names.

    Args:
        weights: term name to weight, as `{"hole_l1": 1.0, "ssim_loss": 0.3, "hole_bce": 0.3}`.

    Raises:
        ConfigurationError: no term, or a weight that is not a finite number >= 0.
        UnknownNameError: a name of no registry.

    >>> import torch
    >>> loss = weighted({"mae": 2.0})
    >>> float(loss(torch.ones(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), torch.ones(1, 1, 8, 8)))
    2.0
    """
    return WeightedLoss(dict(weights))
