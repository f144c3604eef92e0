"""Texts in .tflite files, and files that are not ours."""

from typing import Any

import numpy as np
import pytest

from mask2face.errors import ModelError
from mask2face.formats import Ports
from mask2face.formats.litert_file import Session, read_metadata, with_metadata

pytest.importorskip("ai_edge_litert", reason="the extra `litert` is not installed")

KEY, CARD = "mask2face.card", '{"name": "tïny", "version": "3"}'
PORTS = Ports("crops", "restored")


def plain(name: str = "crops", outside: int = 0) -> bytes:
    """Return a file that gives the sigmoid of numbers (1, 8, 8, 4) and says so.

    Its 40 bytes of weights can lie outside the flatbuffer, at the byte `outside`.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    tensors = [tensor(schema, b"in"), tensor(schema, b"out")]
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LOGISTIC
    code.version = 1
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [operator], [0], [1]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = [port(schema, name, 0)], [port(schema, "restored", 1)]
    weights = schema.BufferT()
    if outside:
        weights.offset, weights.size = outside, 40
    else:
        weights.data = np.arange(40, dtype=np.uint8)
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers, model.signatureDefs = [schema.BufferT(), weights], [signature]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def tensor(schema: Any, name: bytes) -> Any:
    made = schema.TensorT()
    made.shape, made.type, made.name, made.buffer = [1, 8, 8, 4], 0, name, 0
    return made


def port(schema: Any, name: str, index: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), index
    return made


def test_a_card_goes_in_and_comes_out() -> None:
    data = with_metadata(plain(), KEY, CARD)
    assert data[4:8] == b"TFL3"
    assert read_metadata(data, KEY) == CARD
    numbers = np.random.default_rng(0).random((2, 4, 8, 8), np.float32)
    wanted = 1 / (1 + np.exp(-numbers))
    assert np.abs(Session(data, PORTS)(numbers) - wanted).max() < 1e-6


def test_a_second_card_replaces_the_first() -> None:
    other = '{"name": "other"}'
    once, twice = (
        with_metadata(plain(), KEY, CARD),
        with_metadata(with_metadata(plain(), KEY, CARD), KEY, other),
    )
    assert read_metadata(twice, KEY) == other
    assert twice.count(b"mask2face.card") == 1
    assert b'"version"' not in twice
    assert abs(len(twice) - len(once)) < 64


def test_weights_begin_where_the_format_wants_them() -> None:
    from ai_edge_litert import schema_py_generated as schema

    for length in range(1, 20):  # of the card, so of what lies before the weights
        card = "n" * length
        data = with_metadata(plain(), KEY, card)
        model = schema.Model.GetRootAs(data)
        found = model.Buffers(1).DataAsNumpy()
        assert found.tobytes() == bytes(range(40))
        assert data.index(bytes(range(40))) % 16 == 0


def test_weights_outside_the_flatbuffer_come_in() -> None:
    from ai_edge_litert import schema_py_generated as schema

    data = plain(outside=4096).ljust(4096, b"\0") + bytes(range(40))
    assert Session(data, PORTS).size == (8, 8)
    again = with_metadata(data, KEY, CARD)
    found = schema.Model.GetRootAs(again).Buffers(1)
    assert found.DataAsNumpy().tobytes() == bytes(range(40))
    assert (found.Offset(), found.Size()) == (0, 0)
    assert Session(again, PORTS).size == (8, 8)
    assert read_metadata(again, KEY) == CARD


@pytest.mark.parametrize("data", [b"", b"no model", b"\x89PNG\r\n\x1a\n" * 9])
def test_what_is_no_tflite_file(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"no \.tflite file"):
        read_metadata(data, KEY)
    with pytest.raises(ModelError, match=r"no \.tflite file"):
        with_metadata(data, KEY, CARD)
    with pytest.raises(ModelError, match="cannot open"):
        Session(data, PORTS)


def test_a_foreign_file_has_no_card() -> None:
    with pytest.raises(ModelError, match="not one of ours"):
        read_metadata(plain(), KEY)


def test_other_ports() -> None:
    with pytest.raises(ModelError, match=r"maps \['picture'\].*expected crops"):
        Session(plain("picture"), PORTS)
