import pytest
import torch

from mask2face.architectures import UNet, build, with_difference
from mask2face.errors import ModelError, UnknownNameError
from mask2face.nets import NETS
from mask2face.nets.extras import extra_of, run

SMALL = {"filters": (4, 8), "kernels": (3, 3)}


@pytest.mark.parametrize(
    ("architecture", "net", "wants"),
    [
        (UNet.DEFAULT, "unet", None),
        (UNet.DEFAULT_IMAGENET_EMBEDDING, "unet", None),
        (UNet.RESNET, "resnet_unet", None),
        (UNet.RESNET_EMBEDDINGS, "resnet_unet", "face"),
    ],
)
def test_each_name_of_the_article_is_a_net(architecture, net, wants):
    about, built = build(architecture, (64, 64, 3), SMALL, 0)
    assert type(built) is NETS[net]
    assert about.net == net
    extra = extra_of(built)
    assert (extra.name if extra else None) == wants
    assert run(built, torch.rand(1, 3, 64, 64)).shape == (1, 4, 64, 64)


def test_all_names_are_here():
    assert len(UNet) == 4, "names with one value would be one name"


def test_what_is_given_wins_and_none_is_not_given():
    about, _ = build(UNet.RESNET_EMBEDDINGS, (64, 64, 3), SMALL | {"embeddings": ("face",)}, 0)
    assert about.options == {"embeddings": ["face"], "filters": [4, 8], "kernels": [3, 3]}
    assert build("face_filler", (64, 64, 3), {"kernels": None}, 0)[0].options == {}


def test_options_of_any_net_are_let_through():
    about, net = build("vae", (64, 64, 3), SMALL | {"latent": 5}, 0)
    assert about.options["latent"] == 5
    assert extra_of(net).size == 5
    with pytest.raises(ModelError, match=r"refuses.*latents"):
        build("vae", (64, 64, 3), SMALL | {"latents": 5}, 0)
    with pytest.raises(UnknownNameError, match="did you mean 'unet'"):
        build("unot", (64, 64, 3), {}, 0)


@pytest.mark.parametrize("name", ["encoder_decoder", "unet", "resnet_unet"])
def test_a_net_that_turns_to_the_difference_copies_its_crop(name):
    about, net = build(name, (64, 64, 3), SMALL, 0)
    other_about, other = with_difference(about, net)
    crops = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = net.eval()(crops), other.eval()(crops)
    assert torch.allclose(after[:, :3], crops, atol=2e-3)
    assert torch.equal(after[:, 3], before[:, 3]), "where the hole is stays what it learned"
    assert not torch.allclose(before[:, :3], crops, atol=0.1)
    assert other_about.options["predict_difference"] is True
    assert "predict_difference" not in about.options
    assert with_difference(other_about, other) == (other_about, other)


def test_a_net_without_a_difference_says_so():
    with pytest.raises(ModelError, match=r"face_filler.*predict_difference"):
        with_difference(*build("face_filler", (64, 64, 3), {}, 0))
