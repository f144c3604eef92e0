import pytest
import torch
import torch.nn.functional as F

from mask2face.losses.adversarial import (
    CRITICS,
    PatchCritic,
    ProjectedCritic,
    Verdict,
    critic_loss,
    critic_terms,
    net_loss,
    r1_penalty,
)
from mask2face.losses.hole import touched


def hole(share=1.0, count=2, side=16):
    found = torch.zeros(count, 1, side, side)
    found[:, :, : int(side * share)] = 1
    return found


def verdicts(value, share=1.0):
    maps = [torch.full((2, 1, size, size), float(value)) for size in (8, 4)]
    return [Verdict(values, touched(hole(share), values)) for values in maps]


def test_known_hinge_values():
    assert float(critic_loss(verdicts(2), verdicts(-3))) == pytest.approx(0)
    assert float(critic_loss(verdicts(0), verdicts(0))) == pytest.approx(2)
    assert float(critic_loss(verdicts(-1), verdicts(2))) == pytest.approx(5)
    assert float(net_loss(verdicts(0.5))) == pytest.approx(-0.5)


def test_the_net_is_paid_for_being_taken_for_real():
    values = [float(net_loss(verdicts(value))) for value in (-1, 0, 1)]
    assert values == sorted(values, reverse=True)


def test_only_positions_that_the_hole_touches_count():
    for share, wanted in ((0.5, -1), (1.0, 24.5)):
        found = verdicts(1, share)
        for values, _ in found:
            values[:, :, values.shape[2] // 2 :] = -50
        assert float(net_loss(found)) == pytest.approx(wanted, abs=1e-3)


def test_without_a_hole_nothing_is_learned():
    found = [Verdict(values.requires_grad_(), weight) for values, weight in verdicts(3, 0)]
    loss = net_loss(found)
    torch.autograd.backward(loss)
    assert float(loss.detach()) == 0
    assert all(not values.grad.any() for values, _ in found)


def test_a_hole_of_one_pixel_touches_one_position():
    one = torch.zeros(1, 1, 16, 16)
    one[..., 5, 9] = 0.7
    found = touched(one, torch.zeros(1, 3, 4, 4))
    assert found.shape == (1, 1, 4, 4)
    assert float(found[0, 0, 1, 2]) == pytest.approx(0.7)
    assert float(found.sum()) == pytest.approx(0.7)


def test_the_projected_critic_gives_a_verdict_for_each_position():
    torch.manual_seed(0)
    critic = ProjectedCritic((5, 7), width=6)
    views = [torch.rand(2, 5, 8, 8), torch.rand(2, 7, 4, 4)]
    found = critic(views, hole(0.5))
    assert [tuple(values.shape) for values, _ in found] == [(2, 1, 8, 8), (2, 1, 4, 4)]
    assert [float(weight.sum()) for _, weight in found] == [64, 16]
    whole = critic(views, hole(1.0))
    assert not torch.equal(found[0].values, whole[0].values), "it sees the hole"
    with pytest.raises(ValueError, match="zip"):
        critic(views[:1], hole())


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 48), (36, 36)])
def test_the_patch_critic_judges_the_whole_crop_and_the_hole(height, width):
    torch.manual_seed(0)
    critic = PatchCritic()
    covered = torch.zeros(2, 1, height, width)
    covered[..., height // 2 :, :] = 1
    (whole, everywhere), (around, weight) = critic([torch.rand(2, 3, height, width)], covered)
    shape = (2, 1, height // 8, width // 8)
    assert whole.shape == around.shape == everywhere.shape == weight.shape == shape
    assert (everywhere == 1).all()
    assert torch.equal(weight, touched(covered, around))
    assert 0 < float(weight.sum()) < weight.numel()
    assert not torch.equal(whole, around), "two scores"


def test_a_patch_is_as_wide_as_it_says():
    torch.manual_seed(0)
    crops = torch.rand(1, 3, 128, 128).requires_grad_()
    for verdict in PatchCritic().eval()([crops], hole(1.0, 1, 128)):
        crops.grad = None
        torch.autograd.backward(verdict.values[0, 0, 8, 8], retain_graph=True)
        columns = crops.grad.abs().sum((0, 1, 2)).nonzero().flatten()
        assert int(columns[-1] - columns[0]) + 1 == 54


def test_the_patch_critic_sees_the_hole_and_takes_one_view():
    torch.manual_seed(0)
    critic, crops = PatchCritic().eval(), torch.rand(1, 3, 32, 32)
    there, elsewhere = (critic([crops], hole(share, 1, 32))[0].values for share in (0.5, 1.0))
    assert not torch.equal(there, elsewhere)
    with pytest.raises(ValueError, match="unpack"):
        critic([crops, crops], hole(1.0, 1, 32))


def two_kinds(name):
    """Return a critic, its rate, real and filled views that differ, all drawn from seed 0."""
    torch.manual_seed(0)
    if name == "projected":
        real, filled = torch.randn(4, 4, 8, 8) + 1, torch.randn(4, 4, 8, 8) - 1
        return ProjectedCritic((4,), width=8), 0.02, real, filled
    sharp = torch.rand(2, 3, 32, 32)
    return PatchCritic(), 0.001, sharp, 0.6 * F.avg_pool2d(sharp, 3, 1, 1)


@pytest.mark.parametrize("name", sorted(CRITICS))
def test_a_critic_learns_to_tell_and_a_net_to_please_it(name):
    critic, rate, real, filled = two_kinds(name)
    optimizer = torch.optim.Adam(critic.parameters(), rate)
    covered = hole(1.0, len(real), 32)
    losses = []
    for _ in range(40 if name == "projected" else 16):
        loss = critic_loss(critic([real], covered), critic([filled], covered))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]
    critic.eval().requires_grad_(False)
    guess = filled.clone().requires_grad_()
    before = net_loss(critic([guess], covered))
    torch.autograd.backward(before)
    assert torch.isfinite(guess.grad).all()
    moved = guess.detach() - 20 * guess.grad
    after = net_loss(critic([moved], covered))
    assert float(after) < float(before.detach())


@pytest.mark.parametrize("name", sorted(CRITICS))
def test_a_critic_is_bounded(name):
    torch.manual_seed(0)
    critic = CRITICS[name]((3,))
    for parameter in critic.parameters():
        parameter.data *= 1000
    for _ in range(20):
        critic([torch.rand(2, 3, 16, 16)], hole())  # power iterations
    layers = [layer for layer in critic.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(layers) == {"projected": 3, "patch": 6}[name]
    for layer in layers:
        norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(norm) == pytest.approx(1, rel=0.1)


def test_r1_by_hand():
    # each verdict is 3 x its only pixel, so that its squared gradient is 9
    crops = torch.rand(2, 1, 4, 4).requires_grad_()
    weight = torch.zeros(2, 1, 4, 4)
    weight[:, :, :2] = 1
    everywhere = Verdict(3 * crops, torch.ones(2, 1, 4, 4))
    assert float(r1_penalty([everywhere], crops).detach()) == pytest.approx(4.5)
    half = Verdict(3 * crops, weight)
    assert float(r1_penalty([half], crops).detach()) == pytest.approx(4.5), "patches that count"
    flat = Verdict(0 * crops, weight)
    assert float(r1_penalty([everywhere, flat], crops).detach()) == pytest.approx(2.25)
    bare = Verdict(3 * crops, 0 * weight)
    assert float(r1_penalty([bare], crops).detach()) == 0


def test_r1_makes_a_critic_flat_at_real_crops():
    torch.manual_seed(0)
    critic = PatchCritic()
    optimizer = torch.optim.Adam(critic.parameters(), 0.01)
    real, filled, covered = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), hole(0.5, 2, 32)
    plain = critic_terms(critic, [real], [filled], covered)
    assert set(plain) == {"critic"}
    slopes = []
    for _ in range(8):
        terms = critic_terms(critic, [real], [filled], covered, r1=50.0)
        assert set(terms) == {"critic", "r1"}
        optimizer.zero_grad()
        torch.autograd.backward(terms["r1"])
        optimizer.step()
        slopes.append(float(terms["r1"].detach()))
    assert 0 < slopes[-1] < 0.5 * slopes[0]
    assert not real.requires_grad
