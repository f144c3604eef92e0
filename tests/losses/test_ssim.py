"""SSIM against scikit-image and against numbers known in closed form."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity
from torch import Tensor

from mask2face.losses.ssim import C1, C2, hole_ssim, ssim_l1_loss, ssim_loss, ssim_map


def tensor(photo: NDArray[np.float64]) -> Tensor:
    return torch.tensor(photo, dtype=torch.float32).permute(2, 0, 1)[None]


def pairs() -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    rng = np.random.default_rng(0)
    flat = np.full((40, 56, 3), 0.9)  # bright and nearly flat: rounding tells
    found = [
        (rng.random((40, 56, 3)), rng.random((40, 56, 3))),
        (rng.random((96, 64, 3)), rng.random((96, 64, 3))),
        (flat, np.clip(flat + rng.normal(0, 0.004, flat.shape), 0, 1)),
    ]
    for name in ("chelsea", "coffee"):
        crop = getattr(skimage.data, name)()[:180, 50:250] / 255.0
        found += [(crop, 0.7 * crop), (crop, crop[:, ::-1].copy())]
    face = skimage.data.astronaut()[20:220, 120:320] / 255.0
    for side in (32, 64, 128):
        crop = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        found.append((crop, cv2.GaussianBlur(crop, (0, 0), 2)))
        found.append((crop, np.clip(crop + rng.normal(0, 0.05, crop.shape), 0, 1)))
    return found


@pytest.mark.parametrize("index", range(13))
def test_equals_scikit_image(index: int) -> None:
    x, y = pairs()[index]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    value, full = structural_similarity(x, y, data_range=1, channel_axis=2, full=True, **options)  # type: ignore[no-untyped-call]
    hole = torch.ones(1, 1, *x.shape[:2])
    assert 1 - float(ssim_loss(tensor(x), tensor(y), hole)) == pytest.approx(value, abs=1e-5)
    l1 = float(np.abs(x - y).mean())
    assert float(ssim_l1_loss(tensor(x), tensor(y), hole)) == pytest.approx(
        1 - value + l1, abs=1e-5
    )
    hole[..., : hole.shape[2] // 2, :] = 0
    wanted = full[hole.shape[2] // 2 :].mean()
    assert 1 - float(hole_ssim(tensor(x), tensor(y), hole)) == pytest.approx(wanted, abs=1e-4)
    ours = ssim_map(tensor(x), tensor(y))[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(ours, full, atol=2e-4)


def test_flat_crops_by_hand() -> None:
    x, y = torch.full((1, 3, 32, 32), 0.2), torch.full((1, 3, 32, 32), 0.6)
    wanted = (2 * 0.2 * 0.6 + C1) / (0.2**2 + 0.6**2 + C1)
    hole = torch.ones(1, 1, 32, 32)
    assert 1 - float(ssim_loss(x, y, hole)) == pytest.approx(wanted, abs=1e-4)
    assert float(ssim_l1_loss(x, y, hole)) == pytest.approx(1 - wanted + 0.4, abs=1e-4)


def test_constants() -> None:
    assert pytest.approx((1e-4, 9e-4)) == (C1, C2)


def test_hole_ssim_ignores_what_is_far_from_the_hole() -> None:
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    y = x.clone()
    y[..., :20] = 0
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 40:] = 1
    assert float(hole_ssim(x, y, hole)) == pytest.approx(0, abs=1e-6)
    assert float(hole_ssim(x, y, 1 - hole)) > 0.3


def test_too_small() -> None:
    x = torch.zeros(1, 3, 10, 32)
    with pytest.raises(ValueError, match="at least 11"):
        ssim_loss(x, x, x[:, :1])


def test_float32_under_autocast() -> None:
    x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    y = 0.9 * x
    plain = float(ssim_loss(x, y, x[:, :1]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert float(ssim_loss(x, y, x[:, :1])) == pytest.approx(plain, abs=1e-6)


def test_gradient_after_inference_mode() -> None:
    x = torch.rand(1, 3, 37, 37)
    with torch.inference_mode():
        ssim_loss(x, x, x[:, :1])  # builds the cached window
    z = x.clone().requires_grad_(True)
    ssim_loss(z, 1 - x, x[:, :1]).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
