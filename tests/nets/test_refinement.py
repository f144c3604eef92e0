"""Two stages that begin almost as one, the first one's loss, and the file they become."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from mask2face.exporters.onnx import export
from mask2face.losses import HOLE_LOSSES, LOSSES
from mask2face.nets.extras import extra_of
from mask2face.nets.refinement import Refinement
from mask2face.restorer import ModelCard

SIDE = 32
SMALL = {
    "filters": (8, 12),
    "kernels": (5, 3),
    "coarse_filters": (8, 12, 16),
    "coarse_kernels": (3, 3, 3),
}


def crops(count: int = 3, side: int = SIDE, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def lower_half(count: int = 3, side: int = SIDE) -> Tensor:
    hole = torch.zeros(count, 1, side, side)
    hole[:, :, side // 2 :] = 1
    return hole


def rough_of(net: Refinement, inputs: Tensor) -> Tensor:
    """Return what the first stage alone says, (N, 4, S/2, S/2) in [0, 1]."""
    return torch.sigmoid(net.coarse(functional.avg_pool2d(inputs, 2) * 2 - 1))


@pytest.fixture
def net() -> Refinement:
    torch.manual_seed(0)
    return Refinement(**SMALL)


def fit(net: Refinement, steps: int, *, coarse: float = 1.0) -> None:
    """Train a little, so that the refinement is not nothing."""
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(steps):
        prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
        error = (prediction[:, :3] - crops(seed=2)).abs().mean()
        optimizer.zero_grad()
        torch.autograd.backward(error + coarse * terms["coarse"])
        optimizer.step()


def test_it_wants_nothing_beside_the_crops(net: Refinement) -> None:
    assert extra_of(net) is None
    assert net.multiple == 16


def test_the_multiple_is_that_of_the_deeper_stage() -> None:
    deep = Refinement((8,) * 5, (3,) * 5, (8,), (3,)).eval()
    assert deep.multiple == 32
    with torch.no_grad():
        assert deep(crops(1, 32)).shape == (1, 4, 32, 32)


def test_it_begins_almost_as_the_enlarged_first_stage(net: Refinement) -> None:
    with torch.no_grad():
        rough, out = torch.logit(rough_of(net, crops())), net(crops())
    large = functional.interpolate(rough, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(out, torch.sigmoid(large), atol=0.01, rtol=0)
    assert not torch.equal(out, torch.sigmoid(large))


def test_the_second_stage_sees_the_crop_the_rough_fill_and_the_rough_hole(net: Refinement) -> None:
    seen: list[Tensor] = []
    net.fine.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    nothing, everything = -50.0, 50.0  # logits of the rough hole
    with torch.no_grad():
        for hole in (nothing, everything):
            net._refine(crops(), torch.full((3, 4, SIDE // 2, SIDE // 2), hole))
    for x in seen:
        assert x.shape == (3, 7, SIDE, SIDE)
        torch.testing.assert_close(x[:, :3], crops() * 2 - 1)
    torch.testing.assert_close(seen[0][:, 3:6], crops() * 2 - 1)  # outside nothing is touched
    torch.testing.assert_close(seen[1][:, 3:6], torch.ones(3, 3, SIDE, SIDE))
    assert [float(x[:, 6].mean()) for x in seen] == pytest.approx([-1, 1])


class TestLearn:
    def test_the_prediction_is_that_of_forward(self, net: Refinement) -> None:
        fit(net, 3)
        with torch.no_grad():
            prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
            assert torch.equal(prediction, net(crops()))
        assert set(terms) == {"coarse"}
        assert terms["coarse"].shape == ()

    def test_the_term_is_the_loss_of_the_first_stage(self, net: Refinement) -> None:
        hole = torch.rand(3, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(4))
        with torch.no_grad():
            rough = rough_of(net, crops())
            found = net.learn(crops(), crops(seed=2), hole)[1]["coarse"]
        target, small = (functional.avg_pool2d(x, 2) for x in (crops(seed=2), hole))
        wanted = LOSSES["hole_l1"](rough[:, :3], target, small)
        wanted = wanted + HOLE_LOSSES["hole_bce"](rough[:, 3:], small)
        torch.testing.assert_close(found, wanted)

    def test_without_a_hole_it_is_finite(self, net: Refinement) -> None:
        _, terms = net.learn(crops(), crops(), torch.zeros(3, 1, SIDE, SIDE))
        torch.autograd.backward(terms["coarse"])
        assert torch.isfinite(terms["coarse"])
        assert all(p.grad is None or torch.isfinite(p.grad).all() for p in net.parameters())

    def test_every_parameter_learns(self, net: Refinement) -> None:
        fit(net, 2)
        net.zero_grad()
        prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
        torch.autograd.backward((prediction - 0.3).square().mean() + terms["coarse"])
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            assert float(parameter.grad.abs().sum()) > 0, name

    def test_the_final_loss_alone_reaches_the_first_stage(self, net: Refinement) -> None:
        torch.autograd.backward(net(crops()).mean())
        assert all(p.grad is not None for p in net.coarse.parameters())

    def test_the_second_stage_does_better_than_the_first(self, net: Refinement) -> None:
        fit(net, 60)
        target = crops(seed=2)
        with torch.no_grad():
            rough = functional.interpolate(rough_of(net, crops()), scale_factor=2.0)[:, :3]
            last = net(crops())[:, :3]
        assert float((last - target).abs().mean()) < 0.95 * float((rough - target).abs().mean())


@pytest.mark.parametrize("side", [16, 32, 80])
def test_shape_and_range_at_any_side(net: Refinement, side: int) -> None:
    with torch.no_grad():
        out = net.eval()(crops(2, side))
    assert out.shape == (2, 4, side, side)
    assert out.dtype == torch.float32
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1


@pytest.mark.parametrize("side", [24, 33])
def test_other_sides_are_refused(net: Refinement, side: int) -> None:
    x = crops(1, side)
    for call in (lambda: net(x), lambda: net.learn(x, x, lower_half(1, side))):
        with pytest.raises(ValueError, match=rf"{side} is not a multiple of 16.*32"):
            call()


def test_it_works_in_bf16(net: Refinement) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        prediction, terms = net.learn(crops(), crops(seed=2), lower_half())
    assert prediction.dtype == terms["coarse"].dtype == torch.float32
    assert torch.isfinite(prediction).all()


def test_saved_and_loaded_it_is_the_same_net(net: Refinement, tmp_path) -> None:
    fit(net, 2)
    save_file(net.state_dict(), tmp_path / "net.safetensors")
    loaded = Refinement(**SMALL)
    loaded.load_state_dict(load_file(tmp_path / "net.safetensors"))
    with torch.no_grad():
        assert torch.equal(loaded.eval()(crops()), net.eval()(crops()))


@pytest.mark.parametrize(
    ("options", "fix"),
    [
        ({"filters": (8, 8), "kernels": (3,)}, "^filters and kernels need one entry a block"),
        ({"coarse_filters": (8,)}, "^coarse_filters, coarse_kernels: .*one entry a block"),
        ({"coarse_filters": (8,), "coarse_kernels": (4,)}, "coarse_kernels: .*kernels odd"),
        ({"filters": (0,), "kernels": (3,)}, "^filters must be positive"),
    ],
)
def test_wrong_options_are_refused_with_the_fix(options: dict[str, object], fix: str) -> None:
    with pytest.raises(ValueError, match=fix):
        Refinement(**options)  # type: ignore[arg-type]


def test_it_exports(tmp_path) -> None:
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    net = Refinement((8,), (3,), (8,), (3,))  # small: the exporter is slow
    fit(net, 2)
    card = ModelCard(
        name="two stages",
        version="1",
        side=SIDE,
        net="refinement",
        parameters=1,
        gmac=0.1,
        licence="MIT",
        data="none",
        training="none",
    )
    assert export(net, card, tmp_path / "two.onnx").error < 1e-4
