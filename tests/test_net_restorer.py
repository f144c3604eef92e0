import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import UsageError
from mask2face.net_restorer import NetRestorer
from mask2face.nets.extras import Extra

SIDE = 32


class Told(nn.Module):
    """Paint everything in the grey of the second input's first number."""

    def __init__(self, name):
        super().__init__()
        self.extra = Extra(name, 3)
        self.seen = []

    def forward(self, crops, extra):
        self.seen.append(extra)
        out = torch.ones(len(crops), 4, *crops.shape[2:])
        out[:, :3] = torch.sigmoid(extra[:, :1, None, None])
        return out


def photo(height=40, width=60):
    return np.random.default_rng(0).integers(100, 110, (height, width, 3), np.uint8)


def test_noise_is_zeros_or_drawn_by_a_seed():
    net = Told("noise")
    restore = NetRestorer(net, SIDE)
    first, second, again, none = (restore.crop(photo(), seed) for seed in (1, 2, 1, None))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)
    assert (none[20, 30] == 128).all()
    assert torch.equal(net.seen[3], torch.zeros(1, 3))
    assert net.seen[0].dtype == torch.float32


def test_each_face_of_a_photo_draws_its_own(astronaut_photo):
    net = Told("noise")
    NetRestorer(net, SIDE)(np.hstack([astronaut_photo(0)] * 2), seed=4)
    (drawn,) = net.seen
    assert drawn.shape == (2, 3)
    assert not torch.equal(drawn[0], drawn[1])


def test_a_net_for_faces_is_given_their_embeddings():
    net, shapes = Told("face"), []

    def embed(crops):
        shapes.append((crops.shape, crops.dtype))
        return np.full((len(crops), 3), 0.5, np.float32)

    NetRestorer(net, SIDE, embed).crop(photo())
    assert shapes == [((1, SIDE, SIDE, 3), np.uint8)]
    assert torch.equal(net.seen[0], torch.full((1, 3), 0.5))


@pytest.mark.parametrize("net", [Told("face"), nn.Identity()])
def test_a_seed_for_a_net_that_draws_nothing(net):
    with pytest.raises(UsageError, match="seed is 3"):
        NetRestorer(net, SIDE).crop(photo(), 3)


def test_a_seed_below_zero():
    with pytest.raises(UsageError, match="seed is -1: give 0 or more"):
        NetRestorer(Told("noise"), SIDE).crop(photo(), -1)


def test_a_crop_of_any_size_and_shape_keeps_it():
    restore = NetRestorer(Told("noise"), SIDE)
    for shape in ((32, 32), (64, 64), (20, 90)):
        before = photo(*shape)
        kept = before.copy()
        assert restore.crop(before).shape == before.shape
        assert np.array_equal(before, kept), "the input is not written to"
