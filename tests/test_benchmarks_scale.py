"""docs/scale.md says what benchmarks/scale.py makes of the measured inputs."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "scale.md"


@pytest.fixture(scope="module")
def scale():
    spec = importlib.util.spec_from_file_location("scale", ROOT / "benchmarks" / "scale.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("table", ["photos_table", "training_table"])
def test_the_page_has_the_tables_of_the_measured_inputs(scale, table):
    inputs = json.loads(scale.INPUTS.read_text(encoding="utf-8"))
    assert "\n".join(getattr(scale, table)(inputs)) in PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_inputs(scale):
    page = PAGE.read_text(encoding="utf-8")
    for line in scale.inputs_table(json.loads(scale.INPUTS.read_text(encoding="utf-8"))):
        assert line in page


def test_known_numbers(scale):
    assert scale.core_hours(3600, 2.0) == 2.0
    inputs = {"unmask_core_s": 0.09, "empty_job_s": 0.01, "build_core_s": 0.02, "photo_bytes": 5e4}
    inputs |= {"result_bytes": 5e4, "shard_photos": 1000, "crop_bytes": 1e5}
    lines = scale.photos_table(inputs)
    assert lines[2] == "| `unmask`, core-hours | n (u + j) / 3600 | 28 | 27,778 |"
    assert "| 1,000 | 1,000 |" in next(line for line in lines if line.startswith("| network"))
