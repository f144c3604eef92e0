"""benchmarks/runtimes.py: calls that take turns, the table, the page, and the runtimes' ports."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from mask2face.exporters import Exported, Parity
from mask2face.restorer import find_model

SOURCE = Path(__file__).parents[1] / "benchmarks" / "runtimes.py"


@pytest.fixture(scope="module")
def runtimes():
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("benchmarks_runtimes", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_calls_take_turns_and_the_first_round_does_not_count(runtimes, monkeypatch):
    clock, order = [0.0], []

    def call(name, seconds):
        def run():
            order.append(name)
            clock[0] += 9 if len(order) <= 2 else seconds

        return run

    monkeypatch.setattr(runtimes.time, "perf_counter", lambda: clock[0])
    found = runtimes.taken({"a": call("a", 0.002), "b": call("b", 0.004)}, 3)
    assert order == ["a", "b"] * 4
    assert found == {"a": pytest.approx(2), "b": pytest.approx(4)}


def test_rows_and_table(runtimes):
    parity = Parity(200, 0.25, 0.005, 0.0304, -0.00001)
    times = {("litert-int8", 1): 5.26, ("litert-int8", 2): 3.1}
    made = {
        "litert-int8": Exported(Path("x.tflite"), 5_330_000, 0.25, parity),
        "coreml": Exported(Path("x.mlpackage"), 10_300_000, None),
        "ncnn": "this needs the package 'ncnn'",
    }
    rows = [runtimes.row(name, one, times) for name, one in made.items()]
    facts = {"net": "n", "side": 128, "gmac": 0.8151, "faces": 200, "rounds": 9}
    text = runtimes.table({**facts, "machine": "m", "made": "2026-01-01", "rows": rows})
    assert text.splitlines()[-3:] == [
        "| litert-int8 | 5.3 | 5.3 | 3.1 | 2.5e-01 | 5.0e-03 | 0.030 | 0.0000 |",
        "| coreml | 10.3 | not run here | not run here | – | – | – | – |",
        "| ncnn | not made here |||||||",
    ]
    assert "0.82 GMAC, 200 held-out faces" in text


def test_the_page_keeps_what_is_around_the_table(runtimes):
    first, last = runtimes.MARKS
    assert runtimes.put(f"a\n{first}\nold\n{last}\nb", "new") == f"a\n{first}\nnew\n{last}\nb"
    with pytest.raises(ValueError, match="once"):
        runtimes.put("no marks", "new")


def test_an_onnx_file_runs_by_its_ports(runtimes):
    run = runtimes.runner("onnx-fp16", find_model("natural"), 1)
    result = run(np.zeros((1, 3, 128, 128), np.float32), None)
    assert result.shape == (1, 4, 128, 128)
    assert runtimes.runner("coreml", Path("x.mlpackage"), 1) is None
