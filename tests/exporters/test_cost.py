"""Known costs."""

import pytest
import torch
from torch import Tensor, nn

from mask2face.exporters import Cost, cost
from mask2face.nets.extras import Extra


@pytest.mark.parametrize(
    ("layer", "macs"),
    [
        (nn.Conv2d(3, 8, 3, padding=1, bias=False), 16 * 16 * 8 * 3 * 9),
        (nn.Conv2d(3, 6, 5, stride=2, padding=2, groups=3), 8 * 8 * 6 * 25),
        (nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1), 16 * 16 * 3 * 5 * 16),
        (nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 7)), 3 * 16 * 16 * 7),
        (nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.PixelUnshuffle(2)), 0),
    ],
)
def test_known_layers(layer: nn.Module, macs: int) -> None:
    found = cost(layer, 16)
    assert found == Cost(sum(p.numel() for p in layer.parameters()), macs / 1e9)


def test_leaves_the_net_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    net.train()
    net[2].eval()
    mean = net[1].running_mean.clone()
    cost(net, 8)
    assert [m.training for m in net] == [True, True, False]
    assert torch.equal(net[1].running_mean, mean)
    assert not net[0]._forward_hooks


class Joined(nn.Module):
    """A net with a second input."""

    def __init__(self) -> None:
        super().__init__()
        self.extra = Extra("noise", 5)
        self.body = nn.Conv2d(3, 4, 1)
        self.join = nn.Linear(5, 4)

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        return self.body(crops) + self.join(noise)[:, :, None, None]


def test_a_second_input_counts_too() -> None:
    assert cost(Joined(), 8) == Cost(16 + 24, (8 * 8 * 4 * 3 + 4 * 5) / 1e9)


def test_leaves_no_hooks_after_a_failure() -> None:
    net = nn.Sequential(nn.Conv2d(4, 4, 3))
    with pytest.raises(RuntimeError):
        cost(net, 8)
    assert not net[0]._forward_hooks
    assert net.training
