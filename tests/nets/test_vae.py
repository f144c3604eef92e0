"""The divergence against torch's own, what noise changes and what not, a few steps of training."""

import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.distributions import Normal
from torch.distributions import kl_divergence as independent_kl

from mask2face import devices
from mask2face.nets.extras import Extra, extra_of, run
from mask2face.nets.vae import VAE, Gaussian, kl_divergence

SIDE = 32
SMALL = {"filters": (8, 12, 16), "kernels": (5, 3, 3), "latent": 6}


def crops(count: int = 3, side: int = SIDE, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def noise(count: int = 3, seed: int = 3) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def lower_half(count: int = 3, side: int = SIDE) -> Tensor:
    hole = torch.zeros(count, 1, side, side)
    hole[:, :, side // 2 :] = 1
    return hole


@pytest.fixture
def net() -> VAE:
    torch.manual_seed(0)
    return VAE(**SMALL)


def gaussian(seed: int, count: int = 4, latent: int = 5) -> Gaussian:
    generator = torch.Generator().manual_seed(seed)
    mean, log = (torch.randn(count, latent, generator=generator) for _ in range(2))
    return Gaussian(mean.double(), log.double())


class TestDivergence:
    def test_known_numbers(self) -> None:
        standard = Gaussian(torch.zeros(1, 1), torch.zeros(1, 1))
        assert float(kl_divergence(standard, standard)) == 0
        moved = Gaussian(torch.full((1, 1), 2.0), torch.zeros(1, 1))
        assert float(kl_divergence(moved, standard)) == pytest.approx(2)  # 2^2 / 2
        # half as wide: 1/2 (1/4 - 1) + log 2
        narrow = Gaussian(torch.zeros(1, 1), torch.full((1, 1), -np.log(2)))
        assert float(kl_divergence(narrow, standard)) == pytest.approx(-0.375 + np.log(2))

    def test_equals_torch_distributions(self) -> None:
        one, other = gaussian(1), gaussian(2)
        wanted = independent_kl(
            *(Normal(which.mean, which.log_deviation.exp()) for which in (one, other))
        )
        assert wanted.shape == (4, 5)
        torch.testing.assert_close(kl_divergence(one, other), wanted)
        assert (wanted > 0).all()

    def test_gradient(self) -> None:
        tensors = [
            x.requires_grad_(True)
            for which in (gaussian(1), gaussian(2))
            for x in (which.mean, which.log_deviation)
        ]
        assert torch.autograd.gradcheck(
            lambda a, b, c, d: kl_divergence(Gaussian(a, b), Gaussian(c, d)), tensors
        )

    def test_samples_have_the_mean_and_the_deviation(self) -> None:
        found = Gaussian(torch.tensor([[3.0]]), torch.tensor([[-1.0]]))
        drawn = found.sample(torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0)))
        assert float(drawn.mean()) == pytest.approx(3, abs=0.02)
        assert float(drawn.std()) == pytest.approx(np.exp(-1), abs=0.02)
        assert torch.equal(found.sample(torch.zeros(1, 1)), found.mean)

    def test_wild_numbers_stay_finite(self) -> None:
        wild, tame = Gaussian.of(torch.full((1, 4), 1e6)), Gaussian.of(torch.full((1, 4), -1e6))
        assert torch.isfinite(kl_divergence(wild, tame)).all()
        assert float(wild.log_deviation.abs().max()) <= 5


class TestNoise:
    def test_the_net_says_what_it_wants(self, net: VAE) -> None:
        assert extra_of(net) == Extra("noise", 6)
        assert torch.equal(run(net, crops()), net(crops(), torch.zeros(3, 6)))

    def test_equal_noise_gives_equal_faces_and_other_noise_others(self, net: VAE) -> None:
        with torch.no_grad():
            one, same, other = (net(crops(), noise(seed=seed)) for seed in (1, 1, 2))
        assert torch.equal(one, same)
        assert float((one[:, :3] - other[:, :3]).abs().amax((1, 2, 3)).min()) > 1e-3

    def test_the_hole_is_the_same_for_any_noise(self, net: VAE) -> None:
        with torch.no_grad():
            one, other = (net(crops(), noise(seed=seed))[:, 3] for seed in (1, 2))
        assert torch.equal(one, other)
        assert float(one.std()) > 0

    def test_the_hole_does_not_know_the_target(self, net: VAE) -> None:
        with torch.no_grad():
            one, other = (
                net.learn(crops(), crops(seed=seed), lower_half())[0][:, 3] for seed in (1, 2)
            )
        assert torch.equal(one, other)

    @pytest.mark.parametrize("shape", [(3, 5), (2, 6), (6,), (3, 6, 1)])
    def test_other_shapes_are_refused(self, net: VAE, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=r"'noise' \(3, 6\) beside 3 crops, got \("):
            net(crops(), torch.zeros(shape))


