"""Checkpoint -> one ONNX file that carries its card; compared with the net before it is written."""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mask2face import checkpoint as checkpoints
from mask2face import devices, files, onnx_program
from mask2face.detectors.own import INPUT, OUTPUT
from mask2face.errors import MissingExtraError, ModelError
from mask2face.finding.net import MULTIPLE, FaceFinder
from mask2face.finding.training import NET

CARD_KEY: Final = "mask2face.detector"  # of the card among the ONNX metadata
TOLERANCE: Final = 0.02  # px, or of a probability times 50: largest difference from the net
_MOST: Final = 128  # times 32 px: largest side of a photo
_SIZES: Final = ((64, 96), (160, 128), (96, 320))  # what file and net are compared on

CARD: Final = {
    "name": "own",
    "intended_use": "Finds faces, masked or bare, and five points of each, so that face masks can "
    "be replaced. It tells nobody apart.",
    "data": "LFW and CelebA, without the people of the test split; face masks drawn by mask2face",
    "teacher": "CenterFace (MIT), which saw the bare photos",
    "licence": "weights: for research, not for commercial use, as LFW and CelebA are",
    "limits": "Not for identifying, verifying or counting people. Trained on photos of celebrities "
    "and politicians, mostly from the front.",
}


@dataclass(frozen=True)
class ExportedDetector:
    """A file that passed the comparison with its net.

    Attributes:
        path: the file.
        size: in bytes.
        error: largest difference from the net, px; of probabilities 50 times that.
    """

    path: Path
    size: int
    error: float


def load(path: str | Path) -> tuple[FaceFinder, int]:
    """Return a run's averaged net in inference mode, its batch norms folded, and its steps.

    Raises:
        ModelError: the checkpoint is missing, broken or of another net.
    """
    about, tensors = checkpoints.read(path)
    if about.net != NET:
        raise ModelError(f"{str(path)!r} holds the net {about.net!r}, not a face detector")
    net = FaceFinder(**about.options)
    checkpoints.load_weights(net, checkpoints.part(tensors, "ema"), str(path))
    _fold(net.eval())
    return net, about.step


def _fold(module: nn.Module) -> None:
    """Fold each batch norm into the convolution before it."""
    for child in module.modules():
        if not isinstance(child, nn.Sequential):
            continue
        for place in range(len(child) - 1):
            first, second = child[place], child[place + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                child[place] = fuse_conv_bn_eval(first, second)
                child[place + 1] = nn.Identity()


def export(
    checkpoint: str | Path, path: str | Path, *, overwrite: bool = False
) -> ExportedDetector:
    """Write the detector as ONNX: input `photo` (1, 3, H, W), output `cells` (1, 16, M).

    H and W are dynamic, multiples of 32; `FaceFinder` says what the numbers are.

    Args:
        checkpoint: `last.safetensors` of a run.
        path: the file to write.
        overwrite: replace an existing file.

    Raises:
        ModelError: see `load`, or the file differs from the net.
        OutputError: `path` exists or cannot be written.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
    path = Path(path)
    files.check_target(path, overwrite)
    net, steps = load(checkpoint)
    card = json.dumps({**CARD, "steps": steps})
    data = onnx_program.serialised(_converted(net), {CARD_KEY: card})
    error = _difference(data, net)
    if not error <= TOLERANCE:
        raise ModelError(
            f"the ONNX file differs from the net by {error:.2g} px: nothing was written; "
            "report this as a bug"
        )
    files.write(data, path, overwrite=overwrite)
    return ExportedDetector(path, len(data), error)


def _converted(net: nn.Module) -> Any:  # noqa: ANN401
    """Return the ONNX model of `net` for photos of many sizes."""
    height, width = (torch.export.Dim(name, min=1, max=_MOST) for name in ("rows", "columns"))
    example = {INPUT: torch.zeros(1, 3, 2 * MULTIPLE, 3 * MULTIPLE)}
    model = onnx_program.converted(
        net, example, OUTPUT, ({2: MULTIPLE * height, 3: MULTIPLE * width},)
    )
    del model.graph.value_info[:]
    return model


def _difference(data: bytes, net: nn.Module) -> float:
    """Return the largest difference between file and net, px; probabilities count 50 times."""
    session = devices.session(data, "cpu")
    rng = np.random.default_rng(0)
    errors = []
    for height, width in _SIZES:
        noise = rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        with torch.no_grad():
            wanted = net(torch.from_numpy(noise)).numpy()
        off = np.abs(session.run([OUTPUT], {INPUT: noise})[0] - wanted)
        errors += [50 * off[:, :2].max(), off[:, 2:].max()]
    return float(np.max(errors))
