"""What is inside a .tflite file: run it with LiteRT, and keep the model card in its metadata."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mask2face.errors import ModelError
from mask2face.exporters import contract
from mask2face.restorer import CARD_KEY, INPUT, OUTPUT, ModelCard

Floats = NDArray[np.float32]
EXTRA: Final = "litert"
_IDENTIFIER: Final = b"TFL3"  # bytes 4 to 8 of every file
_ALIGNMENT: Final = 16  # bytes; where the format wants weights to begin


class Session:
    """A .tflite file in LiteRT's interpreter.

    Args:
        data: the bytes of a file that `litert.export` wrote.
        threads: of the CPU.

    Attributes:
        side: S of its crops, px.

    Raises:
        ModelError: LiteRT cannot open it, or its ports are not ours.
        MissingExtraError: LiteRT is not installed.
    """

    def __init__(self, data: bytes, threads: int = 1) -> None:
        contract.check_packages(EXTRA, "ai_edge_litert")
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_content=data, num_threads=threads)
            self._interpreter.allocate_tensors()
            self._runner = self._interpreter.get_signature_runner()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"LiteRT cannot open the file: {error}") from error
        inputs = self._runner.get_input_details()
        outputs = self._runner.get_output_details()
        if INPUT not in inputs or OUTPUT not in outputs:
            raise ModelError(
                f"the file maps {sorted(inputs)} to {sorted(outputs)}, expected {INPUT} to "
                f"{OUTPUT}: export it again with `mask2face export --to litert`"
            )
        self.side = int(inputs[INPUT]["shape"][1])
        self._more = [name for name in inputs if name != INPUT]

    def __call__(self, crops: Floats, vectors: Floats | None = None) -> Floats:
        """Return (N, 4, S, S) as the net does, one crop after the other.

        Args:
            crops: float32 (N, 3, S, S) RGB in [0, 1].
            vectors: float32 (N, E) for a file with a second input.
        """
        results = []
        for index, crop in enumerate(crops):
            inputs = {INPUT: np.ascontiguousarray(crop.transpose(1, 2, 0))[None]}
            for name in self._more:
                if vectors is None:
                    raise ValueError(f"this file takes {name!r} beside crops: give vectors")
                inputs[name] = vectors[index : index + 1]
            results.append(self._runner(**inputs)[OUTPUT])
        return np.ascontiguousarray(np.concatenate(results).transpose(0, 3, 1, 2))


def with_card(data: bytes, card: ModelCard) -> bytes:
    """Return the file `data` with `card` in its metadata under `mask2face.card`, as JSON.

    Another card that is there is replaced.

    Raises:
        ModelError: `data` is no .tflite file.
        MissingExtraError: LiteRT is not installed.
    """
    contract.check_packages(EXTRA, "ai_edge_litert")
    from ai_edge_litert import schema_py_generated as schema

    _check(data)
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    for one in model.buffers:
        if one.offset > 1:  # large weights of quantised files lie behind the flatbuffer
            one.data = np.frombuffer(data, np.uint8, one.size, one.offset)
            one.offset = one.size = 0
    name = CARD_KEY.encode()
    content = schema.BufferT()
    content.data = np.frombuffer(card.to_json().encode(), np.uint8)
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


def read_card(data: bytes) -> ModelCard:
    """Return the card that `with_card` put into a file.

    Raises:
        ModelError: `data` is no .tflite file, or has no card or a broken one.
        MissingExtraError: LiteRT is not installed.
    """
    contract.check_packages(EXTRA, "ai_edge_litert")
    from ai_edge_litert import schema_py_generated as schema

    _check(data)
    model = schema.Model.GetRootAs(data)
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == CARD_KEY.encode():
            content = model.Buffers(entry.Buffer()).DataAsNumpy()
            return ModelCard.from_json(content.tobytes().decode())
    raise ModelError(
        f"the .tflite file has no {CARD_KEY!r} in its metadata, so it is not one of ours: "
        "give a file that `mask2face export --to litert` wrote"
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
