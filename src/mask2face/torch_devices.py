"""Choose torch's device and precision, and bring nets and pictures there."""

import importlib.util
import os
import shutil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mask2face.errors import DeviceError
from mask2face.registry import lookup


def pick_device(device: str) -> torch.device:
    """Return the torch device for "auto", "cpu" or "cuda".

    Raises:
        UnknownNameError: another name.
        DeviceError: CUDA was asked for and torch has none.
    """
    best = "cuda" if torch.cuda.is_available() else "cpu"
    name = lookup("device", {"auto": best, "cpu": "cpu", "cuda": "cuda"}, device)
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "device 'cuda' is not available in this torch: install a CUDA build of torch, "
            "or use --device cpu"
        )
    return torch.device(name)


def pick_bf16(precision: str, device: torch.device) -> bool:
    """Return whether to multiply in bfloat16; "auto" does where the hardware does it faster.

    CUDA devices older than Ampere have no units for it.

    Raises:
        UnknownNameError: not "auto", "fp32" or "bf16".
    """
    wanted = lookup("precision", {"auto": None, "fp32": False, "bf16": True}, precision)
    return _has_bf16(device) if wanted is None else wanted


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    library: Any = torch.backends.mkldnn  # typed in some versions of torch only
    return bool(library.is_available() and check and check())


def check_compiler(device: torch.device) -> None:
    """Check that `torch.compile` finds what it writes its kernels with.

    Raises:
        DeviceError: there is no C++ compiler, or on CUDA no Triton.
    """
    names = [os.environ.get("CXX", "g++"), "clang++"]
    if not any(shutil.which(name) for name in names):
        raise DeviceError(
            f"torch.compile needs a C++ compiler, and there is none ({' or '.join(names)}): "
            "install one, as  apt-get install g++, or train without --compile"
        )
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise DeviceError(
            "torch.compile needs Triton on CUDA: run  pip install triton, or train without "
            "--compile"
        )


def place(net: nn.Module, device: torch.device) -> nn.Module:
    """Move `net` to `device`, its weights laid out for channels_last; return it."""
    net.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net


def to_tensor(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return `pictures` uint8 (N, H, W, 3) as float32 (N, 3, H, W) in [0, 1] on `device`.

    >>> to_tensor(np.full((1, 1, 1, 3), 51, np.uint8), torch.device("cpu")).flatten()
    tensor([0.2000, 0.2000, 0.2000])
    """
    # NHWC memory seen as NCHW is what channels_last means: no copy is needed
    return torch.from_numpy(pictures).to(device).permute(0, 3, 1, 2).float() / 255


def to_pictures(tensor: Tensor) -> NDArray[np.uint8]:
    """Return `tensor` (N, 3, H, W) in [0, 1] as pictures uint8 (N, H, W, 3)."""
    bytes_ = (tensor.detach().float().clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    array: NDArray[Any] = bytes_.permute(0, 2, 3, 1).contiguous().numpy()
    return array
