"""Architectures: crops (N, 3, S, S) in [0, 1] -> (N, 4, S, S), RGB and hole probability."""

from collections.abc import Callable

from torch import nn

from mask2face.nets.face_filler import FaceFiller
from mask2face.nets.resnet_unet import ResNetUNet

NETS: dict[str, Callable[..., nn.Module]] = {
    "face_filler": FaceFiller,
    "resnet_unet": ResNetUNet,
}

__all__ = ["NETS", "FaceFiller", "ResNetUNet"]
