"""The mean over a crop and its mirror image: symmetric, exported, dearer."""

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.errors import UsageError
from mask2face.exporters import EXPORTERS, cost
from mask2face.exporters.self_ensemble import SelfEnsemble
from mask2face.nets import VAE
from mask2face.restorer import Restorer

SIDE = 32


def test_a_mirrored_crop_gives_the_mirrored_answer(filler):
    net = SelfEnsemble(filler).eval()
    crops = torch.rand(2, 3, SIDE, SIDE)
    with torch.no_grad():
        made, plain = net(crops), filler(crops)
        assert torch.allclose(net(crops.flip(3)).flip(3), made, atol=1e-6)
        assert torch.allclose((plain + filler(crops.flip(3)).flip(3)) / 2, made, atol=1e-6)
    assert (plain - made).abs().max() > 1e-3
    assert net.multiple == filler.multiple


def test_it_goes_into_one_file_of_the_same_size(filler, card, tmp_path):
    once = EXPORTERS["onnx"](filler, card, tmp_path / "once.onnx")
    twice = EXPORTERS["onnx"](SelfEnsemble(filler), card, tmp_path / "twice.onnx")
    assert twice.size < once.size + 60_000, "the weights are in it once"
    assert cost(SelfEnsemble(filler), SIDE).gmac == pytest.approx(2 * cost(filler, SIDE).gmac)
    assert cost(SelfEnsemble(filler), SIDE).parameters == cost(filler, SIDE).parameters
    crops = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    restorer = Restorer(twice.path, "cpu")
    one, two = restorer(crops), restorer(np.ascontiguousarray(crops[:, :, ::-1]))
    assert np.abs(one[1] - two[1][:, :, ::-1]).max() < 1e-4


def test_a_second_input_has_no_mirror_image():
    with pytest.raises(UsageError, match="'noise' beside crops"):
        SelfEnsemble(VAE([6, 8], [3, 3], latent=4))
    assert SelfEnsemble(nn.Conv2d(3, 4, 1)).multiple == 1
