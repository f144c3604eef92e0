"""The encoder-decoder against a count by hand."""

from mask2face.nets import EncoderDecoder


def test_it_weighs_what_a_count_by_hand_gives() -> None:
    net = EncoderDecoder([2, 3], [5, 3])
    downs = 25 * (3 * 2 + 2 * 2) + 9 * (2 * 3 + 3 * 3)
    bottleneck = 9 * 3 * 3
    ups = (4 * 3 * 2 + 2 + 9 * 2 * 2) + (4 * 2 * 2 + 2 + 25 * 2 * 2)
    norms = 2 * (2 + 2 + 3 + 3 + 3 + 2 + 2)
    head = 2 * 4 + 4
    counted = sum(parameter.numel() for parameter in net.parameters())
    assert counted == downs + bottleneck + ups + norms + head
