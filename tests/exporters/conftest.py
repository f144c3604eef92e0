"""Noise instead of faces, a net of two sizes, and a card."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from mask2face.exporters import held_out
from mask2face.exporters.held_out import Faces
from mask2face.nets import FaceFiller
from mask2face.restorer import ModelCard

SIDE = 32


def noise_faces(count: int = 12, extra: int = 0) -> Faces:
    """Noise with a hole below."""
    rng = np.random.default_rng(0)
    holes = np.zeros((count, SIDE, SIDE), np.float32)
    holes[:, SIDE // 2 :] = 1

    def crops() -> np.ndarray:
        return rng.random((count, 3, SIDE, SIDE), np.float32)

    def vectors() -> np.ndarray | None:
        return rng.standard_normal((count, extra), np.float32) if extra else None

    truth = rng.integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)
    return Faces(crops(), crops(), truth, holes, vectors(), vectors())


@pytest.fixture
def faces() -> Callable[..., Faces]:
    return noise_faces


@pytest.fixture
def few_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let int8 targets be calibrated on less than it takes."""
    monkeypatch.setattr(held_out, "LEAST", 8)


@pytest.fixture
def filler() -> nn.Module:
    """A small `face_filler` whose normalisation is not the identity."""
    torch.manual_seed(0)
    net = FaceFiller(filters=[16, 24], dilations=[1, 2])
    for parameter in net.parameters():
        if parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
    with torch.no_grad():
        net(torch.rand(4, 3, SIDE, SIDE))
    return net


@pytest.fixture
def card() -> ModelCard:
    return ModelCard(
        "tiny", "3", SIDE, "face_filler", 1, 0.1, "MIT", "nöne", "none", {"hole_psnr": 9.5}
    )
