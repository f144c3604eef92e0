"""The default net is light and starts without a checkerboard."""

import torch

from mask2face.exporters.cost import cost
from mask2face.nets import FaceFiller


def test_the_default_net_is_light() -> None:
    found = cost(FaceFiller(), 128)
    assert 0.1 < found.gmac <= 1
    assert found.parameters < 6_000_000


def test_the_head_starts_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    crops = torch.rand(1, 3, 32, 32)
    out = FaceFiller([8, 16], [1]).eval()(crops).detach()
    blocks = out.unfold(2, 2, 2).unfold(3, 2, 2)  # (1, 4, S/2, S/2, 2, 2)
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))


def test_names_of_weights_stay() -> None:
    names = set(FaceFiller([8, 16], [1]).state_dict())
    wanted = {"stem.0.weight", "stem.1.running_mean", "downs.0.0.weight", "place.weight"}
    wanted |= {"bottleneck.0.first.0.weight", "bottleneck.0.norm.weight", "ups.0.skip.weight"}
    assert wanted <= names, "checkpoints that exist could not be loaded"
