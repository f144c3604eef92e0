"""Export a net to one ONNX file that carries its model card; compare before saying yes."""

import copy
import importlib.util
import logging
import secrets
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mask2face import devices
from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters.exported import Exported, probes
from mask2face.restorer import CARD_KEY, INPUT, OUTPUT, ModelCard

OPSET = 18
TOLERANCE = 1e-4  # largest absolute difference from the net, of outputs in [0, 1]


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` as one ONNX file: input `crops` (N, 3, S, S), output `restored` (N, 4, S, S).

    N is dynamic, S = `card.side`. The file is opened in ONNX Runtime and compared with the net
    on noise and structured crops; only then does it get its name.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the file's metadata under `mask2face.card`.
        path: the file to write.
        overwrite: replace an existing file.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        ModelError: the net breaks its contract, cannot be exported, or the file differs from it.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    path = Path(path)
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already: choose another name or ask to overwrite it")
    if not path.parent.is_dir():
        raise OutputError(f"folder {path.parent} does not exist: make it first")
    frozen = copy.deepcopy(net).cpu().float().eval()
    crops = torch.from_numpy(probes(card.side))
    wanted = _expected(frozen, crops)
    data = _serialise(_convert(frozen, crops[:2]), card)
    error = _difference(data, crops, wanted)
    if not error <= tolerance:
        raise ModelError(
            f"the ONNX file differs from the net by {error:.2g}, more than {tolerance:.2g}: "
            "nothing was written; report this net as a bug"
        )
    _write(path, data)
    return Exported(path, len(data), error)


def _expected(net: nn.Module, crops: torch.Tensor) -> torch.Tensor:
    """Return the net's own answer, its contract checked."""
    with torch.no_grad():
        try:
            result: torch.Tensor = net(crops)
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"the net does not take crops {tuple(crops.shape)}: {error}"
            ) from error
    wanted = (len(crops), 4, *crops.shape[2:])
    if tuple(result.shape) != wanted:
        raise ModelError(f"the net gives {tuple(result.shape)} instead of {wanted}")
    if not bool(((result >= -1e-6) & (result <= 1 + 1e-6)).all()):
        raise ModelError("the net gives values that are not in [0, 1]: end it with a sigmoid")
    return result


def _convert(net: nn.Module, crops: torch.Tensor) -> Any:  # noqa: ANN401
    """Return the ONNX model of `net`, without traces of this machine."""
    batch = torch.export.Dim("N", min=1, max=4096)
    logger = logging.getLogger("torch.onnx._internal.exporter")
    level = logger.level
    logger.setLevel(logging.ERROR)  # it warns that torchvision is not installed
    with warnings.catch_warnings():
        # torch's exporter, onnxscript and copyreg warn about their own internals
        for kind in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        try:
            program = torch.onnx.export(
                net,
                (crops,),
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamic_shapes=({0: batch},),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
        except Exception as error:  # any failure inside torch's exporter
            raise ModelError(f"torch cannot export this net to ONNX: {error}") from error
        finally:
            logger.setLevel(level)
    if program is None:
        raise ModelError("torch gave no ONNX program for this net")
    return program.model_proto


def _serialise(model: Any, card: ModelCard) -> bytes:  # noqa: ANN401
    """Return the file's bytes: card and producer in, stack traces with local paths out."""
    import onnx

    for container in _with_metadata(model):
        del container.metadata_props[:]
        container.doc_string = ""
    model.producer_name = "mask2face"
    model.producer_version = card.version
    onnx.helper.set_model_props(model, {CARD_KEY: card.to_json()})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _with_metadata(model: Any) -> list[Any]:  # noqa: ANN401
    graphs = [model.graph, *model.functions]
    parts = [model, *graphs]
    for graph in graphs:
        parts += [*graph.node, *graph.value_info]
    parts += [*model.graph.initializer, *model.graph.input, *model.graph.output]
    return parts


def _difference(data: bytes, crops: torch.Tensor, wanted: torch.Tensor) -> float:
    """Return the largest difference between the file and the net, in one batch and one by one."""
    session = devices.session(data, "cpu")
    inputs = crops.numpy()
    whole = session.run([OUTPUT], {INPUT: inputs})[0]
    singles = [session.run([OUTPUT], {INPUT: inputs[i : i + 1]})[0] for i in range(len(inputs))]
    truth = wanted.numpy()
    return float(max(np.abs(whole - truth).max(), np.abs(np.concatenate(singles) - truth).max()))


def _write(path: Path, data: bytes) -> None:
    """Write under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
