"""Who a face looks like, in numbers: aligned crops uint8 (N, S, S, 3) -> float32 (N, E).

Made by dlib's face recognition net or by any FaceNet in an ONNX file, from the crop alone: a face
mask hides the landmarks that face recognition aligns by otherwise.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mask2face import devices
from mask2face.errors import MissingExtraError, ModelError, UnknownNameError
from mask2face.faces import cut

DLIB: Final = "dlib"
BATCH: Final = 8  # faces a run; more would only cost memory on a CPU
_FILE: Final = Path("models") / "dlib_face_recognition_resnet_model_v1.dat"
_CHIP: Final = 150  # px; side of the aligned picture that dlib's net wants
# Where dlib's picture lies in a crop aligned as `faces.align` does it, in crop sides: median of
# dlib.get_face_chip_details(landmarks, 150, 0.25) on 4000 crops of LFW and CelebA; its turn
# (median 0.02 rad) and its shift sideways (-0.0025) are taken as 0, so that a mirrored face is
# treated as the face.
_CHIP_SIDE: Final = 0.744
_CHIP_CENTRE: Final = (0.5, 0.511)
_FACENET_SIDE: Final = 160  # px, where the file leaves it open
_LAYOUTS: Final = "(N, 3, H, W) or (N, H, W, 3)"

Pictures = NDArray[np.uint8]
Vectors = NDArray[np.float32]


class FaceEmbedder:
    """Describe faces by vectors that are near for faces of the same person.

    `FaceEmbedder.find` makes one. "dlib" is King's ResNet (dlib 19.3, 2017), E = 128: distances
    below 0.6 mean the same person, its vectors are about 1.4 long and left so. A FaceNet (Schroff
    et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", 2015,
    arXiv:1503.03832) gives vectors of length 1, as in section 3 of the paper.

    Args:
        name: "dlib", or the name of the ONNX file.
        describe: uint8 (N, S, S, 3) RGB, N at least 1 -> (N, E).

    Attributes:
        name: "dlib", or the name of the ONNX file without its folder.
        size: E.
    """

    def __init__(self, name: str, describe: Callable[[Pictures], Vectors]) -> None:
        self.name = name
        self._describe = describe
        # a picture of nothing shows whether the net works at all, and E
        self.size = describe(np.zeros((1, _CHIP, _CHIP, 3), np.uint8)).shape[1]

    @classmethod
    def find(cls, name: str | Path, device: str = "cpu", threads: int = 0) -> "FaceEmbedder":
        """Open a face embedder.

        Args:
            name: "dlib", or a FaceNet's ONNX file (ending in `.onnx`): one input, (N, 3, H, W) or
                (N, H, W, 3), RGB as (x - 127.5) / 128 (FaceNet's fixed standardisation); H and W
                are 160 where the file leaves them open; one output of any shape (N, ...).
            device: that runs an ONNX file; see `devices`.
            threads: CPU threads for an ONNX file; 0 leaves the choice to ONNX Runtime.

        Raises:
            UnknownNameError: neither "dlib" nor an ONNX file's name.
            MissingExtraError: dlib or the package with its model file is not installed.
            ModelError: the file is missing, broken, or no FaceNet.
            DeviceError: the device is not available.
        """
        if str(name) == DLIB:
            return cls(DLIB, _Dlib())
        path = Path(name)
        if path.suffix.lower() != ".onnx":
            raise UnknownNameError(
                f"unknown face embedder {str(name)!r}: choose dlib, or a FaceNet's file .onnx"
            )
        return cls(path.name, _FaceNet(path, device, threads))

    def __call__(self, crops: Pictures) -> Vectors:
        """Describe aligned crops.

        Args:
            crops: RGB uint8 (N, S, S, 3), aligned by `faces.align`: the eyes' midpoint at
                (0.5, 0.37) of the side, 0.27 sides apart on a face seen from the front.

        Returns:
            float32 (N, E).

        Raises:
            ModelError: the net gives something else than N finite vectors.
            ValueError: `crops` are no such array.
        """
        square = crops.ndim == 4 and crops.shape[1] == crops.shape[2] > 0 and crops.shape[3] == 3
        if crops.dtype != np.uint8 or not square:
            raise ValueError(f"expected uint8 (N, S, S, 3), got {crops.dtype} {crops.shape}")
        found = [
            self._describe(crops[start : start + BATCH]) for start in range(0, len(crops), BATCH)
        ]
        return np.concatenate([np.empty((0, self.size), np.float32), *found])


def recognition_net() -> Any:  # noqa: ANN401
    """Open dlib's `face_recognition_model_v1` with the packaged weights.

    Raises:
        MissingExtraError: dlib or the package with its model file is not installed.
        ModelError: the model file is broken.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingExtraError("dlib", "data") from error
    # The package is found, not imported: its import needs pkg_resources, which is gone.
    spec = importlib.util.find_spec("face_recognition_models")
    places = list(spec.submodule_search_locations or []) if spec else []
    if not places or not (Path(places[0]) / _FILE).is_file():
        raise MissingExtraError("face_recognition_models", "data")
    try:
        return dlib.face_recognition_model_v1(str(Path(places[0]) / _FILE))
    except RuntimeError as error:
        raise ModelError(
            f"{_FILE.name} of the package 'face_recognition_models' is broken ({error}): "
            "run  pip install --force-reinstall face_recognition_models"
        ) from error


def chip(crop: Pictures) -> Pictures:
    """Cut the picture that dlib's net wants, (150, 150, 3), out of an aligned crop (S, S, 3).

    dlib turns and scales each face by its landmarks; here every crop gets their median place. On
    80 bare faces of LFW and CelebA (S = 128) the descriptors are 0.154 apart on average, 0.29 at
    most, where those of two people are 0.84 apart.
    """
    side = crop.shape[0]
    zoom = _CHIP / (_CHIP_SIDE * side)
    x, y = ((_CHIP - 1) / 2 - zoom * centre * side for centre in _CHIP_CENTRE)
    return cut(crop, np.array([[zoom, 0, x], [0, zoom, y]]), _CHIP)


class _Dlib:
    def __init__(self) -> None:
        self._net = recognition_net()

    def __call__(self, crops: Pictures) -> Vectors:
        found = self._net.compute_face_descriptor([chip(crop) for crop in crops])
        return np.array(found, np.float32)


class _FaceNet:
    def __init__(self, path: Path, device: str, threads: int) -> None:
        if not path.is_file():
            raise ModelError(f"{path} is not a file: give a FaceNet's ONNX file")
        self._path = path
        self._session = devices.session(path, device, threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0].type != "tensor(float)":
            raise self._wrong(
                f"it has the inputs {[(port.name, port.type) for port in inputs]} and "
                f"{len(outputs)} outputs, expected one float input and one output"
            )
        self._input = inputs[0].name
        shape = inputs[0].shape
        if len(shape) != 4 or (shape[1] != 3 and shape[3] != 3):
            raise self._wrong(f"its input is {shape}, expected {_LAYOUTS}")
        self._channels_first = shape[1] == 3
        height, width = shape[2:] if self._channels_first else shape[1:3]
        self._size = (_fixed(width) or _FACENET_SIDE, _fixed(height) or _FACENET_SIDE)
        if _fixed(shape[0]) not in (None, 1):
            raise self._wrong(f"it takes {shape[0]} faces at a time, expected any number, or 1")
        self._one_by_one = _fixed(shape[0]) == 1

    def _wrong(self, why: str) -> ModelError:
        return ModelError(f"{self._path} is no FaceNet: {why}; export it again for inference")

    def __call__(self, crops: Pictures) -> Vectors:
        batch = np.stack([_resized(crop, self._size) for crop in crops]).astype(np.float32)
        batch = (batch - np.float32(127.5)) / np.float32(128)
        if self._channels_first:
            batch = np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
        parts = np.split(batch, len(batch)) if self._one_by_one else [batch]
        found = np.concatenate([self._run(part) for part in parts])
        # most files end with this; it does nothing to vectors of length 1
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        return unit

    def _run(self, batch: NDArray[np.float32]) -> Vectors:
        try:
            found = np.asarray(self._session.run(None, {self._input: batch})[0], np.float32)
        except Exception as error:  # onnxruntime's errors share no base class
            raise self._wrong(f"it cannot be run on {batch.shape} ({error})") from error
        if found.ndim < 2 or len(found) != len(batch) or not found.size:
            raise self._wrong(f"its output is {found.shape}, expected ({len(batch)}, E)")
        if not np.isfinite(found).all():
            raise self._wrong("its output is not finite")
        return found.reshape(len(batch), -1)


def _fixed(size: object) -> int | None:
    """Return a dimension that the file fixes; a name, None or 0 leaves it open."""
    return size if isinstance(size, int) and size > 0 else None


def _resized(crop: Pictures, size: tuple[int, int]) -> Pictures:
    """Return the whole crop at (width, height), without aliasing."""
    shrinks = crop.shape[1] > size[0] or crop.shape[0] > size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, size, interpolation=way), np.uint8)
