"""What stands before every export: inputs, and the comparison."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import ModelError
from mask2face.exporters import contract
from mask2face.nets.extras import Extra


def test_the_frozen_net_is_another(filler):
    filler.half()
    made = contract.frozen(filler)
    assert filler.training
    assert not made.training
    assert {p.dtype for p in made.parameters()} == {torch.float32}
    assert {p.dtype for p in filler.parameters()} == {torch.float16}


def test_trials_have_the_second_input(card, filler):
    (alone,) = contract.trials(filler, card)
    assert {name: tuple(value.shape) for name, value in alone.items()} == {"crops": (5, 3, 32, 32)}
    filler.extra = Extra("face", 4)
    with pytest.raises(ModelError, match="whose"):
        contract.trials(filler, card)
    zeros, normal = contract.trials(filler, replace(card, embedder="dlib"))
    assert not zeros["face"].any()
    assert tuple(normal["face"].shape) == (5, 4)


def test_differences_are_the_largest_and_never_lost():
    tries = [{"crops": torch.rand(3, 3, 2, 2)}]
    wanted = [torch.zeros(3, 4, 2, 2)]

    def run(crops, vectors):
        made = np.zeros((len(crops), 4, 2, 2), np.float32)
        made[-1, 0, 0, 0] = -0.25 if len(crops) > 1 else 0.75
        return made

    assert contract.difference(run, tries, wanted) == 0.25
    assert contract.difference(contract.one_by_one(run), tries, wanted) == 0.75
    error = contract.difference(lambda crops, vectors: run(crops, None) * np.nan, tries, wanted)
    contract.check_error(0.1, 0.1, "file")
    for bad in (0.11, error):
        with pytest.raises(ModelError, match="file differs from the net"):
            contract.check_error(bad, 0.1, "file")


def test_a_net_that_breaks_its_contract():
    crops = {"crops": torch.rand(2, 3, 8, 8)}
    with pytest.raises(ModelError, match=r"instead of \(2, 4, 8, 8\)"):
        contract.expected(nn.Conv2d(3, 3, 1), crops)
    with pytest.raises(ModelError, match="does not take"):
        contract.expected(nn.Conv2d(5, 4, 1), crops)
