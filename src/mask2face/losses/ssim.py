"""Structural similarity (SSIM) as a loss, for the whole crop or inside the hole.

Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE TIP 13(4), 2004, equation 13.
"""

from functools import lru_cache

import torch
from torch import Tensor

SIGMA = 1.5  # pixels, standard deviation of the Gaussian window
RADIUS = 5  # pixels, so the window is 11 wide
C1 = 0.01**2  # (K1 L)^2, data range L = 1
C2 = 0.03**2  # (K2 L)^2
EPSILON = 1e-6  # hole pixels


@lru_cache(maxsize=32)
def _blur_matrix(size: int, device: str) -> Tensor:
    """Return (size, size): the 11-tap Gaussian with mirrored borders as a matrix.

    Two small matrix products blur faster on a CPU than depthwise convolutions do.
    """
    with torch.inference_mode(False):
        offsets = torch.arange(-RADIUS, RADIUS + 1)
        taps = torch.exp(-(offsets.double() ** 2) / (2 * SIGMA**2))
        places = torch.arange(size)[:, None] + offsets[None, :]
        places = places % (2 * size)  # mirror: ... 1 0 | 0 1 2 ... n-1 | n-1 n-2 ...
        places = torch.where(places < size, places, 2 * size - 1 - places)
        matrix = torch.zeros(size, size, dtype=torch.float64)
        matrix.scatter_add_(1, places, (taps / taps.sum()).expand(size, -1).contiguous())
        return matrix.float().to(device)


def ssim_map(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the SSIM of every pixel and channel, (N, C, H, W) in [-1, 1], 1 = equal.

    Window: Gaussian, 11 x 11, sigma 1.5, mirrored at the border; K1 = .01, K2 = .03, data
    range 1; covariances are not sample-corrected. Computed in float32 under autocast too.

    Args:
        prediction: (N, C, H, W) in [0, 1].
        target: (N, C, H, W) in [0, 1].
    """
    with torch.autocast(prediction.device.type, enabled=False):
        x, y = prediction.float() - 0.5, target.float() - 0.5  # centred: less rounding
        rows, columns = (_blur_matrix(size, str(x.device)) for size in x.shape[-2:])
        moments = rows @ torch.stack([x, y, x * x + y * y, x * y]) @ columns.T
        mean_x, mean_y, squares, product = moments.unbind(0)
        covariance = product - mean_x * mean_y
        variances = squares - mean_x * mean_x - mean_y * mean_y
        mean_x, mean_y = mean_x + 0.5, mean_y + 0.5
        luminance = (2 * mean_x * mean_y + C1) / (mean_x * mean_x + mean_y * mean_y + C1)
        return luminance * (2 * covariance + C2) / (variances + C2)


def ssim_loss(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return 1 - SSIM, averaged over the pixels whose window lies inside the crop.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1], H and W at least 11.
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W), not used.

    Raises:
        ValueError: the crop is smaller than the window.
    """
    if min(prediction.shape[-2:]) <= 2 * RADIUS:
        raise ValueError(
            f"SSIM needs crops of at least {2 * RADIUS + 1} pixels, "
            f"got {tuple(prediction.shape[-2:])}"
        )
    inside = ssim_map(prediction, target)[..., RADIUS:-RADIUS, RADIUS:-RADIUS]
    return 1 - inside.mean()


def ssim_l1_loss(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return 1 - SSIM plus the mean absolute error, the loss of the article.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1], H and W at least 11.
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W), not used.

    Raises:
        ValueError: the crop is smaller than the SSIM window.
    """
    absolute = torch.mean(torch.abs(prediction - target))
    return ssim_loss(prediction, target, hole) + absolute


def hole_ssim(prediction: Tensor, target: Tensor, hole: Tensor) -> Tensor:
    """Return 1 - SSIM averaged over the hole pixels of the whole batch.

    Windows reach across the rim of the hole, so what is left there counts too. Without any
    hole the loss is 0.

    Args:
        prediction: (N, 3, H, W) RGB in [0, 1].
        target: (N, 3, H, W) RGB in [0, 1].
        hole: (N, 1, H, W) in [0, 1], 1 = replace.
    """
    lost = (1 - ssim_map(prediction, target)) * hole
    return lost.sum() / (prediction.shape[1] * hole.sum() + EPSILON)