class TestLearn:
    def test_equal_seeds_give_equal_predictions(self, net: VAE) -> None:
        found = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            with torch.no_grad():
                found.append(net.learn(crops(), crops(seed=2), lower_half()))
        assert torch.equal(found[0][0], found[1][0])
        assert not torch.equal(found[0][0], found[2][0])
        assert len({float(terms["kl"]) for _, terms in found}) == 1  # in closed form

    def test_it_is_forward_where_the_prior_is_taken(self) -> None:
        torch.manual_seed(0)
        net = VAE(**SMALL, prior_share=0.999999)
        prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
        torch.testing.assert_close(prediction, run(net, crops()))
        assert set(terms) == {"kl"}
        assert terms["kl"].shape == ()
        assert float(terms["kl"].detach()) > 0

    def test_the_target_outside_the_hole_is_not_seen(self, net: VAE) -> None:
        target = crops(seed=2)
        outside = torch.where(lower_half() > 0, target, crops(seed=5))
        inside = torch.where(lower_half() > 0, crops(seed=5), target)
        with torch.no_grad():
            one, same, other = (
                float(net.learn(crops(), x, lower_half())[1]["kl"])
                for x in (target, outside, inside)
            )
        assert one == same != other

    def test_the_term_is_the_divergence_a_crop(self, net: VAE) -> None:
        seen: list[Tensor] = []
        for head in (net.posterior, net.prior):
            head.register_forward_hook(lambda _, __, numbers: seen.append(numbers))
        net.free_bits = 0.0
        with torch.no_grad():
            term = net.learn(crops(), crops(seed=2), lower_half())[1]["kl"]
        prior, posterior = (Gaussian.of(numbers) for numbers in seen)
        torch.testing.assert_close(term, kl_divergence(posterior, prior).sum(1).mean())

    def test_no_number_of_z_costs_less_than_its_free_bits(self) -> None:
        torch.manual_seed(0)
        dear = VAE(**SMALL, free_bits=100.0)
        _, terms = dear.learn(crops(), crops(seed=2), lower_half())
        assert float(terms["kl"].detach()) == pytest.approx(600)
        torch.autograd.backward(terms["kl"])
        assert all(p.grad is None or not p.grad.any() for p in dear.parameters())

    def test_every_parameter_learns(self, net: VAE) -> None:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
        for _ in range(2):  # branches that start at zero block what lies behind them
            optimizer.zero_grad()
            prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
            loss = (prediction - crops(seed=4).mean()).square().mean() + 0.1 * terms["kl"]
            torch.autograd.backward(loss)
            optimizer.step()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert float(parameter.grad.abs().sum()) > 0, name

    def test_z_carries_what_the_crop_does_not_say(self) -> None:
        torch.manual_seed(0)
        net = VAE(**SMALL, prior_share=0.0)
        optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
        side = SIDE // 2
        hole, levels = lower_half(8, side), torch.linspace(0.1, 0.9, 8)[:, None, None, None]
        masked = crops(1, side).expand(8, -1, -1, -1) * (1 - hole)  # eight times the same crop
        target = masked + hole * levels
        for _ in range(60):
            prediction, terms = net.learn(masked, target, hole)
            loss = ((prediction[:, :3] - target).abs() * hole).mean() + 1e-4 * terms["kl"]
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
        with torch.no_grad():
            error = ((net.learn(masked, target, hole)[0][:, :3] - target) * hole).abs().mean() * 2
            drawn = net(masked, noise(8))[:, :3]
        assert float(error) < 0.1  # without z at best 0.23, the eight levels' deviation
        assert float(drawn[:, :, side // 2 :].std(0).mean()) > 0.05

    @pytest.mark.parametrize("side", [30, 33])
    def test_other_sides_are_refused(self, net: VAE, side: int) -> None:
        x, hole = crops(1, side), lower_half(1, side)
        for call in (lambda: net(x, noise(1)), lambda: net.learn(x, x, hole)):
            with pytest.raises(ValueError, match=rf"{side} is not a multiple of 8.*32"):
                call()


@pytest.mark.parametrize("side", [8, 32, 72])
def test_shape_and_range_at_any_side(net: VAE, side: int) -> None:
    with torch.no_grad():
        out = net(crops(2, side), noise(2))
        learned, terms = net.learn(crops(2, side), crops(2, side, 2), lower_half(2, side))
    for x in (out, learned):
        assert x.shape == (2, 4, side, side)
        assert x.dtype == torch.float32
        assert float(x.min()) >= 0
        assert float(x.max()) <= 1
    assert torch.isfinite(terms["kl"])


def test_it_works_in_bf16(net: VAE) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
    assert prediction.dtype == terms["kl"].dtype == torch.float32
    assert torch.isfinite(prediction).all()


def test_saved_and_loaded_it_is_the_same_net(net: VAE, tmp_path) -> None:
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    loaded = VAE(**SMALL)
    loaded.load_state_dict(load_file(tmp_path / "net.safetensors"))
    with torch.no_grad():
        assert torch.equal(loaded.eval()(crops(), noise()), net.eval()(crops(), noise()))


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        ({"filters": (8, 8), "kernels": (3,)}, "one entry a block"),
        ({"filters": (), "kernels": ()}, "one entry a block"),
        ({"filters": (8,), "kernels": (2,)}, "kernels odd"),
        ({"latent": 0}, "latent of 1 or more"),
        ({"free_bits": -1.0}, "free_bits of 0 or more"),
        ({"free_bits": float("inf")}, "free_bits of 0 or more"),
        ({"prior_share": 1.0}, r"prior_share in \[0, 1\)"),
        ({"prior_share": -0.1}, r"prior_share in \[0, 1\)"),
    ],
)
def test_wrong_options_are_refused_with_the_fix(options: dict[str, object], fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        VAE(**options)  # type: ignore[arg-type]


def test_it_exports_with_two_inputs() -> None:
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    net = VAE((8, 8), (3, 3), latent=6).eval()  # small: the exporter is slow
    batch = torch.export.Dim("N", min=1, max=64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's exporter warns about its own internals
        program = torch.onnx.export(
            net,
            (crops(2), noise(2)),
            input_names=["crops", "noise"],
            output_names=["restored"],
            opset_version=18,
            dynamic_shapes=({0: batch}, {0: batch}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    session = devices.session(program.model_proto.SerializeToString(), "cpu")
    for count in (1, 5):
        inputs = {"crops": crops(count).numpy(), "noise": noise(count).numpy()}
        with torch.no_grad():
            wanted = net(crops(count), noise(count)).numpy()
        assert np.abs(session.run(["restored"], inputs)[0] - wanted).max() < 1e-4
