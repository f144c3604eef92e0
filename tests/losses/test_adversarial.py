import pytest
import torch

from mask2face.losses.adversarial import Critic, critic_loss, net_loss
from mask2face.losses.hole import touched


def maps(value, count=2):
    return [torch.full((2, 1, size, size), float(value)) for size in (8, 4)[:count]]


def hole(share=1.0):
    found = torch.zeros(2, 1, 16, 16)
    found[:, :, : int(16 * share)] = 1
    return found


def test_known_hinge_values():
    assert float(critic_loss(maps(2), maps(-3), hole())) == pytest.approx(0)
    assert float(critic_loss(maps(0), maps(0), hole())) == pytest.approx(2)
    assert float(critic_loss(maps(-1), maps(2), hole())) == pytest.approx(5)
    assert float(net_loss(maps(0.5), hole())) == pytest.approx(-0.5)


def test_the_net_is_paid_for_being_taken_for_real():
    values = [float(net_loss(maps(value), hole())) for value in (-1, 0, 1)]
    assert values == sorted(values, reverse=True)


def test_only_positions_that_the_hole_touches_count():
    verdicts = maps(1)
    for verdict in verdicts:
        verdict[:, :, verdict.shape[2] // 2 :] = -50
    assert float(net_loss(verdicts, hole(0.5))) == pytest.approx(-1, abs=1e-4)
    assert float(net_loss(verdicts, hole(1.0))) == pytest.approx(24.5, abs=1e-3)


def test_without_a_hole_nothing_is_learned():
    verdicts = [value.requires_grad_() for value in maps(3)]
    loss = net_loss(verdicts, torch.zeros(2, 1, 16, 16))
    torch.autograd.backward(loss)
    assert float(loss.detach()) == 0
    assert all(not value.grad.any() for value in verdicts)


def test_a_hole_of_one_pixel_touches_one_position():
    one = torch.zeros(1, 1, 16, 16)
    one[..., 5, 9] = 0.7
    found = touched(one, torch.zeros(1, 3, 4, 4))
    assert found.shape == (1, 1, 4, 4)
    assert float(found[0, 0, 1, 2]) == pytest.approx(0.7)
    assert float(found.sum()) == pytest.approx(0.7)


def test_the_critic_gives_a_verdict_for_each_position():
    torch.manual_seed(0)
    critic = Critic((5, 7), width=6)
    features = [torch.rand(2, 5, 8, 8), torch.rand(2, 7, 4, 4)]
    verdicts = critic(features, hole(0.5))
    assert [tuple(value.shape) for value in verdicts] == [(2, 1, 8, 8), (2, 1, 4, 4)]
    assert not torch.equal(verdicts[0], critic(features, hole(1.0))[0]), "it sees the hole"
    with pytest.raises(ValueError, match="zip"):
        critic(features[:1], hole())


def test_a_critic_learns_to_tell_and_a_net_to_please_it():
    torch.manual_seed(0)
    critic = Critic((4,), width=8)
    optimizer = torch.optim.Adam(critic.parameters(), 0.02)
    real, filled = [torch.randn(4, 4, 8, 8) + 1], [torch.randn(4, 4, 8, 8) - 1]
    covered = torch.ones(4, 1, 16, 16)
    losses = []
    for _ in range(40):
        loss = critic_loss(critic(real, covered), critic(filled, covered), covered)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]
    guess = filled[0].clone().requires_grad_()
    before = net_loss(critic([guess], covered), covered)
    torch.autograd.backward(before)
    assert torch.isfinite(guess.grad).all()
    moved = guess.detach() - 20 * guess.grad
    after = net_loss(critic([moved], covered), covered)
    assert float(after.detach()) < float(before.detach())


def test_one_step_of_the_critic_is_bounded():
    torch.manual_seed(0)
    critic = Critic((4,), width=8)
    for parameter in critic.parameters():
        parameter.data *= 1000
    for _ in range(20):
        critic([torch.rand(2, 4, 4, 4)], hole())  # power iterations
    heads = [layer for layer in critic.heads[0] if hasattr(layer, "weight")]
    for layer in heads:
        norm = torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)
        assert float(norm) == pytest.approx(1, rel=0.05)
