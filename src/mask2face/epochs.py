"""Training as the article says it: epochs, batch size, one named loss -> `Recipe`."""

import math
from dataclasses import dataclass
from typing import Final

from mask2face.checkpoint import Checkpoint
from mask2face.errors import UsageError
from mask2face.losses import LOSSES
from mask2face.recipe import Phase, Recipe
from mask2face.registry import lookup

_HOLE_WEIGHT: Final = 0.3  # of the hole's cross-entropy beside the loss that was asked for
_NET_TERMS: Final = {"vae": {"kl": 5e-5}, "refinement": {"coarse": 1.0}}  # what a net adds itself
_KL_WARMUP: Final = 0.3  # of all steps
_ADVERSARIAL_SHARE: Final = 0.3  # of all steps, the last ones
_CHUNK: Final = 512  # pairs in memory at once; 330 MB at 256 px


@dataclass(frozen=True)
class Epochs:
    """How to train, in the article's words.

    Attributes:
        epochs: times each training pair is seen.
        batch_size: pairs in a step.
        loss_function: a key of `losses.LOSSES`.
        learning_rate: of Adam.
        adversarial: weight of a PatchGAN critic's verdict in the last 30 % of the steps; 0 trains
            without.
        patience: epochs without a better validation after which training stops; 0 is never.
        seed: of the pairs' order.
    """

    epochs: float
    batch_size: int
    loss_function: str
    learning_rate: float
    adversarial: float = 0.0
    patience: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what a recipe would complain of in other words.

        Raises:
            UsageError: a number is not accepted, or two contradict each other.
            UnknownNameError: no such loss.
        """
        if not 0 < self.epochs < math.inf or self.batch_size < 1:
            raise UsageError(
                f"epochs is {self.epochs}, batch_size is {self.batch_size}: "
                "both must be above 0, and finite"
            )
        lookup("loss", LOSSES, self.loss_function)
        if self.adversarial and self.patience:
            raise UsageError(
                f"adversarial is {self.adversarial} and patience {self.patience}: a critic makes "
                "faces sharper and their PSNR lower, so stopping by it makes no sense; drop one"
            )

    def recipe(self, about: Checkpoint, pairs: int) -> Recipe:
        """Return the recipe that shows each of `pairs` pairs `epochs` times to a net.

        Args:
            about: names the net, its options and the crop side.
            pairs: in the training split.

        Raises:
            ConfigurationError: a number is not accepted.
        """
        steps = max(1, math.ceil(self.epochs * pairs / self.batch_size))
        return Recipe(
            self._phases(about, steps),
            about.net,
            about.options,
            seed=self.seed,
            weight_decay=0.0,  # AdamW without it is Adam
            echo=1,
            chunk=_CHUNK,
            validate_every=max(1, math.ceil(pairs / self.batch_size)),
            critic="patch",
            kl_warmup=round(_KL_WARMUP * steps) if about.net == "vae" else 0,
            patience=self.patience,
        )

    def _phases(self, about: Checkpoint, steps: int) -> tuple[Phase, ...]:
        """Return one phase, or one without and one with the critic."""
        terms = {self.loss_function: 1.0, "hole_bce": _HOLE_WEIGHT, **_NET_TERMS.get(about.net, {})}
        late = max(1, round(_ADVERSARIAL_SHARE * steps)) if self.adversarial else 0
        parts = [(steps - late, 0.0), (late, self.adversarial)]
        return tuple(
            Phase(
                side=about.side,
                steps=count,
                batch=self.batch_size,
                rate=self.learning_rate,
                losses=terms,
                adversarial=weight,
            )
            for count, weight in parts
            if count
        )
