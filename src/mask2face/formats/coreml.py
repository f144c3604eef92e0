"""A net -> a Core ML package; it is read again, as it runs on Apple's systems only."""

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, jit, nn
from torch.export import export as export_program

from mask2face.errors import ModelError, OutputError
from mask2face.formats import Inputs
from mask2face.formats.hush import quiet
from mask2face.formats.packages import check_packages
from mask2face.formats.workshop import check_package

_EXTRA: Final = "mobile"
_SUFFIX: Final = ".mlpackage"
NOTE: Final = "its specification was checked; its prediction was not measured on this platform"
_FLOAT32: Final = 65568  # Core ML's ArrayFeatureType.FLOAT32
_DATED: Final = "com.github.apple.coremltools.conversion_date"


@dataclass(frozen=True)
class About:
    """What a package says of itself.

    Attributes:
        texts: user-defined metadata by key.
        description: in a sentence.
        licence: of the weights.
        version: of the weights.
    """

    texts: Mapping[str, str]
    description: str
    licence: str
    version: str


def begin(path: str | Path, overwrite: bool) -> Path:
    """Return `path` if a package may be written there, before any work is done.

    Raises:
        OutputError: it exists already, has another ending, or there is no folder for it.
        MissingExtraError: `coremltools` is not installed.
    """
    path = Path(path)
    check_packages(_EXTRA, "coremltools")
    if path.suffix != _SUFFIX:
        raise OutputError(f"{path} must end in {_SUFFIX}: Core ML opens nothing else")
    check_package(path, overwrite)
    return path


def write(net: nn.Module, inputs: Inputs, output: str, about: About, path: Path) -> int:
    """Write `net` as a package in `path`, read it again and check it; return its size in bytes.

    Ports are float32; weights and what is computed in between are float16.

    Args:
        net: in inference mode, its normalisation folded.
        inputs: of the sizes that the package shall have.
        output: name of the output.
        about: goes into the package.
        path: a folder that does not exist yet.

    Raises:
        ModelError: the net has a layer that Core ML cannot express, or the package is not what it
            should be.
    """
    _convert(net, inputs, output, about, path)
    shape = _output_shape(net, inputs)
    check(path, inputs, {output: shape}, about.texts, sum(p.numel() for p in net.parameters()))
    _share(path)
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _output_shape(net: nn.Module, inputs: Inputs) -> tuple[int, ...]:
    with torch.no_grad():
        return tuple(net(*inputs.values()).shape)


def _convert(net: nn.Module, inputs: Inputs, output: str, about: About, path: Path) -> None:
    with quiet():
        import coremltools

        ports = [
            coremltools.TensorType(name, shape=tuple(values.shape), dtype=np.float32)
            for name, values in inputs.items()
        ]
        try:
            model: Any = coremltools.convert(
                _traced(net, tuple(inputs.values())),
                convert_to="mlprogram",
                inputs=ports,
                outputs=[coremltools.TensorType(output, dtype=np.float32)],
                compute_precision=coremltools.precision.FLOAT16,
                minimum_deployment_target=coremltools.target.iOS16,
                skip_model_load=True,
            )
        except Exception as error:  # any failure inside the converter
            # its temporary folder goes now, and the warning about it with all others
            traceback.clear_frames(error.__traceback__)
            layer = re.search(r"op '(\w+)'|'(\w+)' op", str(error))
            name = f"the layer {layer[1] or layer[2]!r}" if layer else "a layer of this net"
            last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise ModelError(
                f"Core ML cannot express {name} ({last}): export to 'onnx' instead"
            ) from error
        model.user_defined_metadata.update(about.texts)
        model.short_description, model.license = about.description, about.licence
        model.version = about.version
        del model.user_defined_metadata[_DATED]
        model.save(str(path))


def _share(package: Path) -> None:
    """Let all read the package who may read its list of contents: some of it is for us alone."""
    folder, file = (one.stat().st_mode for one in (package, package / "Manifest.json"))
    for one in package.rglob("*"):
        one.chmod(folder if one.is_dir() else file)


def _traced(net: nn.Module, example: tuple[Tensor, ...]) -> Any:  # noqa: ANN401
    """Return `net` as TorchScript with its sizes as constants.

    The exported program is traced: in a trace of the net itself sizes are computed, with operations
    that coremltools fails on; and from the program it does not read every pooling.
    """
    program = export_program(net, example).module(check_guards=False)
    return jit.trace(program, example, check_trace=False)


def check(
    path: Path,
    inputs: Inputs,
    outputs: Mapping[str, tuple[int, ...]],
    texts: Mapping[str, str],
    parameters: int,
) -> None:
    """Read a package again and check what can be checked without running it.

    Args:
        path: of the package.
        inputs: what it should take.
        outputs: the shapes of what it should give, by name.
        texts: its metadata.
        parameters: of the net.

    Raises:
        ModelError: ports, operations, weights or metadata are not what they should be.
    """
    with quiet():
        from coremltools.models.utils import load_spec

        spec: Any = load_spec(str(path))
    found = {
        port.name: _shape(port) for port in (*spec.description.input, *spec.description.output)
    }
    shapes = {name: tuple(values.shape) for name, values in inputs.items()} | dict(outputs)
    wanted = {name: (*shape, _FLOAT32) for name, shape in shapes.items()}
    if found != wanted:
        raise ModelError(
            f"the Core ML package maps {found}, expected {wanted}: report this as a bug"
        )
    inside = spec.description.metadata.userDefined
    if any(inside[key] != text for key, text in texts.items()):
        raise ModelError("the card inside the Core ML package is not the one that was put there")
    weights = (path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin").stat().st_size
    function = spec.mlProgram.functions["main"]
    kinds = {one.type for one in function.block_specializations[function.opset].operations}
    if "conv" not in kinds or weights < parameters:
        raise ModelError(
            f"the Core ML package has {weights} bytes of weights for {parameters} parameters and "
            f"the operations {sorted(kinds)}: report this as a bug"
        )


def _shape(port: Any) -> tuple[int, ...]:  # noqa: ANN401
    array = port.type.multiArrayType
    return (*array.shape, array.dataType)
