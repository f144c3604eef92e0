"""The net that is converted computes what the net does, from simpler layers."""

import torch
from torch import nn

from mask2face.formats.litert_layers import ChannelsLast, Shuffle, Unshuffle, prepared
from mask2face.nets import FaceFiller

INPUT, OUTPUT = "crops", "restored"


def test_a_prepared_net_computes_the_same() -> None:
    torch.manual_seed(0)
    net = FaceFiller([4, 6], [1])
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.3)
    crops = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        net(crops)
        made = prepared(net, {INPUT: crops[:1]})
        kinds = [type(module) for module in made.modules()]
        assert nn.PixelShuffle not in kinds
        assert nn.PixelUnshuffle not in kinds
        assert {Shuffle, Unshuffle} < set(kinds)
        assert [type(module) for module in net.modules()].count(nn.PixelShuffle) == 1
        assert torch.allclose(made(crops), net.eval()(crops), atol=1e-6)
        last = ChannelsLast(made, OUTPUT)(crops=crops.permute(0, 2, 3, 1))
        assert list(last) == [OUTPUT]
        assert torch.allclose(last[OUTPUT].permute(0, 3, 1, 2), net(crops), atol=1e-6)


def test_a_transposed_convolution_that_pads_its_output() -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(3, 4, 5, stride=2, padding=2, output_padding=1)
    x = torch.rand(2, 3, 6, 6)
    made = prepared(nn.Sequential(layer), {INPUT: x})
    with torch.no_grad():
        assert torch.allclose(made(x), layer(x), atol=1e-6)
    assert made[0].kernel_size == (6, 6)  # type: ignore[index]
    assert made[0].output_padding == (0, 0)  # type: ignore[index]
    assert layer.kernel_size == (5, 5)


class Spread(nn.Module):
    """A net that expands one position to all."""

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        return crops.mean((2, 3))[:, :, None, None].expand(-1, -1, *crops.shape[2:]) * crops


def test_one_position_spread_over_all() -> None:
    crops = torch.rand(2, 3, 4, 4)
    made = ChannelsLast(Spread(), OUTPUT)(crops=crops.permute(0, 2, 3, 1))[OUTPUT]
    assert torch.allclose(made.permute(0, 3, 1, 2), Spread()(crops))


def test_an_output_that_is_no_picture_is_left_alone() -> None:
    class Flat(nn.Module):
        def forward(self, photo: torch.Tensor) -> torch.Tensor:
            return photo.flatten(2)

    photo = torch.rand(1, 3, 4, 6)
    made = ChannelsLast(Flat(), "cells")(photo=photo.permute(0, 2, 3, 1))["cells"]
    assert torch.equal(made, photo.flatten(2))
