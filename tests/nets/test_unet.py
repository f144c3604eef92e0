"""The U-Net against a count by hand; what passes its skips, and what its bottleneck."""

import torch

from mask2face.nets import EncoderDecoder, UNet


def test_it_weighs_what_a_count_by_hand_gives() -> None:
    net = UNet([2, 3], [3, 5])
    twice = 9 * (3 * 2 + 2 * 2)
    bottleneck = 25 * (2 * 3 + 3 * 3)
    up = (3 * 2 * 4 + 2) + 9 * (4 * 2 + 2 * 2)
    norms = 2 * (2 + 2 + 3 + 3 + 2 + 2)
    head = 2 * 4 + 4
    counted = sum(parameter.numel() for parameter in net.parameters())
    assert counted == twice + bottleneck + up + norms + head


def test_fine_detail_passes_the_skips_but_not_an_encoder_decoder() -> None:
    """Zero the bottleneck: a U-Net still sees the crop, an encoder-decoder sees nothing."""
    crops = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for net, sees in ((UNet([4, 4], [3, 3]), True), (EncoderDecoder([4, 4], [3, 3]), False)):
        torch.manual_seed(0)
        net.eval()
        last = net.join if isinstance(net, UNet) else net.bottleneck
        last.register_forward_hook(lambda layer, inputs, out: torch.zeros_like(out))
        with torch.no_grad():
            one, other = net(crops)
        assert bool((one - other).abs().max() > 1e-4) is sees
