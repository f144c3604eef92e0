"""The frozen feature network: real weights, frozen, standardised, and missing."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from mask2face.efficientnet import PACKAGE, LiteFeatures, shared_features
from mask2face.errors import MissingExtraError, ModelError

pytest.importorskip(PACKAGE)


def photo(name: str) -> Tensor:
    crop = getattr(skimage.data, name)()[:300, :300]
    small = cv2.resize(crop, (96, 96), interpolation=cv2.INTER_AREA)
    return torch.tensor(small.astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def features() -> LiteFeatures:
    return LiteFeatures((2, 4, 8, 16, 32))


def test_shapes_in_the_order_asked(features: LiteFeatures) -> None:
    maps = features(torch.rand(2, 3, 64, 96))
    assert [tuple(m.shape) for m in maps] == [
        (2, 16, 32, 48),
        (2, 24, 16, 24),
        (2, 40, 8, 12),
        (2, 112, 4, 6),
        (2, 320, 2, 3),
    ]
    assert features.channels == (16, 24, 40, 112, 320)
    swapped = LiteFeatures((16, 4))
    assert [m.shape[1] for m in swapped(torch.rand(1, 3, 32, 32))] == [112, 24]
    assert len(swapped.blocks) == 11  # what lies deeper is dropped


def test_frozen(features: LiteFeatures) -> None:
    assert not any(p.requires_grad for p in features.parameters())
    x = torch.rand(2, 3, 32, 32, requires_grad=True)
    before = [m.detach().clone() for m in features(x)]
    features.train()
    assert not features.training
    sum(m.sum() for m in features(x)).backward()  # type: ignore[union-attr]
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().sum() > 0
    for old, new in zip(before, features(x), strict=True):
        torch.testing.assert_close(old, new.detach())


def test_standardised_on_photos(features: LiteFeatures) -> None:
    maps = features(torch.cat([photo("astronaut"), photo("chelsea"), photo("coffee")]))
    for stage in maps:
        assert 0.5 < float(stage.std()) < 3


def test_a_cat_is_a_cat() -> None:
    """The published classifier head reads our features: the port is faithful."""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations
    path = next(Path(next(iter(spec.submodule_search_locations))).glob("models/*.pth"))
    head = torch.load(path, weights_only=True)
    net = LiteFeatures((32,))
    cat = skimage.data.chelsea()[:, 75:375]
    small = cv2.resize(cat, (224, 224), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    x = net(torch.tensor(small).permute(2, 0, 1)[None])[0] * net.scale32
    x = torch.nn.functional.conv2d(x, head["_conv_head.weight"])
    norm = [head[f"_bn1.{n}"] for n in ("running_mean", "running_var", "weight", "bias")]
    x = torch.nn.functional.batch_norm(x, *norm, eps=1e-3).clamp(0, 6).mean((2, 3))
    scores = (x @ head["_fc.weight"].T + head["_fc.bias"])[0].softmax(0)
    cats = [281, 282, 285]  # ImageNet: tabby, tiger cat, Egyptian cat
    assert set(scores.topk(3).indices.tolist()) == set(cats)
    assert float(scores[cats].sum()) > 0.7


def test_wrong_stage() -> None:
    with pytest.raises(ValueError, match="strides"):
        LiteFeatures((3,))
    with pytest.raises(ValueError, match="strides"):
        LiteFeatures(())


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[train\]"):
        LiteFeatures()


def test_foreign_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.load", lambda *a, **k: {"conv.weight": torch.zeros(1)})
    with pytest.raises(ModelError, match="other layers"):
        LiteFeatures()


def test_shared_features_are_read_once_and_draw_no_random_numbers() -> None:
    shared_features.cache_clear()
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    with torch.inference_mode():
        found = shared_features("cpu")
    assert torch.equal(torch.rand(3), wanted)
    assert shared_features("cpu") is found
    assert found.stages == (2, 4, 8, 16)
    crops = torch.rand(1, 3, 32, 32).requires_grad_()
    torch.autograd.backward(found(crops)[0].sum())  # what inference mode made would refuse
    assert crops.grad is not None
