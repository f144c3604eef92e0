"""Time the whole command and the net, the latter beside the article's U-Net in the same run.

    python benchmarks/speed.py

Prints: cold start of `mask2face unmask` on a 640 px photo with one face and its peak memory, the
warm call, the parts of it, and the net's time against the article's ResNet U-Net (filters
64,128,128,256,256,512, kernels 7,7,7,3,3,3, 256 px) in ONNX Runtime. The photo is drawn on
`skimage.data.astronaut()`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from skimage.data import astronaut

from mask2face import devices, masking
from mask2face.detectors import CenterFace
from mask2face.pipeline import Unmasker
from mask2face.restorer import Restorer, find_model


def milliseconds(call: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Return the median and the fastest of `rounds` calls after one to warm up, ms."""
    call()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken), min(taken)


def sample(path: Path) -> Path:
    """Write a 640 px photo of one face in a surgical face mask."""
    photo = cv2.resize(astronaut(), (640, 640), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(masking.mask(photo, style="surgical", seed=0).photo).save(path)
    return path


def cold(photo: Path, folder: Path) -> tuple[float, float]:
    """Return seconds and peak memory (MB) of the command in a fresh process."""
    command = [sys.executable, "-m", "mask2face", "unmask", str(photo), str(folder / "out.png")]
    began = time.perf_counter()
    process = subprocess.Popen([*command, "--overwrite"], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def article_net(folder: Path) -> Any:  # noqa: ANN401
    """Return an ONNX Runtime session of the article's net with random weights."""
    import torch

    from mask2face.nets import ResNetUNet

    path = folder / "article.onnx"
    crops = torch.rand(1, 3, 256, 256)
    torch.onnx.export(
        ResNetUNet().eval(), (crops,), path, input_names=["crops"], external_data=False
    )
    return devices.session(path, "cpu")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = sample(folder / "sample.png")
        runs = [cold(path, folder) for _ in range(3)]
        print(f"cold start, 640 px, one face: {min(run[0] for run in runs):.2f} s (best of 3)")
        print(f"peak memory: {max(run[1] for run in runs):.0f} MB")
        pixels = np.asarray(Image.open(path))
        unmasker, detector = Unmasker(device="cpu"), CenterFace("cpu")
        restorer = Restorer(find_model(None, "cpu"), "cpu")
        crop = np.zeros((1, restorer.card.side, restorer.card.side, 3), np.uint8)
        for label, call in (
            ("warm call", lambda: unmasker(pixels)),
            ("  detector", lambda: detector(pixels)),
            ("  net", lambda: restorer(crop)),
        ):
            median, fastest = milliseconds(call, rounds)
            print(f"{label}: {median:.1f} ms (fastest {fastest:.1f})")
        ours = milliseconds(lambda: restorer(crop), rounds)
        article = article_net(folder)
        batch = np.zeros((1, 3, 256, 256), np.float32)
        theirs = milliseconds(lambda: article.run(None, {"crops": batch}), rounds)
        ratio = theirs[0] / ours[0]
        print(f"article's U-Net, 256 px: {theirs[0]:.0f} ms; ours is {ratio:.0f}x faster")


if __name__ == "__main__":
    main()
