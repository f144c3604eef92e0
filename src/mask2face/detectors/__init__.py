"""Face detectors: photo -> faces; one file a detector."""

from collections.abc import Callable
from typing import Any

from mask2face.detectors.centerface import CenterFace

DETECTORS: dict[str, Callable[..., Any]] = {"centerface": CenterFace}

__all__ = ["DETECTORS", "CenterFace"]
