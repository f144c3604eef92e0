"""What a net is trained for in a phase: named losses, terms of the net itself, and the critic."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face.efficientnet import LiteFeatures
from mask2face.losses import LEAST_SIDES, NET_TERMS, WeightedLoss, check_term, weighted
from mask2face.losses.adversarial import CRITICS, PatchCritic, ProjectedCritic, critic_terms
from mask2face.losses.adversarial import net_loss as adversarial_loss
from mask2face.losses.perceptual import distance
from mask2face.ranges import require
from mask2face.recipe import Phase, Recipe, check_names
from mask2face.registry import lookup


def check_phases(recipe: Recipe) -> None:
    """Check that the objective of every phase works, before the first one is trained.

    Raises:
        UnknownNameError: a name is not registered.
        ConfigurationError: the net does not give a term that a phase names, or its crops are too
            small for a loss or for the critic.
    """
    check_names(recipe)
    given = [term for term, net in NET_TERMS.items() if net == recipe.net]
    for phase in recipe.phases:
        least = {f"the loss {name!r}": LEAST_SIDES.get(name, 1) for name in phase.losses}
        if phase.adversarial:
            least[f"the critic {recipe.critic!r}"] = CRITICS[recipe.critic].LEAST_SIDE
        for who, side in least.items():
            require(phase.side >= side, "side", phase.side, f"{side} or more, which {who} needs")
        for name in NET_TERMS:
            if name in phase.losses:
                check_term(name, given)


class Objective(nn.Module):
    """The losses of the current phase; it owns the critic and the critic's optimiser.

    A step of the trainer is, for each of its micro-batches, `net_losses` and, after the net's
    backward pass, `critic_backward`; then once `critic_step`. Where several processes train, the
    gradients of `critic_parameters` are averaged over them before `critic_step`, as the net's are:

        for inputs, target, hole in micro_batches:
            prediction, terms = net.learn(inputs, target, hole)
            parts = objective.net_losses(prediction, target, hole, terms, step)
            (sum(parts.values()) * share).backward()  # share of the step's crops
            objective.critic_backward(share)
        # here: average the gradients of net and objective.critic_parameters() over processes
        optimizer.step()
        losses |= objective.critic_step(rate_share)

    Nothing is drawn at random here, and all that lasts longer than a step is in `state`.
    The term `perceptual` is computed here when a critic looks at the same features anyway.

    Args:
        recipe: of the run.

    Raises:
        UnknownNameError: the recipe's critic is not in `CRITICS`.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.critic: ProjectedCritic | PatchCritic | None = None
        self.features: LiteFeatures | None = None
        self.optimizer: torch.optim.Optimizer | None = None
        kind = lookup("critic", CRITICS, recipe.critic)
        if any(phase.adversarial for phase in recipe.phases):
            self.features = LiteFeatures(kind.STAGES) if kind.STAGES else None
            self.critic = kind(self.features.channels if self.features else (3,))
            self.optimizer = torch.optim.AdamW(self.critic.parameters(), betas=(0.5, 0.99))
        self._recipe = recipe
        self._losses: WeightedLoss | None = None
        self._perceptual = 0.0
        self._seen: tuple[list[Tensor], list[Tensor], Tensor] | None = None
        self._told: dict[str, float] = {}  # the critic's losses of this step so far
        self.enter(recipe.phases[0])

    def enter(self, phase: Phase) -> None:
        """Take over the losses and weights of `phase`."""
        self._phase = phase
        left = dict(phase.losses)
        shared = phase.adversarial and self.features is not None
        self._perceptual = left.pop("perceptual", 0.0) if shared else 0.0
        self._losses = weighted(left) if left else None

    def net_losses(
        self,
        prediction: Tensor,
        target: Tensor,
        hole: Tensor,
        terms: Mapping[str, Tensor] | None = None,
        step: int = 0,
    ) -> dict[str, Tensor]:
        """Return the weighted terms of the net's loss on a batch, or on a micro-batch.

        The weight of "kl" rises evenly from 0 at the run's first step to its full value after
        `Recipe.kl_warmup` steps (Bowman et al. 2016, arXiv:1511.06349, section 3.1; there along a
        sigmoid), so that the net first learns to use its latent numbers.

        Args:
            prediction: (N, 4, S, S).
            target: (N, 3, S, S).
            hole: (N, 1, S, S), the true one.
            terms: scalars that the net computed itself, unweighted, by their names in `NET_TERMS`;
                those that the phase does not name are left out.
            step: of the run, 0 the first.

        Raises:
            ConfigurationError: the phase names a term that the net does not give.
        """
        parts = self._losses.parts(prediction, target, hole, terms) if self._losses else {}
        if "kl" in parts and step < self._recipe.kl_warmup:
            parts["kl"] = parts["kl"] * (step / self._recipe.kl_warmup)
        if self._phase.adversarial and self.critic is not None:
            real, filled = self._look(prediction, target, hole)
            if self._perceptual:
                parts["perceptual"] = self._perceptual * distance(filled, real, hole)
            self.critic.requires_grad_(False)
            verdicts = self.critic(filled, hole)
            parts["adversarial"] = self._phase.adversarial * adversarial_loss(verdicts)
            self._seen = real, [view.detach() for view in filled], hole
        return parts

    def _look(
        self, prediction: Tensor, target: Tensor, hole: Tensor
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return what the critic looks at, of the real and of the filled crops."""
        # only what the net paints inside the true hole is new to the critic
        with torch.autocast(target.device.type, enabled=False):
            composite = target + hole * (prediction[:, :3].float() - target)
            if self.features is None:
                return [target], [composite]
            filled = self.features(composite)
            with torch.no_grad():
                return self.features(target), filled

    def critic_backward(self, share: float = 1.0) -> None:
        """Add the gradients of the critic's loss on the crops of the last `net_losses`.

        Does nothing in a phase without a critic, and nothing a second time.

        Args:
            share: factor of the loss: the micro-batch's share of the step's crops.
        """
        if self._seen is None or self.critic is None:
            return
        real, filled, hole = self._seen
        self._seen = None
        self.critic.requires_grad_(True)
        terms = critic_terms(self.critic, real, filled, hole, self._recipe.r1)
        torch.autograd.backward(share * torch.stack(list(terms.values())).sum())
        for name, value in terms.items():
            self._told[name] = self._told.get(name, 0.0) + share * float(value.detach())

    def critic_parameters(self) -> list[nn.Parameter]:
        """Return what `critic_step` moves, to average its gradients over processes.

        In a phase without a critic the gradients are None.
        """
        return [] if self.critic is None else list(self.critic.parameters())

    def critic_step(self, rate_share: float) -> dict[str, float]:
        """Move the critic along the gradients that `critic_backward` added up.

        A batch that `critic_backward` has not seen yet is given to it first.

        Args:
            rate_share: learning rate as a share of the phase's `critic_rate`.

        Returns:
            The step's losses of the critic: "critic", and "r1" where the recipe asks for it.
            Nothing in a phase without a critic.
        """
        self.critic_backward()
        told, self._told = self._told, {}
        if not told or self.optimizer is None:
            return {}
        self.optimizer.param_groups[0]["lr"] = rate_share * self._phase.critic_rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return told

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
