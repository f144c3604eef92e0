"""Export a net for ncnn: NAME.param, NAME.bin and the card as NAME.json; run, then written."""

import subprocess
from pathlib import Path
from typing import Final

import numpy as np
from torch import jit, nn

from mask2face.errors import ModelError, OutputError
from mask2face.exporters import contract, parity
from mask2face.exporters.contract import Inputs
from mask2face.exporters.exported import Exported
from mask2face.exporters.folding import folded
from mask2face.exporters.litert_conversion import quiet
from mask2face.exporters.parity import Faces, Floats
from mask2face.restorer import INPUT, OUTPUT, ModelCard

TOLERANCE: Final = parity.FLOAT16.max_error  # of outputs in [0, 1]; weights are float16
_TARGET: Final = "ncnn"
_SUFFIXES: Final = (".param", ".bin", ".json")


def export(
    net: nn.Module,
    card: ModelCard,
    path: str | Path,
    *,
    overwrite: bool = False,
    faces: Faces | None = None,
    tolerance: float = TOLERANCE,
) -> Exported:
    """Write `net` for ncnn: `path`, its weights as .bin and its card as .json beside it.

    Input `crops` (3, S, S), output `restored` (4, S, S): ncnn takes one crop a call. A net with an
    `extra` has a second input of that name, (E). Weights are stored as float16. The files are
    opened in ncnn and compared with the net on noise and structured crops, and on faces where there
    are some; only then do they get their names.

    Args:
        net: (N, 3, S, S) in [0, 1] -> (N, 4, S, S) in [0, 1]; not changed.
        card: goes into NAME.json, with the parity on `faces`.
        path: the file to write, `NAME.param`.
        overwrite: replace existing files.
        faces: compare on these, too.
        tolerance: largest absolute difference allowed.

    Raises:
        OutputError: one of the files exists already, `path` has another ending, or it cannot be
            written.
        ModelError: the net breaks its contract or has a layer that ncnn does not know, or the files
            differ from it; or it wants face embeddings, and `card.embedder` does not say whose.
        MissingExtraError: `ncnn` or `pnnx` is not installed.
    """
    path = Path(path)
    contract.check_packages("mobile", "ncnn", "pnnx")
    if path.suffix != _SUFFIXES[0]:
        raise OutputError(f"{path} must end in {_SUFFIXES[0]}: its .bin and .json lie beside it")
    files = tuple(path.with_suffix(suffix) for suffix in _SUFFIXES)
    contract.check_paths(files, overwrite)
    frozen = contract.frozen(net)
    tries = contract.trials(frozen, card)
    wanted = [contract.expected(frozen, inputs) for inputs in tries]
    with contract.workshop(path) as folder:
        made = [folder / file.name for file in files]
        _convert(folded(frozen), {name: x[:1] for name, x in tries[-1].items()}, made)
        run = Session(made[0])
        error = contract.difference(run, tries, wanted)
        contract.check_error(error, tolerance, "ncnn file")
        found = None
        if faces is not None:
            found = parity.compare(parity.of_net(frozen), run, faces)
            parity.Gate(tolerance).check(found, _TARGET)
            card, error = found.within(card), max(error, found.max_error)
        made[2].write_text(card.to_json() + "\n", encoding="utf-8")
        contract.place(made[::-1], files[::-1])  # .param last: with it the net is there
    return Exported(path, sum(file.stat().st_size for file in files), error, found, files)


class Session:
    """An ncnn net as a callable: crops (N, 3, S, S) -> (N, 4, S, S), one crop after the other.

    It computes in float32, from the stored float16 weights.

    Args:
        path: the .param that `export` wrote; its .bin lies beside it.
        threads: of the CPU.

    Raises:
        ModelError: ncnn cannot open the files.
        MissingExtraError: `ncnn` is not installed.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        contract.check_packages("mobile", "ncnn")
        import ncnn

        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        # else some layers would round what they are given to float16
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        weights = str(path.with_suffix(".bin"))
        if self._net.load_param(str(path)) or self._net.load_model(weights):
            raise ModelError(f"ncnn cannot open {path} and its .bin: export them again")
        self._inputs: list[str] = list(self._net.input_names())

    def __call__(self, crops: Floats, vectors: Floats | None = None) -> Floats:
        """Return what the net gives.

        Args:
            crops: float32 (N, 3, S, S) RGB in [0, 1].
            vectors: float32 (N, E) for a net with a second input.
        """
        import ncnn

        results = []
        for index, crop in enumerate(crops):
            extractor = self._net.create_extractor()
            values = {INPUT: crop}
            for name in self._inputs:
                if name != INPUT:
                    if vectors is None:
                        raise ValueError(f"this net takes {name!r} beside crops: give vectors")
                    values[name] = vectors[index]
            for name, value in values.items():
                # a copy: ncnn frees its inputs as soon as they are used, and this is numpy's memory
                extractor.input(name, ncnn.Mat(np.ascontiguousarray(value)).clone())
            status, made = extractor.extract(OUTPUT)
            if status:
                raise ModelError(f"ncnn failed on crop {index} with status {status}")
            results.append(np.array(made))
        return np.stack(results)


def _convert(net: nn.Module, inputs: Inputs, made: list[Path]) -> None:
    """Write .param and .bin, with our names for the ports."""
    import pnnx

    folder = made[0].parent / "pnnx"  # it leaves much behind
    folder.mkdir()
    shapes = ",".join(f"[{','.join(map(str, x.shape))}]f32" for x in inputs.values())
    with quiet():
        try:
            jit.trace(net, tuple(inputs.values()), check_trace=False).save(folder / "net.pt")
        except Exception as error:  # any failure inside torch's tracer
            raise ModelError(f"torch cannot trace this net for ncnn: {error}") from error
    places = [f"ncnnparam={made[0]}", f"ncnnbin={made[1]}", "fp16=1"]
    try:
        done = subprocess.run(  # noqa: S603, RUF100 - the converter that pnnx brings
            [pnnx.EXEC_PATH, "net.pt", f"inputshape={shapes}", *places],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise ModelError(f"pnnx does not start ({error}): install it again") from error
    if done.returncode or not all(one.is_file() for one in made[:2]):
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ModelError(f"pnnx cannot convert this net ({last}): export to 'onnx' instead")
    text = made[0].read_text(encoding="utf-8")
    made[0].write_text(_named(text, list(inputs)), encoding="utf-8")


def _named(text: str, inputs: list[str]) -> str:
    """Return a .param with the ports `in0`, ..., `out0` of pnnx called as ours.

    Raises:
        ModelError: it has a layer that is torch's, not ncnn's.
    """
    import ncnn

    names = {f"in{index}": name for index, name in enumerate(inputs)} | {"out0": OUTPUT}
    magic, counts, *rows = text.splitlines()
    layers = [row.split() for row in rows]
    unknown = [layer for layer in layers if ncnn.layer_to_index(layer[0]) < 0]
    if unknown:
        unknown.sort(key=lambda layer: layer[0].startswith("pnnx."))  # its glue tells less
        raise ModelError(
            f"ncnn has no layer {unknown[0][0]!r} ({unknown[0][1]!r} of the traced net): take "
            "another layer there, or export to 'onnx' instead"
        )
    lines = [magic, counts]
    for kind, name, before, after, *rest in layers:
        ports = int(before) + int(after)
        blobs = [names.get(blob, blob) for blob in rest[:ports]]
        lines.append(" ".join([kind, name, before, after, *blobs, *rest[ports:]]))
    return "\n".join(lines) + "\n"
