"""Folded and plain nets give the same; the plain one stays."""

import pytest
import torch
from torch import nn

from mask2face.formats.folding import folded
from mask2face.nets import VAE, FaceFiller, UNet, extras
from mask2face.nets.residual_blocks import Up


def changed(net):
    torch.manual_seed(1)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return net


def test_the_same_numbers_without_the_layers():
    net = changed(FaceFiller(filters=[16, 24], dilations=[1, 2]))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    made = folded(net)
    crops = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(made(crops), net.eval()(crops), atol=1e-5)
    ups = [module for module in made.modules() if isinstance(module, Up)]
    assert ups
    assert all(isinstance(up.norm, nn.Identity) for up in ups)
    after = net.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("net", [VAE([6, 8], [3, 3], latent=4), UNet([6, 8], [3, 3])])
def test_nets_with_a_style_or_without_such_layers(net):
    net = changed(net)
    crops = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        one, two = (extras.run(each, crops) for each in (folded(net), net.eval()))
    assert torch.allclose(one, two, atol=1e-5)
