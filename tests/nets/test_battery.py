"""Every registered net keeps the same promises; the two that exist weigh what they should."""

import pytest
import torch
from torch import nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ModelError
from mask2face.exporters.cost import cost
from mask2face.nets import NETS, FaceFiller, ResNetUNet

SIDE = 32
# options with which a net is small and takes crops of 32 px; a new net needs a line here only if
# its own defaults are too large for a test
SMALL = {
    "face_filler": {"filters": [8, 12, 16], "dilations": [1, 2]},
    "resnet_unet": {"filters": [8, 8, 12], "kernels": [5, 3, 3]},
}


@pytest.fixture(params=sorted(NETS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def net(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETS[name](**SMALL.get(name, {}))


def crops(count: int = 3, side: int = SIDE, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("side", [SIDE, 2 * SIDE])
def test_shape_range_and_type(net: nn.Module, side: int) -> None:
    out = net(crops(2, side)).detach()
    assert out.shape == (2, 4, side, side)
    assert out.dtype == torch.float32
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1
    assert float(out.std()) > 0


def test_extreme_crops_stay_in_range(net: nn.Module) -> None:
    net.eval()
    for value in (0.0, 1.0):
        out = net(torch.full((1, 3, SIDE, SIDE), value)).detach()
        assert torch.isfinite(out).all()
        assert float(out.min()) >= 0
        assert float(out.max()) <= 1


def test_every_parameter_gets_a_finite_gradient(net: nn.Module) -> None:
    inputs = crops().requires_grad_(True)
    # a step first: branches that start at zero block what lies behind them
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        torch.autograd.backward((net(inputs) - crops(seed=2).mean()).pow(2).mean())
        optimizer.step()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert float(parameter.grad.abs().sum()) > 0, key
    assert inputs.grad is not None
    assert torch.isfinite(inputs.grad).all()


def test_saved_and_loaded_it_is_the_same_net(name: str, net: nn.Module, tmp_path) -> None:
    net(crops())  # statistics that are not the identity
    about = Checkpoint(name, SMALL.get(name, {}), SIDE, 3, 20.5)
    checkpoints.save(tmp_path / "net.safetensors", about, net.state_dict())
    found, loaded = checkpoints.load(tmp_path / "net.safetensors")
    assert found == about
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(crops()), net.eval()(crops()))


def test_a_crop_does_not_depend_on_its_neighbours(net: nn.Module) -> None:
    net(crops())
    net.eval()
    with torch.no_grad():
        together, alone = net(crops())[:1], net(crops()[:1])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_a_pixel_in_one_corner_is_seen_in_the_middle(net: nn.Module) -> None:
    net.eval()
    for parameter in net.parameters():
        if not parameter.any():  # branches that start at zero, too
            nn.init.normal_(parameter, std=0.2)
    inputs = crops(1).requires_grad_(True)
    torch.autograd.backward(net(inputs)[0, :, SIDE // 2, SIDE // 2].sum())
    assert inputs.grad is not None
    assert float(inputs.grad[..., :4, :4].abs().sum()) > 0


@pytest.mark.parametrize("side", [30, 33, 2])
def test_other_sides_are_refused_with_the_fix(net: nn.Module, side: int) -> None:
    multiple = int(getattr(net, "multiple", 1))
    assert side % multiple, "the test's sides must not fit"
    near = side // multiple * multiple or multiple
    with pytest.raises(ValueError, match=rf"{side} is not a multiple of {multiple}.*{near}"):
        net(crops(1, side))


@pytest.mark.parametrize(
    "shape", [(3, SIDE, SIDE), (1, 4, SIDE, SIDE), (1, 3, SIDE, SIDE // 2), (1, 3, 0, 0)]
)
def test_what_is_no_square_rgb_crop_is_refused(net: nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"crop"):
        net(torch.rand(shape))


@pytest.mark.parametrize(
    "options",
    [
        {"filters": [8, 8], "kernels": [3]},
        {"filters": [], "kernels": []},
        {"filters": [8, 8], "kernels": [3, 4]},
        {"filters": [8, 0], "kernels": [3, 3]},
        {"filters": [8, 8], "kernels": [3, -1]},
        {"depth": 3},
    ],
)
def test_resnet_unet_refuses_wrong_blocks(options: dict[str, list[int]]) -> None:
    with pytest.raises(ModelError, match="resnet_unet.*refuses"):
        checkpoints.build(Checkpoint("resnet_unet", options))


@pytest.mark.parametrize(
    "options",
    [
        *({"filters": [8]}, {"filters": [8, 0]}, {"dilations": []}, {"dilations": [0]}),
        *({"blocks": 0}, {"kernels": [3]}),
    ],
)
def test_face_filler_refuses_wrong_blocks(options: dict[str, list[int]]) -> None:
    with pytest.raises(ModelError, match="face_filler.*refuses"):
        checkpoints.build(Checkpoint("face_filler", options))


def test_the_article_net_weighs_what_it_did() -> None:
    with torch.device("meta"):
        net = ResNetUNet()
    assert sum(parameter.numel() for parameter in net.parameters()) == 53_586_308


def test_the_default_net_is_light() -> None:
    found = cost(FaceFiller(), 128)
    assert 0.1 < found.gmac <= 1
    assert found.parameters < 6_000_000


def test_the_head_starts_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    out = FaceFiller([8, 16], [1]).eval()(crops(1)).detach()
    blocks = out.unfold(2, 2, 2).unfold(3, 2, 2)  # (1, 4, S/2, S/2, 2, 2)
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))
