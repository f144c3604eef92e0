"""The article's best net weighs what it did, whatever options it has now."""

import torch

from mask2face.nets import ResNetUNet


def test_the_article_net_weighs_what_it_did() -> None:
    with torch.device("meta"):
        net = ResNetUNet()
    assert sum(parameter.numel() for parameter in net.parameters()) == 53_586_308


def test_names_of_weights_stay() -> None:
    layers = ["stem", "downs.0.shrink", "downs.0.residual.0", "downs.0.residual.2", "bottleneck"]
    layers += ["ups.0.residual.0", "ups.0.residual.2", "ups.0.grow", "ups.0.smooth", "merge"]
    wanted = {f"{layer}.{kind}" for layer in [*layers, "head"] for kind in ("weight", "bias")}
    assert set(ResNetUNet([4], [3]).state_dict()) == wanted


def test_an_embedding_widens_the_bottleneck_alone() -> None:
    plain = ResNetUNet([4, 4], [3, 3]).state_dict()
    joined = ResNetUNet([4, 4], [3, 3], embeddings=["face"], face_size=7).state_dict()
    changed = {name for name in plain if plain[name].shape != joined[name].shape}
    assert changed == {"bottleneck.weight"}
    assert joined["bottleneck.weight"].shape == (4, 4 + 7, 3, 3)


def test_batch_norm_follows_every_convolution_but_the_head_and_the_transposed() -> None:
    plain, normal = ResNetUNet([4], [3]), ResNetUNet([4], [3], batch_norm=True)
    convolutions = [one for one in plain.modules() if isinstance(one, torch.nn.Conv2d)]
    norms = [one for one in normal.modules() if isinstance(one, torch.nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) - 1  # all but the head's
    assert not any(isinstance(one, torch.nn.BatchNorm2d) for one in plain.modules())


def test_batch_norm_takes_out_the_scale_of_a_layer() -> None:
    torch.manual_seed(0)
    net = ResNetUNet([4, 4], [3, 3], batch_norm=True).train()
    crops = torch.rand(3, 3, 16, 16)
    before = net(crops).detach()
    with torch.no_grad():
        for one in net.modules():
            if isinstance(one, torch.nn.Conv2d) and one.bias is None:
                one.weight.mul_(7)
    torch.testing.assert_close(net(crops).detach(), before, atol=1e-3, rtol=0)
