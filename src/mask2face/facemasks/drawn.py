"""What every face-mask style takes and gives: (photo, landmarks, rng) -> Drawn."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Photo = NDArray[np.uint8]
Points = NDArray[np.floating[Any]]  # (n, 2) x, y in photo px, or a colour (3,) RGB
Layer = NDArray[np.floating[Any]]  # (h, w) or (h, w, 3); float32 for the sake of speed
Options = dict[str, str | float]


@dataclass(frozen=True)
class Drawn:
    """A photo with a face mask drawn on one face.

    Attributes:
        photo: uint8 (H, W, 3) RGB; equals `bare` bit for bit where `hole` is 0.
        hole: float32 (H, W) in [0, 1], 1 = replace. It is .5 at the rim of the face mask and
            of its strings, within 1 px; outside, where the contact shadow lies, it fades out.
        style: registry name.
        options: what was drawn, as far as it was chosen by name or number.
        bare: uint8 (H, W, 3) RGB, the photo without the face mask but with everything else that
            was drawn, such as a hand in front; None = the photo that was drawn on.
    """

    photo: Photo
    hole: NDArray[np.float32]
    style: str
    options: Options = field(default_factory=dict)
    bare: Photo | None = None


Style = Callable[..., Drawn]
"""`style(photo, landmarks, rng, **options) -> Drawn`; the options narrow what is drawn at random:
`wear`, `colour`, `pattern`, as far as the style takes them."""


def check(photo: Photo, landmarks: Points) -> None:
    """Refuse what is not an RGB photo with the 68 landmarks of one face.

    Raises:
        ValueError: `photo` is not uint8 (H, W, 3), or `landmarks` are not 68 finite points with
            an extent of at least 4 px.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3 or photo.size == 0:
        raise ValueError(f"photo must be uint8 (H, W, 3), got {photo.dtype} {photo.shape}")
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise ValueError(f"landmarks must be (68, 2) finite points, got shape {landmarks.shape}")
    if np.linalg.norm(np.ptp(landmarks, axis=0)) < 4:
        raise ValueError("landmarks lie on one spot: the face is smaller than 4 px")
