"""A difference of 0 is the crop itself, and any difference stays in range."""

import pytest
import torch
from torch import Tensor

from mask2face.nets import NETS
from mask2face.nets.output import finish, make_head


@pytest.fixture
def crops() -> Tensor:
    """Return all 8-bit values as a crop."""
    return (torch.arange(256) / 255).view(1, 1, 16, 16).expand(1, 3, 16, 16)


def test_no_difference_gives_the_crop_to_the_bit(crops: Tensor) -> None:
    out = finish(torch.zeros(1, 4, 16, 16), crops, True)
    assert torch.equal(out[:, :3], crops)
    assert torch.equal(out[:, 3:], torch.full((1, 1, 16, 16), 0.5))


def test_a_difference_is_a_share_of_the_room_there_is(crops: Tensor) -> None:
    half = float(torch.atanh(torch.tensor(0.5)))
    lighter, darker = (finish(torch.full((1, 4, 16, 16), v), crops, True) for v in (half, -half))
    torch.testing.assert_close(lighter[:, :3], (crops + 1) / 2)
    torch.testing.assert_close(darker[:, :3], crops / 2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_black_and_white_are_the_ends(crops: Tensor, value: float) -> None:
    out = finish(torch.full((1, 4, 16, 16), 1e4 * (2 * value - 1)), crops, True)
    torch.testing.assert_close(out, torch.full_like(out, value))
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1


def test_any_colour_is_reached_from_black_and_white() -> None:
    """Unlike a sum that is cut off, which learns nothing where it is."""
    for value in (0.0, 1.0):
        raw = torch.zeros(1, 4, 1, 1, requires_grad=True)
        out = finish(raw, torch.full((1, 3, 1, 1), value), True)
        torch.autograd.backward(out[:, :3].sum())
        assert raw.grad is not None
        torch.testing.assert_close(raw.grad[:, :3], torch.ones(1, 3, 1, 1))


def test_drawn_anew_it_is_the_sigmoid(crops: Tensor) -> None:
    raw = torch.randn(1, 4, 16, 16)
    assert torch.equal(finish(raw, crops, False), torch.sigmoid(raw))


def test_half_precision_becomes_single(crops: Tensor) -> None:
    raw = torch.randn(1, 4, 16, 16).bfloat16()
    assert {finish(raw, crops, yes).dtype for yes in (True, False)} == {torch.float32}


def test_a_head_for_differences_starts_at_none_and_says_something_of_the_hole() -> None:
    features = torch.rand(1, 5, 8, 8)
    raw = make_head(5, True)(features).detach()
    assert not raw[:, :3].any()
    assert float(raw[:, 3:].std()) > 0
    assert float(make_head(5, False)(features)[:, :3].detach().std()) > 0


@pytest.mark.parametrize("name", ["encoder_decoder", "resnet_unet", "unet"])
def test_a_net_that_predicts_the_difference_starts_by_copying(name: str, crops: Tensor) -> None:
    net = NETS[name](filters=[4, 4], kernels=[3, 3], predict_difference=True).eval()
    assert torch.equal(net(crops).detach()[:, :3], crops)
