"""A detector's net -> a file of another runtime; a function a target compares, then writes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mask2face import files
from mask2face.detectors.own import INPUT, OUTPUT
from mask2face.errors import DataError, ModelError
from mask2face.finding import agreement
from mask2face.finding.agreement import Agreement, Gate, Run, Shown
from mask2face.finding.net import MULTIPLE, FaceFinder
from mask2face.formats import Inputs, Ports, coreml, litert_file, ncnn, onnx, onnx_int8
from mask2face.formats.onnx_fp16 import halved
from mask2face.formats.packages import check_packages
from mask2face.formats.workshop import place, workshop

PORTS: Final = Ports(INPUT, OUTPUT)
CARD_KEY: Final = "mask2face.detector"  # of the card in a file's metadata
TOLERANCE: Final = 0.02  # px, or of a probability times 50: largest difference from the net
_MOST: Final = 128  # times 32 px: largest side of a photo
# what LiteRT computes in float32 in an integer file: 256 steps are too coarse for px
_DECODING: Final = ("RESHAPE", "SLICE", "LOGISTIC", "MUL", "CONCATENATION")
_ENDS: Final = ("Sequential_stem", "Conv2d_out")  # the first layer, and those that speak
_SIZES: Final = ((64, 96), (160, 128), (96, 320))  # what file and net are compared on


@dataclass(frozen=True)
class ExportedDetector:
    """A file that passed the comparison with its net.

    Attributes:
        path: the file, or the first of several.
        size: in bytes, of all files together.
        error: largest difference from the net on noise, px; of probabilities 50 times that. None
            where that is not asked.
        agreement: on held-out faces; None without lessons, or where the file does not run here.
        note: what the comparison was, where it was another one than running the file.
    """

    path: Path
    size: int
    error: float | None
    agreement: Agreement | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class Order:
    """What to write.

    Attributes:
        net: as `load` gives it.
        card: as JSON.
        path: where to.
        side: of the photos, where the file has one size.
        lessons: to compare on; None for none.
        overwrite: replace what is there.
    """

    net: FaceFinder
    card: str
    path: Path
    side: int
    lessons: Path | None
    overwrite: bool

    @property
    def metadata(self) -> dict[str, str]:
        """What goes into the file beside the net."""
        return {CARD_KEY: self.card}

    @property
    def example(self) -> Inputs:
        """A photo of the file's size."""
        return {INPUT: torch.zeros(1, 3, self.side, self.side)}

    def shown(self) -> Shown | None:
        """Return what to compare on."""
        if self.lessons is None:
            return None
        return agreement.show(self.lessons, self.side, of_net(self.net))

    def needed(self, target: str) -> Shown:
        """Return what to calibrate and compare on.

        Raises:
            DataError: there is nothing.
        """
        shown = self.shown()
        if shown is None:
            raise DataError(
                f"{target} must be compared with the net on faces: give a lesson folder with "
                "--lessons LESSONS; one is made by  mask2face detector lessons"
            )
        return shown

    def agreed(self, run: Run, shown: Shown | None, gate: Gate, target: str) -> Agreement | None:
        """Compare a file with the net where there is something to compare on.

        Raises:
            ModelError: it is further away than `gate` allows.
        """
        if shown is None:
            return None
        found = agreement.compare(of_net(self.net), run, shown.compared)
        gate.check(found, target)
        return found


