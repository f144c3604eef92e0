"""Every net goes to every target that runs without LiteRT; small nets, small crops."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from mask2face.exporters import EXPORTERS, parity
from mask2face.exporters.parity import Gate
from mask2face.nets import NETS, extras

SIDE = 32
ENDS = {"coreml": ".mlpackage", "ncnn": ".param", "onnx-int8": ".onnx"}
NEEDS = {"coreml": ("coremltools",), "ncnn": ("ncnn", "pnnx"), "onnx-int8": ()}
# pooling, joins, a second input: what `face_filler` has not, which has tests of its own
QUICK = {"coreml": ("resnet_unet", "unet", "vae"), "ncnn": NETS, "onnx-int8": ("unet", "vae")}
# options with which a net is small; without the ImageNet features, which are 12 MB
SMALL: dict[str, dict[str, Any]] = {
    "encoder_decoder": {"filters": [6, 8], "kernels": [3, 3], "predict_difference": True},
    "face_filler": {"filters": [6, 8], "dilations": [1, 2]},
    "refinement": {
        "filters": [6, 8],
        "kernels": [3, 3],
        "coarse_filters": [6, 8],
        "coarse_kernels": [3, 3],
    },
    "resnet_unet": {
        "filters": [6, 8],
        "kernels": [5, 3],
        "embeddings": ["face"],
        "face_size": 5,
    },
    "unet": {"filters": [6, 8], "kernels": [3, 3]},
    "vae": {"filters": [6, 8], "kernels": [3, 3], "latent": 4},
}


def built(name):
    """A net with weights so small that half a number's digits do."""
    torch.manual_seed(0)
    net = NETS[name](**SMALL.get(name, {}))
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
            parameter.data *= 0.5
    wanted = extras.extra_of(net)
    size = wanted.size if wanted else 0
    with torch.no_grad():  # statistics that are not the identity
        extras.run(net, torch.rand(3, 3, SIDE, SIDE), torch.randn(3, size) if size else None)
    return net, size


def cases():
    for target in ENDS:
        for name in sorted(NETS):
            quick = name in QUICK[target]
            yield pytest.param(name, target, marks=() if quick else pytest.mark.slow)


@pytest.mark.parametrize(("name", "target"), list(cases()))
def test_every_net_to_every_target(name, target, card, faces, few_will_do, tmp_path, monkeypatch):
    for package in NEEDS[target]:
        pytest.importorskip(package)
    # noise has no truth: what counts here is how far the integers are from the net
    monkeypatch.setattr(parity, "INT8", Gate(max_error=0.5))
    net, size = built(name)
    path = tmp_path / f"{name}{ENDS[target]}"
    card = replace(card, net=name, embedder="dlib")
    done = EXPORTERS[target](net, card, path, faces=faces(extra=size))
    assert done.path == path
    assert path.exists()
    if target == "coreml":
        assert done.error is None
    else:
        assert 0 < done.parity.mean_error < (0.02 if target == "onnx-int8" else 1e-3)
