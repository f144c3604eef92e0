"""Our own detector: photo -> faces, masked or bare, by a small net that ships with the package.

The net looks at the photo twice, the second time from four times as far away: what fills the photo
is then as small as what it learned from. `finding/` teaches it; `docs/detector.md` says how well.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.detectors.suppression import Candidates, joined, merged
from mask2face.devices import session
from mask2face.errors import ModelError
from mask2face.faces import Face

INPUT: Final = "photo"  # RGB in [0, 255], float32 (1, 3, H, W)
OUTPUT: Final = "cells"  # float32 (1, 16, M); see `finding.net.FaceFinder`
STRIDES: Final = (8, 16, 32)  # input px between two cells of the three grids
_MULTIPLE: Final = 32  # of the input's sides
_SMALLEST: Final = 160  # px; `shrink` stops here
_FARTHER: Final = 4  # times, of the second look
_FROM: Final = 320  # px; smaller photos get no second look: no face in them is too large


@dataclass(frozen=True)
class FoundFace(Face):
    """A face, and whether it wears a face mask.

    Attributes:
        masked: probability in [0, 1] of a face mask.
    """

    masked: float = 0.0


class Own:
    """Find every face of a photo: box, five landmarks, score, and whether it wears a face mask.

    Args:
        device: "auto", "cpu", "cuda", "coreml" or "dml".
        threshold: lowest score in (0, 1) that counts as a face.
        long_side: photos are shrunk to this many pixels for the search; the smallest face found is
            about 1/60 of it.
        shrink: search at this share of the photo's size, in (0, 1]: quicker, but it misses faces
            under about 10 px / shrink. Photos are not shrunk below 160 px for it.
        threads: CPU threads; 0 leaves the choice to ONNX Runtime.
        weights: the ONNX file that `mask2face detector export` wrote; None for the shipped one.

    Raises:
        ModelError: the ONNX file is missing or not a detector of ours.
        DeviceError: `device` is not available.
    """

    def __init__(
        self,
        device: str = "auto",
        threshold: float = 0.5,
        long_side: int = 640,
        threads: int = 0,
        shrink: float = 1.0,
        weights: str | Path | None = None,
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {threshold}")
        if not 0 < shrink <= 1:
            raise ValueError(f"shrink must be above 0 and at most 1, got {shrink}")
        self.threshold = threshold
        self.long_side = long_side
        self.shrink = shrink
        path = weights_file() if weights is None else Path(weights)
        self._session = session(path, device, threads)
        ports = [port.name for port in (*self._session.get_inputs(), *self._session.get_outputs())]
        if ports != [INPUT, OUTPUT]:
            raise ModelError(
                f"{path} maps {ports}, expected {[INPUT, OUTPUT]}: give a file that "
                "`mask2face detector export` wrote"
            )

    def __call__(self, photo: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `photo` (H, W, 3) RGB uint8, each a `FoundFace`, the surest first."""
        found = merged(self._search(photo))
        height, width = photo.shape[:2]
        limits = np.array([width, height, width, height], np.float32)
        faces: list[Face] = []
        for box, points, score, worn in zip(
            np.clip(found.boxes, 0, limits),
            found.landmarks,
            found.scores,
            found.masked,
            strict=True,
        ):
            x0, y0, x1, y1 = (float(value) for value in box)
            if min(x1 - x0, y1 - y0) >= 1:
                faces.append(FoundFace((x0, y0, x1, y1), points, float(score), float(worn)))
        return faces

    def _search(self, photo: NDArray[np.uint8]) -> Candidates:
        """Look from near and from afar."""
        longest = max(photo.shape[:2])
        longest = min(longest, max(round(self.shrink * longest), _SMALLEST), self.long_side)
        looks = (longest, longest // _FARTHER) if longest >= _FROM else (longest,)
        return joined([self._look(photo, side) for side in looks])

    def _look(self, photo: NDArray[np.uint8], long_side: int) -> Candidates:
        """Search `photo` shrunk to `long_side`; the candidates are in px of `photo`."""
        height, width = photo.shape[:2]
        scale = min(1.0, long_side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        # one factor an axis: rounding makes them differ
        factors = np.array([width / size[0], height / size[1]], np.float32)
        return self._detect(np.asarray(small, np.uint8)).scaled(factors)

    def _detect(self, photo: NDArray[np.uint8]) -> Candidates:
        height, width = photo.shape[:2]
        padded = cv2.copyMakeBorder(
            photo, 0, -height % _MULTIPLE, 0, -width % _MULTIPLE, cv2.BORDER_CONSTANT
        )
        batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        cells = self._session.run([OUTPUT], {INPUT: batch})[0][0]
        return candidates(cells, batch.shape[2:], self.threshold)


def candidates(cells: NDArray[np.float32], size: tuple[int, ...], threshold: float) -> Candidates:
    """Return what the cells take for faces, in px of the input.

    Args:
        cells: (16, M), the net's output; see `finding.net.FaceFinder`.
        size: height and width of the input, px.
        threshold: lowest score of a cell that counts.
    """
    chosen = np.flatnonzero(cells[0] >= threshold)
    middle = middles(*size)[chosen]
    numbers = cells[:, chosen].T.astype(np.float32)  # (n, 16)
    boxes = np.concatenate([middle - numbers[:, 2:4], middle + numbers[:, 4:6]], 1)
    landmarks = numbers[:, 6:].reshape(-1, 5, 2) + middle[:, None]
    return Candidates(boxes, landmarks, np.minimum(numbers[:, 0], 1), numbers[:, 1])


def middles(height: int, width: int) -> NDArray[np.float32]:
    """Return the middles of the cells (M, 2), x and y in px, of an input of that size.

    >>> middles(32, 64)[:3].tolist()
    [[4.0, 4.0], [12.0, 4.0], [20.0, 4.0]]
    """
    grids = []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride].reshape(2, -1)
        grids.append((np.stack([x, y], 1) + 0.5) * stride)
    return np.concatenate(grids).astype(np.float32)


def weights_file() -> Path:
    """Return the shipped ONNX file.

    Raises:
        ModelError: it is missing.
    """
    path = Path(__file__).parents[1] / "weights" / "detectors" / "own.onnx"
    if not path.is_file():
        raise ModelError(
            f"the face detector's file {path.name} is missing from this installation: run  "
            "pip install --force-reinstall mask2face"
        )
    return path
