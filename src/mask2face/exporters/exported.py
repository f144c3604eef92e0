"""What an exporter wrote, and the inputs that each exporter is compared on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mask2face.exporters.parity import Parity


@dataclass(frozen=True)
class Exported:
    """A file that passed the comparison with its net.

    Attributes:
        path: the file, or the first of several.
        size: in bytes, of all files together.
        error: largest absolute difference from the net, in [0, 1]; None where this platform cannot
            run the file.
        parity: how far it is from the net on faces; None without faces, or where it cannot be run.
        files: all files, where the target writes more than `path`.
        note: what the comparison was, where it was another one than running the file.
    """

    path: Path
    size: int
    error: float | None
    parity: Parity | None = None
    files: tuple[Path, ...] = ()
    note: str = ""


def probes(side: int) -> NDArray[np.float32]:
    """Return crops to compare a net and its export on, float32 (5, 3, side, side) in [0, 1].

    Noise, black, white, a ramp, and a face-mask-like bright block on the ramp.
    """
    rng = np.random.default_rng(0)
    across = np.tile(np.linspace(0, 1, side, dtype=np.float32), (side, 1))
    slope = np.stack([across, across.T, 1 - across])
    block = slope.copy()
    block[:, side // 2 :, side // 4 : -(side // 4)] = 0.9
    noise = rng.random((3, side, side), dtype=np.float32)
    return np.stack([noise, np.zeros_like(noise), np.ones_like(noise), slope, block])


def vectors(count: int, size: int) -> list[NDArray[np.float32]]:
    """Return second inputs to compare a net and its export on: zeros, then normal numbers.

    Args:
        count: crops.
        size: numbers a crop.

    >>> [one.shape for one in vectors(5, 16)]
    [(5, 16), (5, 16)]
    """
    normal = np.random.default_rng(1).standard_normal((count, size), np.float32)
    return [np.zeros_like(normal), normal]
