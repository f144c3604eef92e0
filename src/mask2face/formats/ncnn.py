"""A net -> ncnn's .param and .bin, through pnnx; these files as a callable."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from torch import jit, nn

from mask2face import files
from mask2face.errors import ModelError, OutputError
from mask2face.formats import Floats, Inputs, Ports
from mask2face.formats.hush import quiet
from mask2face.formats.packages import check_packages

_SUFFIXES: Final = (".param", ".bin", ".json")


def begin(path: str | Path, overwrite: bool) -> tuple[Path, ...]:
    """Return the names of the three files if they may be written, before any work is done.

    Args:
        path: of the .param; .bin and .json, the card, lie beside it.
        overwrite: replace existing files.

    Raises:
        OutputError: one exists already, `path` has another ending, or there is no folder for it.
        MissingExtraError: `ncnn` or `pnnx` is not installed.
    """
    path = Path(path)
    check_packages("mobile", "ncnn", "pnnx")
    if path.suffix != _SUFFIXES[0]:
        raise OutputError(f"{path} must end in {_SUFFIXES[0]}: its .bin and .json lie beside it")
    made = tuple(path.with_suffix(suffix) for suffix in _SUFFIXES)
    for one in made:
        files.check_target(one, overwrite)
    return made


class Session:
    """An ncnn net as a callable: pictures (N, 3, H, W) -> its output, one after the other.

    It computes in float32, from the stored float16 weights.

    Args:
        path: the .param that `write` wrote; its .bin lies beside it.
        ports: of the net.
        threads: of the CPU.

    Raises:
        ModelError: ncnn cannot open the files.
        MissingExtraError: `ncnn` is not installed.
    """

    def __init__(self, path: Path, ports: Ports, threads: int = 1) -> None:
        check_packages("mobile", "ncnn")
        import ncnn

        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        # else some layers would round what they are given to float16
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        weights = str(path.with_suffix(".bin"))
        if self._net.load_param(str(path)) or self._net.load_model(weights):
            raise ModelError(f"ncnn cannot open {path} and its .bin: export them again")
        self._ports = ports
        self._inputs: list[str] = list(self._net.input_names())

    def __call__(self, pictures: Floats, vectors: Floats | None = None) -> Floats:
        """Return what the net gives.

        Args:
            pictures: float32 (N, 3, H, W).
            vectors: float32 (N, E) for a net with a second input.
        """
        import ncnn

        results = []
        for index, picture in enumerate(pictures):
            extractor = self._net.create_extractor()
            values = {self._ports.picture: picture}
            for name in self._inputs:
                if name != self._ports.picture:
                    if vectors is None:
                        raise ValueError(f"this net takes {name!r} beside pictures: give vectors")
                    values[name] = vectors[index]
            for name, value in values.items():
                # a copy: ncnn frees its inputs as soon as they are used, and this is numpy's memory
                extractor.input(name, ncnn.Mat(np.ascontiguousarray(value)).clone())
            status, made = extractor.extract(self._ports.output)
            if status:
                raise ModelError(f"ncnn failed on picture {index} with status {status}")
            results.append(np.array(made))
        return np.stack(results)


def write(net: nn.Module, inputs: Inputs, output: str, made: Sequence[Path]) -> None:
    """Write .param and .bin, with the names of the ports inside; weights are float16.

    Args:
        net: in inference mode, its normalisation folded.
        inputs: of the sizes that the net shall have.
        output: name of the output.
        made: where .param and .bin go.

    Raises:
        ModelError: the net has a layer that ncnn does not know.
    """
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
    made[0].write_text(_named(text, list(inputs), output), encoding="utf-8")


def _named(text: str, inputs: list[str], output: str) -> str:
    """Return a .param with the ports `in0`, ..., `out0` of pnnx called as told.

    Raises:
        ModelError: it has a layer that is torch's, not ncnn's.
    """
    import ncnn

    names = {f"in{index}": name for index, name in enumerate(inputs)} | {"out0": output}
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
