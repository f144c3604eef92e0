"""What is inside a .tflite file: run it with LiteRT, and keep texts in its metadata."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.errors import ModelError
from mask2face.formats import Floats, Ports
from mask2face.formats.packages import check_packages

EXTRA: Final = "litert"
# the extra, and what of it files are made with
PACKAGES: Final = (EXTRA, "litert_torch", "ai_edge_litert", "ai_edge_quantizer")
_IDENTIFIER: Final = b"TFL3"  # bytes 4 to 8 of every file
_ALIGNMENT: Final = 16  # bytes; where the format wants weights to begin


class Session:
    """A .tflite file in LiteRT's interpreter.

    Args:
        data: the bytes of a file that `litert_conversion.convert` made.
        ports: of the file; pictures have their channels last in it.
        threads: of the CPU.

    Attributes:
        size: height and width of its pictures, px.

    Raises:
        ModelError: LiteRT cannot open it, or its ports are not ours.
        MissingExtraError: LiteRT is not installed.
    """

    def __init__(self, data: bytes, ports: Ports, threads: int = 1) -> None:
        check_packages(EXTRA, "ai_edge_litert")
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_content=data, num_threads=threads)
            self._interpreter.allocate_tensors()
            self._runner = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT cannot open the file: {error}") from error
        inputs = self._runner.get_input_details()
        outputs = self._runner.get_output_details()
        if ports.picture not in inputs or ports.output not in outputs:
            raise ModelError(
                f"the file maps {sorted(inputs)} to {sorted(outputs)}, expected {ports.picture} to "
                f"{ports.output}: export it again with `--to litert`"
            )
        height, width = (int(size) for size in inputs[ports.picture]["shape"][1:3])
        self.size = height, width
        self._ports = ports
        self._more = [name for name in inputs if name != ports.picture]

    def __call__(self, pictures: Floats, vectors: Floats | None = None) -> Floats:
        """Return what the net gives, channels first, one picture after the other.

        Args:
            pictures: float32 (N, 3, H, W).
            vectors: float32 (N, E) for a file with a second input.
        """
        results = []
        for index, picture in enumerate(pictures):
            inputs = {self._ports.picture: channels_last(picture)}
            for name in self._more:
                if vectors is None:
                    raise ValueError(f"this file takes {name!r} beside pictures: give vectors")
                inputs[name] = vectors[index : index + 1]
            results.append(self._runner(**inputs)[self._ports.output])
        made = np.concatenate(results)
        return np.ascontiguousarray(made.transpose(0, 3, 1, 2) if made.ndim == 4 else made)


def channels_last(picture: Floats) -> Floats:
    """Return a picture (C, H, W) as a file takes it: (1, H, W, C).

    >>> channels_last(np.zeros((3, 4, 5), np.float32)).shape
    (1, 4, 5, 3)
    """
    return np.ascontiguousarray(picture.transpose(1, 2, 0))[None]


def with_metadata(data: bytes, key: str, text: str) -> bytes:
    """Return the file `data` with `text` in its metadata under `key`; another one is replaced.

    Raises:
        ModelError: `data` is no .tflite file.
        MissingExtraError: LiteRT is not installed.
    """
    check_packages(EXTRA, "ai_edge_litert")
    from ai_edge_litert import schema_py_generated as schema

    _check(data)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for one in model.buffers:
        if one.offset > 1:  # large weights of quantised files lie behind the flatbuffer
            one.data = np.frombuffer(data, np.uint8, one.size, one.offset)
            one.offset = one.size = 0
    name = key.encode()
    content = schema.BufferT()
    content.data = np.frombuffer(text.encode(), np.uint8)
    entry = schema.MetadataT()
    entry.name, entry.buffer = name, len(model.buffers)
    kept = [one for one in model.metadata or [] if one.name != name]
    old = [one.buffer for one in model.metadata or [] if one.name == name]
    if old:
        entry.buffer = old[0]
        model.buffers[old[0]] = content
    else:
        model.buffers.append(content)
    model.metadata = [*kept, entry]
    builder = _builder(len(data))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def read_metadata(data: bytes, key: str) -> str:
    """Return the text that `with_metadata` put into a file.

    Raises:
        ModelError: `data` is no .tflite file, or has no text under `key`.
        MissingExtraError: LiteRT is not installed.
    """
    check_packages(EXTRA, "ai_edge_litert")
    from ai_edge_litert import schema_py_generated as schema

    _check(data)
    model = schema.Model.GetRootAs(data)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == key.encode():
            content = model.Buffers(entry.Buffer()).DataAsNumpy()
            return str(content.tobytes().decode())
    raise ModelError(
        f"the .tflite file has no {key!r} in its metadata, so it is not one of ours: "
        "give a file that was written with `--to litert`"
    )


def _check(data: bytes) -> None:
    if data[4:8] != _IDENTIFIER:
        raise ModelError("this is no .tflite file: give one that `mask2face export` wrote")


def _builder(size: int) -> Any:  # noqa: ANN401
    """Return a flatbuffer builder that aligns weights, which the plain one does not."""
    import flatbuffers

    class Aligned(flatbuffers.Builder):  # type: ignore[misc]
        def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802, its name there
            self.Prep(_ALIGNMENT, x.nbytes)
            return int(super().CreateNumpyVector(x))

    return Aligned(size + 2**16)
