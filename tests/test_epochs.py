import pytest

from mask2face.checkpoint import Checkpoint
from mask2face.epochs import Epochs
from mask2face.errors import ConfigurationError, UnknownNameError, UsageError
from mask2face.recipe import check_names


def recipe(net="resnet_unet", pairs=100, **changes):
    plan = Epochs(**({"epochs": 2, "batch_size": 10} | DEFAULTS | changes))
    return plan.recipe(Checkpoint(net, {}, 64), pairs)


DEFAULTS = {"loss_function": "ssim_l1_loss", "learning_rate": 1e-4}


def test_one_loss_and_the_hole():
    made = recipe()
    assert len(made.phases) == 1
    assert made.phases[0].losses == {"ssim_l1_loss": 1.0, "hole_bce": 0.3}
    assert (made.phases[0].steps, made.validate_every) == (20, 10)
    assert (made.kl_warmup, made.patience, made.weight_decay) == (0, 0, 0)


@pytest.mark.parametrize(("net", "term", "warmup"), [("vae", "kl", 6), ("refinement", "coarse", 0)])
def test_terms_that_a_net_adds_itself(net, term, warmup):
    made = recipe(net)
    check_names(made)
    assert made.phases[0].losses[term] > 0
    assert made.kl_warmup == warmup


def test_the_critic_joins_for_the_last_steps():
    first, last = recipe(adversarial=0.05).phases
    assert (first.steps, first.adversarial) == (14, 0)
    assert (last.steps, last.adversarial) == (6, 0.05)
    assert recipe(adversarial=0.05).critic == "patch"
    (only,) = recipe(adversarial=0.05, pairs=1, epochs=1).phases
    assert (only.steps, only.adversarial) == (1, 0.05)


def test_patience_and_seed_are_handed_on():
    made = recipe(patience=3, seed=7)
    assert (made.patience, made.seed) == (3, 7)


def test_what_makes_no_sense_is_said():
    with pytest.raises(UsageError, match="drop one"):
        recipe(adversarial=0.1, patience=2)
    for epochs in (0, -1, float("inf"), float("nan")):
        with pytest.raises(UsageError, match=f"epochs is {epochs}"):
            recipe(epochs=epochs)
    with pytest.raises(UnknownNameError, match="did you mean 'mse'"):
        recipe(loss_function="mze")
    with pytest.raises(ConfigurationError, match="'patience' is -1"):
        recipe(patience=-1)
    with pytest.raises(ConfigurationError, match="'adversarial' is -1"):
        recipe(adversarial=-1)
