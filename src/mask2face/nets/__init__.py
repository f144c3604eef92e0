"""Architectures: crops (N, 3, S, S) in [0, 1] -> (N, 4, S, S), RGB and hole probability.

A net with an attribute `extra` takes a second input, see `extras`; one with a method `learn` is
trained through it, and gives loss terms of its own.
"""

from collections.abc import Callable

from torch import nn

from mask2face.nets.encoder_decoder import EncoderDecoder
from mask2face.nets.face_filler import FaceFiller
from mask2face.nets.refinement import Refinement
from mask2face.nets.resnet_unet import ResNetUNet
from mask2face.nets.unet import UNet
from mask2face.nets.vae import VAE

NETS: dict[str, Callable[..., nn.Module]] = {
    "encoder_decoder": EncoderDecoder,
    "face_filler": FaceFiller,
    "refinement": Refinement,
    "resnet_unet": ResNetUNet,
    "unet": UNet,
    "vae": VAE,
}

__all__ = [
    "NETS",
    "VAE",
    "EncoderDecoder",
    "FaceFiller",
    "Refinement",
    "ResNetUNet",
    "UNet",
]
