"""Which nets take a second input, and what stands for it."""

import pytest
import torch
from torch import Tensor, nn

from mask2face.nets.extras import Extra, checked, extra_of, run


class Plain(nn.Module):
    def forward(self, crops: Tensor) -> Tensor:
        return crops


class Noisy(nn.Module):
    extra = Extra("noise", 4)

    def forward(self, crops: Tensor, noise: Tensor) -> Tensor:
        return crops + noise.mean(1)[:, None, None, None]


def test_what_a_net_wants_is_found() -> None:
    assert extra_of(Noisy()) == Extra("noise", 4)
    assert extra_of(Plain()) is None
    plain = Plain()
    plain.extra = None
    assert extra_of(plain) is None


def test_zeros_stand_for_none_and_others_are_not_bothered() -> None:
    crops = torch.rand(2, 3, 8, 8)
    assert torch.equal(run(Noisy(), crops), crops)
    assert torch.equal(run(Noisy(), crops, torch.ones(2, 4)), crops + 1)
    assert torch.equal(run(Plain(), crops, torch.ones(2, 4)), crops)


def test_what_does_not_fit_is_refused() -> None:
    crops, wanted = torch.rand(2, 3, 8, 8), Extra("noise", 4)
    fitting = torch.rand(2, 4)
    assert checked(wanted, crops, fitting) is fitting
    assert checked(None, crops, None) is None
    with pytest.raises(ValueError, match=r"'noise' \(2, 4\) beside 2 crops, got nothing"):
        checked(wanted, crops, None)
    for shape in ((2, 5), (1, 4), (2, 4, 1)):
        with pytest.raises(ValueError, match=r"got \("):
            checked(wanted, crops, torch.zeros(shape))
    with pytest.raises(ValueError, match="leave the second input out"):
        checked(None, crops, fitting)
