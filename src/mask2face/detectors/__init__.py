"""Face detectors: photo -> faces; one file a detector."""

from collections.abc import Callable
from typing import Any

from mask2face.detectors.centerface import CenterFace
from mask2face.detectors.own import Own
from mask2face.registry import lookup

DETECTORS: dict[str, Callable[..., Any]] = {"centerface": CenterFace, "own": Own}

_LEAST_SCORES = {"centerface": 0.4, "own": 0.5}  # of a face, where face masks are looked for


def detector(
    name: str, device: str = "auto", threads: int = 0, long_side: int | None = None
) -> Any:  # noqa: ANN401
    """Open a detector that is to find masked faces: photo (H, W, 3) RGB uint8 -> faces.

    Args:
        name: key of `DETECTORS`.
        device: "auto", "cpu", "cuda", "coreml" or "dml".
        threads: CPU threads; 0 leaves the choice to ONNX Runtime.
        long_side: px that photos are shrunk to for the search; None for the detector's own.

    Raises:
        UnknownNameError: no detector or device of that name.
        ModelError: its weights are missing.
        DeviceError: `device` is not available.
    """
    opened = lookup("detector", DETECTORS, name)
    sides = {} if long_side is None else {"long_side": long_side}
    return opened(device, threshold=_LEAST_SCORES[name], threads=threads, **sides)


__all__ = ["DETECTORS", "CenterFace", "Own", "detector"]
