"""Video workflow: a clip of people in face masks -> the same clip with invented lower faces."""

from mask2face.video.clip import Clip
from mask2face.video.filling import FaceFiller, Filled
from mask2face.video.mark import read_mark
from mask2face.video.unmasking import Report, default_target, unmask

__all__ = [
    "Clip",
    "FaceFiller",
    "Filled",
    "Report",
    "default_target",
    "read_mark",
    "unmask",
]
