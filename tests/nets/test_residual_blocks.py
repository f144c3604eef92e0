"""Sizes of the levels, whose kernel is where, what begins as nothing."""

import torch

from mask2face.nets import FaceFiller
from mask2face.nets.residual_blocks import Decoder, Encoder, Residual, with_new_blocks


def pictures(count: int = 2, channels: int = 3, side: int = 32) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1))


def test_the_levels_have_the_sizes_they_should() -> None:
    encoder = Encoder(5, (8, 12, 16), (5, 3, 1))
    lowest, skips = encoder(pictures(channels=5))
    assert encoder.multiple == 8
    assert lowest.shape == (2, 16, 4, 4)
    assert [skip.shape for skip in skips] == [(2, 8, 16, 16), (2, 12, 8, 8)]
    assert Decoder(4, (8, 12, 16), (5, 3, 1))(lowest, skips).shape == (2, 4, 32, 32)


def test_one_level_has_no_skips() -> None:
    lowest, skips = Encoder(3, (8,), (3,))(pictures())
    assert skips == []
    assert Decoder(1, (8,), (3,))(lowest, skips).shape == (2, 1, 32, 32)


def test_each_level_has_its_kernel() -> None:
    encoder, decoder = Encoder(3, (8, 12, 16), (7, 5, 3)), Decoder(4, (8, 12, 16), (7, 5, 3))
    assert encoder.stem[0].kernel_size == (7, 7)
    assert [down[0].kernel_size[0] for down in encoder.downs] == [5, 3]
    for blocks, kernels in (
        (encoder.blocks, [7, 5]),
        (encoder.lowest, [3]),
        (decoder.blocks, [5, 7]),
    ):
        assert [block.first[0].kernel_size[0] for block in blocks] == kernels
        assert [block.second.kernel_size[0] for block in blocks] == kernels


def test_a_net_with_more_blocks_computes_what_the_smaller_one_does() -> None:
    small = FaceFiller((8, 12), (1,))
    with torch.no_grad():
        for parameter in small.parameters():  # as if it had learned
            parameter.normal_(std=0.3)
    large = FaceFiller((8, 12), (1, 2, 1), blocks=2)
    tensors = with_new_blocks(large, small.state_dict())
    added = tensors.keys() - small.state_dict().keys()
    new = {"bottleneck.1", "bottleneck.2", "down_blocks.0.1", "up_blocks.0.1"}
    assert {name.partition(".first")[0] for name in added if ".first" in name} == new
    large.load_state_dict(tensors)
    assert torch.equal(large.eval()(pictures()), small.eval()(pictures()))
    assert small(pictures()).std() > 0.1
    with_less = with_new_blocks(small, large.state_dict())
    assert with_less.keys() == large.state_dict().keys(), "a smaller net is refused on loading"


def test_a_block_that_is_there_in_part_stays_so() -> None:
    net = FaceFiller((8, 12), (1, 2))
    tensors = net.state_dict()
    del tensors["bottleneck.1.norm.weight"]
    assert with_new_blocks(net, tensors).keys() == tensors.keys()


def test_a_residual_block_begins_as_nothing() -> None:
    x = torch.rand(2, 8, 6, 6)
    assert torch.equal(Residual(8, 3, dilation=2)(x), x)


def test_the_head_starts_without_a_checkerboard() -> None:
    torch.manual_seed(0)
    out = Decoder(3, (8,), (3,))(torch.rand(1, 8, 4, 4), []).detach()
    blocks = out.unfold(2, 2, 2).unfold(3, 2, 2)  # (1, 3, 4, 4, 2, 2)
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))
    assert float(out.std()) > 0


def test_the_style_changes_every_position() -> None:
    torch.manual_seed(0)
    decoder = Decoder(3, (8, 16), (3, 3), style=4)
    x, skips = torch.rand(1, 16, 4, 4), [torch.rand(1, 8, 8, 8)]
    with torch.no_grad():
        one, other = (decoder(x, skips, torch.full((1, 4), value)) for value in (0.0, 2.0))
    assert ((one - other).abs().amax(1) > 1e-6).float().mean() > 0.9
