"""Export a net to one ONNX file that carries its model card; compare before saying yes."""

import copy
import importlib.util
import logging
import secrets
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from mask2face import devices
from mask2face.errors import MissingExtraError, ModelError, OutputError
from mask2face.exporters.exported import Exported, probes, vectors
from mask2face.extra_input import FACE
from mask2face.nets.extras import extra_of
from mask2face.restorer import CARD_KEY, INPUT, OUTPUT, ModelCard

OPSET = 18
TOLERANCE = 1e-4  # largest absolute difference from the net, of outputs in [0, 1]

Inputs = dict[str, torch.Tensor]  # by the name of the port, crops first


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` as one ONNX file: input `crops` (N, 3, S, S), output `restored` (N, 4, S, S).

    N is dynamic, S = `card.side`. A net with an `extra` has a second input of that name, (N, E).
    The file is opened in ONNX Runtime and compared with the net on noise and structured crops, and
    on zeros and normal numbers as the second input; only then does it get its name.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the file's metadata under `mask2face.card`.
        path: the file to write.
        overwrite: replace an existing file.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: `path` exists already, or cannot be written.
        ModelError: the net breaks its contract, cannot be exported, or the file differs from it;
            or it wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `onnx` or `onnxscript` is not installed.
    """
    return write(net, card, path, _as_it_is, overwrite=overwrite, tolerance=tolerance)


def write(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    change: Callable[[Any], None],
    *,
    overwrite: bool,
    tolerance: float,
) -> Exported:
    """Write `net` as one ONNX file after `change` has had its `ModelProto`; see `export`."""
    path = Path(path)
    for package in ("onnx", "onnxscript"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already: choose another name or ask to overwrite it")
    if not path.parent.is_dir():
        raise OutputError(f"folder {path.parent} does not exist: make it first")
    frozen = copy.deepcopy(net).cpu().float().eval()
    tries = _inputs(frozen, card)
    wanted = [_expected(frozen, inputs) for inputs in tries]
    model = _convert(frozen, {name: x[:2] for name, x in tries[-1].items()})
    change(model)
    data = _serialise(model, card)
    error = _difference(data, tries, wanted)
    if not error <= tolerance:
        raise ModelError(
            f"the ONNX file differs from the net by {error:.2g}, more than {tolerance:.2g}: "
            "nothing was written; report this net as a bug"
        )
    _write(path, data)
    return Exported(path, len(data), error)


def _as_it_is(_: Any) -> None:  # noqa: ANN401
    pass


def _inputs(net: nn.Module, card: ModelCard) -> list[Inputs]:
    """Return what the net and its file are compared on."""
    crops = torch.from_numpy(probes(card.side))
    extra = extra_of(net)
    if extra is None:
        return [{INPUT: crops}]
    if extra.name == FACE and not card.embedder:
        raise ModelError(
            "the net wants face embeddings, and neither its checkpoint nor the card says whose: "
            "train it on pairs that `mask2face dataset embed` has been run on"
        )
    found = vectors(len(crops), extra.size)
    return [{INPUT: crops, extra.name: torch.from_numpy(vector)} for vector in found]


def _expected(net: nn.Module, inputs: Inputs) -> torch.Tensor:
    """Return the net's own answer, its contract checked."""
    crops = inputs[INPUT]
    with torch.no_grad():
        try:
            result: torch.Tensor = net(*inputs.values())
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


def _convert(net: nn.Module, inputs: Inputs) -> Any:  # noqa: ANN401
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
                tuple(inputs.values()),
                input_names=list(inputs),
                output_names=[OUTPUT],
                opset_version=OPSET,
                dynamic_shapes=({0: batch},) * len(inputs),
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


def _difference(data: bytes, tries: list[Inputs], wanted: list[torch.Tensor]) -> float:
    """Return the largest difference between the file and the net, in one batch and one by one."""
    session = devices.session(data, "cpu")
    errors = []
    for inputs, truth in zip(tries, wanted, strict=True):
        for part in (slice(None), *(slice(i, i + 1) for i in range(len(truth)))):
            feed = {name: value[part].numpy() for name, value in inputs.items()}
            made = session.run([OUTPUT], feed)[0]
            errors.append(np.abs(made - truth[part].numpy()).max())
    return float(np.max(errors))


def _write(path: Path, data: bytes) -> None:
    """Write under a temporary name, then rename."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
