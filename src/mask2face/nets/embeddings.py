"""What other, frozen nets say of a crop, joined to the channels of a net's bottleneck."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mask2face.efficientnet import CHANNELS, LiteFeatures
from mask2face.nets.extras import Extra, checked

EMBEDDINGS: Final = ("imagenet", "face")
_STRIDE = 32  # of EfficientNet-Lite0's last stage; smaller crops are enlarged to one position


class Embeddings(nn.Module):
    """Add a vector a crop to each position of a bottleneck; a convolution has to follow.

    After the last experiment of STRV's article, which gives no details; there, MobileNetV2 and
    FaceNet. "imagenet" is EfficientNet-Lite0's last feature map, averaged over its positions; its
    weights are read from their package, never trained and not part of the net's state. "face" is
    the net's second input, scaled to a mean square of 1, as face-recognition nets give short
    vectors; zeros, a face unknown, stay zeros.

    Args:
        names: out of `EMBEDDINGS`; none adds nothing.
        face_size: numbers of "face".

    Attributes:
        size: channels that are added.
        extra: the second input that "face" needs, or None.

    Raises:
        ValueError: a name that is unknown or comes twice, or a size below 1.
        MissingExtraError: the package with the ImageNet weights is not installed.
    """

    def __init__(self, names: Sequence[str], face_size: int) -> None:
        super().__init__()
        _check(names, face_size)
        self.extra = Extra("face", face_size) if "face" in names else None
        self.features = _frozen_features() if "imagenet" in names else None
        self.size = CHANNELS[_STRIDE] * ("imagenet" in names) + face_size * ("face" in names)

    def forward(self, x: Tensor, crops: Tensor, face: Tensor | None) -> Tensor:
        """Return (N, C + size, h, w).

        Args:
            x: the bottleneck's features (N, C, h, w).
            crops: (N, 3, S, S) RGB in [0, 1].
            face: (N, face_size); None where "face" is not among the names.

        Raises:
            ValueError: `face` is missing, not asked for, or has another shape.
        """
        face = checked(self.extra, crops, face)
        parts = [x]
        if self.features is not None:
            enlarged = crops
            if crops.shape[-1] < _STRIDE:
                enlarged = functional.interpolate(crops, size=(_STRIDE, _STRIDE), mode="bilinear")
            parts.append(_everywhere(self.features(enlarged)[0].mean((2, 3)), x))
        if face is not None:
            scaled = functional.normalize(face.float()) * face.shape[1] ** 0.5
            parts.append(_everywhere(scaled, x))
        return torch.cat(parts, 1)


def _everywhere(vectors: Tensor, x: Tensor) -> Tensor:
    """Return `vectors` (N, E) at each position of `x`: (N, E, h, w)."""
    return vectors.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])


def _frozen_features() -> LiteFeatures:
    """Return the features with buffers outside the state for weights: no optimiser sees them."""
    features = LiteFeatures((_STRIDE,))
    for module in features.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach(), persistent=False)
    return features


def _check(names: Sequence[str], face_size: int) -> None:
    known = not isinstance(names, str) and all(name in EMBEDDINGS for name in names)
    if not known or len(set(names)) != len(names):
        raise ValueError(
            f"embeddings is {names!r}: give a list out of {', '.join(EMBEDDINGS)}, each at most "
            "once, as ['imagenet', 'face']"
        )
    if face_size < 1:
        raise ValueError(
            f"face_size is {face_size!r}: give the numbers of a face embedding, as 128 for dlib's"
        )
