import pytest
import torch

from mask2face.finding.cells import middles
from mask2face.finding.net import ROWS, STRIDES, FaceFinder


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return FaceFinder().eval()


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 96), (160, 128)])
def test_shapes_and_ranges(net, height, width):
    with torch.no_grad():
        cells = net(255 * torch.rand(2, 3, height, width))
    assert cells.shape == (2, ROWS, len(middles(height, width)[0]))
    assert bool(((cells[:, :2] >= 0) & (cells[:, :2] <= 1)).all())
    assert bool((cells[:, 2:6] > 0).all())
    assert bool(torch.isfinite(cells).all())


def test_it_is_small_and_a_fresh_one_sees_no_face(net):
    assert sum(one.numel() for one in net.parameters()) < 240_000  # 1 MB as float32
    with torch.no_grad():
        assert float(net(255 * torch.rand(1, 3, 64, 64))[:, 0].max()) < 0.1


def test_cells_are_the_logits_in_px(net):
    photo = 255 * torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        cells, logits = net(photo), net.logits(photo)
    start = 0
    for part, stride in zip(logits, STRIDES, strict=True):
        flat = part.flatten(2)
        here = cells[:, :, start : start + flat.shape[2]]
        assert torch.allclose(here[:, 0], flat[:, 0].sigmoid())
        assert torch.allclose(here[:, 2:6], flat[:, 2:6].exp() * stride)
        assert torch.allclose(here[:, 6:], flat[:, 6:] * stride)
        start += flat.shape[2]
    assert start == cells.shape[2]


def test_every_weight_learns():
    net = FaceFinder(0.5).train()
    sum(part.square().sum() for part in net.logits(255 * torch.rand(2, 3, 64, 64))).backward()
    assert all(bool(one.grad.abs().sum() > 0) for one in net.parameters())


def test_width_changes_the_channels():
    small, large = (sum(p.numel() for p in FaceFinder(w).parameters()) for w in (0.5, 1.5))
    assert small < 70_000 < 300_000 < large
