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