def of_net(net: nn.Module) -> Run:
    """Return what `net` gives, as a `Run`."""

    def run(photo: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(net(torch.from_numpy(photo)).numpy(), np.float32)

    return run


def _onnx(order: Order) -> ExportedDetector:
    _begin_onnx(order)
    data = onnx.serialised(_converted(order.net), order.metadata)
    run = onnx.runner(data, PORTS)
    error = _difference(run, order.net, _SIZES)
    _check(error, "ONNX")
    return _written(order, data, run, error, order.shown(), agreement.FLOAT, "onnx")


def _onnx_fp16(order: Order) -> ExportedDetector:
    _begin_onnx(order)
    shown = order.needed("onnx-fp16")
    data = onnx.serialised(halved(_converted(order.net)), order.metadata)
    run = onnx.runner(data, PORTS)
    return _written(order, data, run, None, shown, agreement.FLOAT, "onnx-fp16")


def _onnx_int8(order: Order) -> ExportedDetector:
    _begin_onnx(order)
    shown = order.needed("onnx-int8")
    samples = ({INPUT: photo[None].astype(np.float32)} for photo in shown.calibration)
    model = onnx_int8.quantised(_converted(order.net), samples, PORTS)
    data = onnx.serialised(model, order.metadata)
    run = onnx.runner(data, PORTS)
    return _written(order, data, run, None, shown, agreement.INT8, "onnx-int8")


def _begin_onnx(order: Order) -> None:
    check_packages("train", "onnx", "onnxscript")
    files.check_target(order.path, order.overwrite)


def _written(
    order: Order,
    data: bytes,
    run: Run,
    error: float | None,
    shown: Shown | None,
    gate: Gate,
    target: str,
) -> ExportedDetector:
    """Compare a file, which `run` has open, on faces, and write it."""
    found = order.agreed(run, shown, gate, target)
    files.write(data, order.path, overwrite=order.overwrite)
    return ExportedDetector(order.path, len(data), error, found)


def _litert(order: Order) -> ExportedDetector:
    _begin_litert(order)
    data, error = _tflite(order)
    data = litert_file.with_metadata(data, CARD_KEY, order.card)
    run = litert_file.Session(data, PORTS)
    return _written(order, data, run, error, order.shown(), agreement.FLOAT, "litert")


def _litert_int8(order: Order) -> ExportedDetector:
    from mask2face.formats.litert_int8 import quantised

    _begin_litert(order)
    shown = order.needed("litert-int8")
    photos = (photo.astype(np.float32) for photo in shown.calibration)
    samples = [{INPUT: litert_file.channels_last(photo)} for photo in photos]
    data = quantised(_tflite(order)[0], samples, operations=_DECODING, layers=_ENDS)
    data = litert_file.with_metadata(data, CARD_KEY, order.card)
    run = litert_file.Session(data, PORTS)
    return _written(order, data, run, None, shown, agreement.INT8, "litert-int8")


def _begin_litert(order: Order) -> None:
    check_packages(*litert_file.PACKAGES)
    files.check_target(order.path, order.overwrite)


def _tflite(order: Order) -> tuple[bytes, float]:
    """Return a float32 file and how far it is from the net."""
    from mask2face.formats.litert_conversion import convert

    data = convert(order.net, order.example, OUTPUT)
    error = _difference(litert_file.Session(data, PORTS), order.net, [(order.side,) * 2])
    _check(error, "LiteRT")
    return data, error


def _coreml(order: Order) -> ExportedDetector:
    path = coreml.begin(order.path, order.overwrite)
    card = json.loads(order.card)
    about = coreml.About(order.metadata, card["intended_use"], card["licence"], "")
    with workshop(path) as folder:
        made = folder / path.name
        size = coreml.write(order.net, order.example, OUTPUT, about, made)
        place([made], [path])
    return ExportedDetector(path, size, None, note=coreml.NOTE)


def _ncnn(order: Order) -> ExportedDetector:
    paths = ncnn.begin(order.path, order.overwrite)
    shown = order.needed("ncnn")
    with workshop(paths[0]) as folder:
        made = [folder / path.name for path in paths]
        ncnn.write(order.net, order.example, OUTPUT, made)
        found = order.agreed(ncnn.Session(made[0], PORTS), shown, agreement.FLOAT, "ncnn")
        made[2].write_text(order.card + "\n", encoding="utf-8")
        place(made[::-1], paths[::-1])  # .param last: with it the net is there
    return ExportedDetector(paths[0], sum(path.stat().st_size for path in paths), None, found)


TARGETS: Final[dict[str, Callable[[Order], ExportedDetector]]] = {
    "coreml": _coreml,
    "litert": _litert,
    "litert-int8": _litert_int8,
    "ncnn": _ncnn,
    "onnx": _onnx,
    "onnx-fp16": _onnx_fp16,
    "onnx-int8": _onnx_int8,
}


def _check(error: float, kind: str) -> None:
    if not error <= TOLERANCE:
        raise ModelError(
            f"the {kind} file differs from the net by {error:.2g} px: nothing was written; "
            "report this as a bug"
        )


def _converted(net: nn.Module) -> Any:  # noqa: ANN401
    """Return the ONNX model of `net` for photos of many sizes."""
    height, width = (torch.export.Dim(name, min=1, max=_MOST) for name in ("rows", "columns"))
    example = {INPUT: torch.zeros(1, 3, 2 * MULTIPLE, 3 * MULTIPLE)}
    model = onnx.converted(net, example, OUTPUT, ({2: MULTIPLE * height, 3: MULTIPLE * width},))
    del model.graph.value_info[:]
    return model


def _difference(run: Run, net: nn.Module, sizes: Sequence[tuple[int, int]]) -> float:
    """Return the largest difference between file and net, px; probabilities count 50 times."""
    rng = np.random.default_rng(0)
    errors = []
    for height, width in sizes:
        noise = rng.uniform(0, 255, (1, 3, height, width)).astype(np.float32)
        off = np.abs(run(noise) - of_net(net)(noise))
        errors += [50 * off[:, :2].max(), off[:, 2:].max()]
    return float(np.max(errors))
