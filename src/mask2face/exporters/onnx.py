"""Export a net to one ONNX file that carries its model card; compare before saying yes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mask2face import files
from mask2face.exporters import contract, parity
from mask2face.exporters.exported import Exported
from mask2face.exporters.parity import Faces, Gate, Restore
from mask2face.formats import Inputs, onnx
from mask2face.formats.folding import folded
from mask2face.formats.packages import check_packages
from mask2face.nets.extras import extra_of
from mask2face.restorer import CARD_KEY, OUTPUT, ModelCard

TOLERANCE = parity.FLOAT32.max_error  # of outputs in [0, 1]


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` as one ONNX file: input `crops` (N, 3, S, S), output `restored` (N, 4, S, S).

    N is dynamic, S = `card.side`. A net with an `extra` has a second input of that name, (N, E).
    The file is opened in ONNX Runtime and compared with the net on noise and structured crops, and
    on zeros and normal numbers as the second input, and on faces where there are some; only then
    does it get its name.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the file's metadata under `mask2face.card`, with the parity on `faces`.
        path: the file to write.
        overwrite: replace an existing file.
        faces: compare on these, too.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        ModelError: the net breaks its contract, cannot be exported, or the file differs from it;
            or it wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    return write(net, card, path, _as_it_is, overwrite=overwrite, faces=faces, gate=Gate(tolerance))


def write(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    change: Callable[[Any], Any],
    *,
    overwrite: bool,
    faces: Faces | None,
    gate: Gate,
    target: str = "onnx",
    fold: bool = False,
    on_probes: bool = True,
) -> Exported:
    """Write `net` as one ONNX file of what `change` returns for its `ModelProto`; see `export`.

    Args:
        net: see `export`, as for `card`, `path`, `overwrite` and `faces`.
        card: goes into the file.
        path: the file to write.
        change: `ModelProto` -> `ModelProto`.
        overwrite: replace an existing file.
        faces: compare on these, too.
        gate: what the file may lose.
        target: name of the target, for messages.
        fold: fold what `change` could not; the file is compared with the net as it is.
        on_probes: hold the file to `gate.max_error` on noise and structured crops.
    """
    path = Path(path)
    check_packages("train", "onnx", "onnxscript")
    files.check_target(path, overwrite)
    frozen = contract.frozen(net)
    tries = contract.trials(frozen, card)
    wanted = [contract.expected(frozen, inputs) for inputs in tries]
    source = folded(frozen) if fold else frozen
    model = change(_convert(source, {name: x[:2] for name, x in tries[-1].items()}))
    run = _runner(_serialise(model, card), frozen)
    each = contract.one_by_one(run)  # any batch must do
    error = float(np.max([contract.difference(one, tries, wanted) for one in (run, each)]))
    if on_probes:
        contract.check_error(error, gate.max_error, "ONNX file")
    found = None
    if faces is not None:
        found = parity.compare(parity.of_net(frozen), run, faces)
        gate.check(found, target)
        card = found.within(card)
        error = max(error, found.max_error)
    data = _serialise(model, card)
    files.write(data, path, overwrite=overwrite)
    return Exported(path, len(data), error, found)


def _as_it_is(model: Any) -> Any:  # noqa: ANN401
    return model


def _convert(net: nn.Module, inputs: Inputs) -> Any:  # noqa: ANN401
    """Return the ONNX model of `net` for any number of crops."""
    batch = torch.export.Dim("N", min=1, max=4096)
    return onnx.converted(net, inputs, OUTPUT, ({0: batch},) * len(inputs))


def _serialise(model: Any, card: ModelCard) -> bytes:  # noqa: ANN401
    """Return the file's bytes, the card among them."""
    return onnx.serialised(model, {CARD_KEY: card.to_json()}, card.version)


def _runner(data: bytes, net: nn.Module) -> Restore:
    """Return the file in ONNX Runtime."""
    extra = extra_of(net)
    return onnx.runner(data, contract.PORTS, None if extra is None else extra.name)
