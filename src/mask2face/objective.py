"""What a net is trained for in a phase: named losses, frozen features, and the critic."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face.losses import WeightedLoss, weighted
from mask2face.losses.adversarial import Critic, critic_loss, net_loss
from mask2face.losses.perceptual import LiteFeatures, distance
from mask2face.recipe import Phase, Recipe

_STAGES = (2, 4, 8, 16)  # strides of the feature maps that the critic and `perceptual` look at


class Objective(nn.Module):
    """The losses of the current phase; it owns the critic and the critic's optimiser.

    The term `perceptual` is computed here when a critic looks at the same features anyway.

    Args:
        recipe: of the run.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.critic: Critic | None = None
        self.features: LiteFeatures | None = None
        self.optimizer: torch.optim.Optimizer | None = None
        if any(phase.adversarial for phase in recipe.phases):
            self.features = LiteFeatures(_STAGES)
            self.critic = Critic(self.features.channels)
            self.optimizer = torch.optim.AdamW(self.critic.parameters(), betas=(0.5, 0.99))
        self._losses: WeightedLoss | None = None
        self._perceptual = 0.0
        self._seen: tuple[list[Tensor], list[Tensor], Tensor] | None = None
        self.enter(recipe.phases[0])

    def enter(self, phase: Phase) -> None:
        """Take over the losses and weights of `phase`."""
        self._phase = phase
        left = dict(phase.losses)
        self._perceptual = left.pop("perceptual", 0.0) if phase.adversarial else 0.0
        self._losses = weighted(left) if left else None

    def net_losses(self, prediction: Tensor, target: Tensor, hole: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms of the net's loss.

        Args:
            prediction: (N, 4, S, S).
            target: (N, 3, S, S).
            hole: (N, 1, S, S), the true one.
        """
        parts = self._losses.parts(prediction, target, hole) if self._losses else {}
        if self._phase.adversarial and self.features is not None and self.critic is not None:
            # only what the net paints inside the true hole is new to the features
            with torch.autocast(target.device.type, enabled=False):
                filled = self.features(target + hole * (prediction[:, :3] - target))
                with torch.no_grad():
                    real = self.features(target)
            if self._perceptual:
                parts["perceptual"] = self._perceptual * distance(filled, real, hole)
            self.critic.requires_grad_(False)
            verdicts = self.critic(filled, hole)
            parts["adversarial"] = self._phase.adversarial * net_loss(verdicts, hole)
            self._seen = real, [feature.detach() for feature in filled], hole
        return parts

    def critic_step(self, rate_share: float) -> dict[str, float]:
        """Train the critic on the features of the last `net_losses`; return its loss.

        Args:
            rate_share: learning rate as a share of the phase's `critic_rate`.
        """
        if self._seen is None or self.critic is None or self.optimizer is None:
            return {}
        real, filled, hole = self._seen
        self._seen = None
        self.critic.requires_grad_(True)
        self.optimizer.param_groups[0]["lr"] = rate_share * self._phase.critic_rate
        loss = critic_loss(self.critic(real, hole), self.critic(filled, hole), hole)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimizer.step()
        return {"critic": float(loss.detach())}

    def state(self) -> dict[str, Tensor]:
        """Return the critic and its optimiser as named tensors."""
        if self.critic is None or self.optimizer is None:
            return {}
        weights = {f"critic.{name}": value for name, value in self.critic.state_dict().items()}
        return weights | checkpoints.optimizer_tensors(self.optimizer, "critic_optimizer")

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned.

        Raises:
            ModelError: it does not fit.
        """
        if self.critic is None or self.optimizer is None:
            return
        weights = checkpoints.part(tensors, "critic")
        checkpoints.load_weights(self.critic, weights, "the run's critic")
        checkpoints.restore_optimizer(self.optimizer, tensors, "critic_optimizer")
