"""Video workflow: a clip of people in face masks -> the same clip with invented lower faces."""

from mask2face.video.clip import Clip, VideoError
from mask2face.video.filling import FaceFiller, Filled
from mask2face.video.unmasking import Report, default_target, unmask

__all__ = [
    "Clip",
    "FaceFiller",
    "Filled",
    "Report",
    "VideoError",
    "default_target",
    "unmask",
]
