"""Checkpoint -> a file of another runtime with its card inside; compared, then written."""

import json
from pathlib import Path
from typing import Final

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mask2face import checkpoint as checkpoints
from mask2face.errors import ModelError, UsageError
from mask2face.finding.net import MULTIPLE, FaceFinder
from mask2face.finding.targets import TARGETS, ExportedDetector, Order
from mask2face.finding.training import NET
from mask2face.registry import lookup

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
        for index in range(len(child) - 1):
            first, second = child[index], child[index + 1]
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                child[index] = fuse_conv_bn_eval(first, second)
                child[index + 1] = nn.Identity()


def export(
    checkpoint: str | Path,
    path: str | Path,
    *,
    target: str = "onnx",
    side: int = 640,
    lessons: str | Path | None = None,
    overwrite: bool = False,
) -> ExportedDetector:
    """Write the detector for another runtime: input `photo`, output `cells` (1, 16, M).

    `FaceFinder` says what the numbers are. ONNX files take photos (1, 3, H, W) whose sides are
    multiples of 32; the others photos of one size, Core ML and ncnn (1, 3, S, S), ncnn without the
    1, and LiteRT (1, S, S, 3).

    Args:
        checkpoint: `last.safetensors` of a run.
        path: the file to write.
        target: of `TARGETS`.
        side: S, px; also of the scenes to compare on.
        lessons: a lesson folder: faces to compare on, and for integers to calibrate on. Needed by
            all targets whose weights are not float32, but Core ML, which does not run here.
        overwrite: replace an existing file.

    Raises:
        UnknownNameError: there is no such target.
        UsageError: `side` is no multiple of 32.
        ModelError: see `load`, or the file differs from the net.
        DataError: there are no lessons, and the target needs them; or they are broken.
        OutputError: `path` exists, has another ending than the target's, or cannot be written.
        MissingExtraError: a package of the target is not installed.
    """
    write = lookup("export target", TARGETS, target)
    if side < MULTIPLE or side % MULTIPLE:
        raise UsageError(f"--side {side}: give a multiple of {MULTIPLE}")
    net, steps = load(checkpoint)
    card = json.dumps({**CARD, "steps": steps})
    where = None if lessons is None else Path(lessons)
    return write(Order(net, card, Path(path), side, where, overwrite))
