"""The detector for LiteRT, in float32 and in integers; runs in LiteRT's own environment."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mask2face.errors import DataError
from mask2face.finding import agreement, exporting, targets
from mask2face.finding.lessons import LessonFolder
from mask2face.formats.litert_file import Session, read_metadata

for needed in ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"):
    pytest.importorskip(needed, reason="the extra `litert` is not installed")

SIDE = 64


def test_both_targets(
    checkpoint: Path, lesson_folder: LessonFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "LEAST", 2)
    monkeypatch.setattr(agreement, "_CALIBRATED", 2)
    # a net that has learned nothing: integers move its boxes by a lot
    monkeypatch.setattr(agreement, "INT8", agreement.Gate(differ=2.0, eyes=1.0))
    convert, kept = targets._tflite, []

    def once(order: Any) -> tuple[bytes, float]:  # conversion takes the longest
        if not kept:
            kept.append(convert(order))
        return kept[0]

    monkeypatch.setattr(targets, "_tflite", once)
    with pytest.raises(DataError, match="litert-int8 must be compared"):
        exporting.export(checkpoint, tmp_path / "x.tflite", target="litert-int8", side=SIDE)
    photo = np.random.default_rng(2).uniform(0, 255, (1, 3, SIDE, SIDE)).astype(np.float32)
    cells = {}
    for target in ("litert", "litert-int8"):
        path = tmp_path / f"{target}.tflite"
        done = exporting.export(
            checkpoint, path, target=target, side=SIDE, lessons=lesson_folder.folder
        )
        assert done.agreement is not None
        assert done.agreement.faces >= 2
        assert (done.error is None) == (target == "litert-int8")
        data = path.read_bytes()
        assert done.size == len(data)
        assert json.loads(read_metadata(data, targets.CARD_KEY))["steps"] == 7
        session = Session(data, targets.PORTS)
        assert session.size == (SIDE, SIDE)
        cells[target] = session(photo)
    wanted = targets.of_net(exporting.load(checkpoint)[0])(photo)
    assert np.abs(cells["litert"] - wanted).max() < 1e-2
    off = np.abs(cells["litert-int8"] - wanted)[:, :2].max()
    assert 1e-5 < off < 0.3
    from ai_edge_litert.interpreter import Interpreter

    kinds = [one["dtype"] for one in Interpreter(model_content=data).get_tensor_details()]
    assert kinds.count(np.int8) > 50
