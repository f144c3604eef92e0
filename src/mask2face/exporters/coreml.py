"""Export a net to a Core ML package that carries its card; its specification is read again."""

import re
import traceback
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import Tensor, jit, nn
from torch.export import export as export_program

from mask2face.errors import ModelError, OutputError
from mask2face.exporters import contract
from mask2face.exporters.contract import Inputs
from mask2face.exporters.exported import Exported
from mask2face.exporters.folding import folded
from mask2face.exporters.litert_conversion import quiet
from mask2face.exporters.parity import Faces
from mask2face.restorer import CARD_KEY, OUTPUT, ModelCard

NOTE: Final = "its specification was checked; its prediction was not measured on this platform"
_SUFFIX: Final = ".mlpackage"
_FLOAT32: Final = 65568  # Core ML's ArrayFeatureType.FLOAT32
_DATED: Final = "com.github.apple.coremltools.conversion_date"


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
) -> Exported:
    """Write `net` as a Core ML package (an ML program, iOS 16 or macOS 13 and later).

    Input `crops` (1, 3, S, S), output `restored` (1, 4, S, S), both float32; weights and what is
    computed in between are float16. A net with an `extra` has a second input of that name, (1, E).
    The package is read again, and its ports, operations, weights and card are checked. Core ML runs
    on Apple's systems only: what it computes is not compared here.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into the package's own metadata under `mask2face.card`.
        path: the package to write, `NAME.mlpackage`; it is a folder.
        overwrite: replace an existing package.
        faces: not used, since nothing is compared.

    Raises:
        OutputError: `path` exists already, has another ending, or cannot be written.
        ModelError: the net breaks its contract or has a layer that Core ML cannot express; or it
            wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `coremltools` is not installed.
    """
    path = Path(path)
    contract.check_packages("mobile", "coremltools")
    if path.suffix != _SUFFIX:
        raise OutputError(f"{path} must end in {_SUFFIX}: Core ML opens nothing else")
    contract.check_paths([path], overwrite)
    plain = folded(contract.frozen(net))
    tries = contract.trials(plain, card)
    for inputs in tries:
        contract.expected(plain, inputs)
    example = {name: values[:1] for name, values in tries[-1].items()}
    with contract.workshop(path) as folder:
        made = folder / path.name
        _convert(plain, example, card, made)
        _check(made, example, card, sum(p.numel() for p in plain.parameters()))
        size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file())
        _share(made)
        contract.place([made], [path])
    return Exported(path, size, None, note=NOTE)


def _convert(net: nn.Module, inputs: Inputs, card: ModelCard, path: Path) -> None:
    """Write the package."""
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
                outputs=[coremltools.TensorType(OUTPUT, dtype=np.float32)],
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
        model.user_defined_metadata[CARD_KEY] = card.to_json()
        model.short_description, model.license = card.intended_use, card.licence
        model.version = card.version
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


def _check(path: Path, inputs: Inputs, card: ModelCard, parameters: int) -> None:
    """Read the package again and check what can be checked without running it.

    Raises:
        ModelError: ports, operations, weights or card are not what they should be.
    """
    with quiet():
        from coremltools.models.utils import load_spec

        spec: Any = load_spec(str(path))
    found = {
        port.name: _shape(port) for port in (*spec.description.input, *spec.description.output)
    }
    side = card.side
    wanted = {name: (*values.shape, _FLOAT32) for name, values in inputs.items()}
    wanted[OUTPUT] = (1, 4, side, side, _FLOAT32)
    if found != wanted:
        raise ModelError(
            f"the Core ML package maps {found}, expected {wanted}: report this as a bug"
        )
    if ModelCard.from_json(spec.description.metadata.userDefined[CARD_KEY]) != card:
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
