"""Broken and hostile photos, as `benchmarks/fuzz.py` makes them: a small share, and its alarms."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mask2face import photos

pytest.importorskip("fastapi")
FOLDER = Path(__file__).parents[1] / "benchmarks"


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def fuzz():
    yield load("fuzz")
    del sys.modules["benchmarks_fuzz"]


@pytest.fixture(scope="module")
def mutants():
    yield load("mutants")
    del sys.modules["benchmarks_mutants"]


def test_two_hundred_mutants_find_nothing(tiny_model):
    command = [sys.executable, FOLDER / "fuzz.py", "--cases", "200", "--seed", "7"]
    done = subprocess.run(
        [*map(str, command), "--model", str(tiny_model)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^200 cases$", done.stdout, re.MULTILINE)
    assert "0 findings" in done.stdout
    for outcome in ("library: PhotoError", "library: filled", "server: 200", "server: 422"):
        count = re.search(rf"{outcome}: (\d+)", done.stdout)
        assert count, f"no case ended so: {outcome}\n{done.stdout}"
        assert int(count[1]) >= 10


def test_the_good_photos_are_good_and_parts_join_again(mutants):
    kinds = set()
    for one in mutants.good():
        kinds.add(one.kind)
        head, parts = mutants.split(one.kind, one.data)
        assert mutants.join(one.kind, head, parts) == one.data, one.name
        if "save_all" not in one.name or one.kind == "MPO":
            assert photos.read(one.data).pixels.shape == (mutants.SIDE, mutants.SIDE, 3), one.name
    assert kinds >= {"JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"}


def test_a_mutant_depends_on_seed_and_number_alone(mutants):
    some = [mutants.mutant(3, number) for number in (5, 6, 7)]
    assert mutants.mutant(3, 6) == some[1]
    assert len({one.data for one in some} | {mutants.mutant(4, 6).data}) == 4
    names = " ".join(mutants.mutant(0, number).name for number in range(160) if number % 16 < 15)
    for name, _ in mutants.MUTATIONS:
        assert name in names
    assert mutants.mutant(0, 15).name == mutants.BOMBS[0][0]


def test_forms_are_whole_or_broken(mutants):
    made = [mutants.form(np.random.default_rng(seed), b"photo") for seed in range(200)]
    whole = [body for kind, body in made if b"\r\n\r\nphoto\r\n--mutant-boundary--" in body]
    assert 100 < len(whole) < 200
    assert len(set(made)) > 5


CHILD = """
import faulthandler, json, os, sys, time
faulthandler.enable()
for case in range(int(sys.argv[1]), 6):
    print(json.dumps({"begin": case, "name": "one"}), flush=True)
    faulthandler.dump_traceback_later(0.3, exit=True)
    if case == 1:
        faulthandler._sigsegv()
    if case == 3:
        time.sleep(9)
    findings = ["bad"] if case == 4 else []
    print(json.dumps({"case": case, "name": "one", "outcomes": ["fine"], "findings": findings,
                      "seconds": case, "memory": 9.0, "peak": 9.0 + 200 * (case == 2)}), flush=True)
print("ResourceWarning: left open", file=sys.stderr)
"""


def test_crashes_hangs_and_warnings_are_findings(fuzz):
    tally = fuzz.watch(lambda start: [sys.executable, "-c", CHILD, str(start)], 6)
    assert tally.cases == 4
    assert tally.outcomes == {"fine": 4}
    assert len(tally.findings) == 4
    crash, hang, bad, warning = tally.findings
    assert re.match(r"case 1 \(one\): the process ended with -11\n.*Segmentation", crash, re.DOTALL)
    assert re.match(r"case 3 \(one\): the process ended with 1\nTimeout", hang)
    assert bad == "case 4 (one): bad"
    assert "ResourceWarning" in warning
    assert tally.steps == ["case 2 (one): 209 MB"]
    assert tally.slowest == (5, "case 5 (one)")
    words = "\n".join(fuzz.report(tally))
    assert "4 findings" in words
    assert "memory after 4 cases: 9 MB" in words


def test_a_child_that_never_begins_ends_the_run(fuzz):
    tally = fuzz.watch(lambda _: [sys.executable, "-c", "raise SystemExit(3)"], 6)
    assert len(tally.findings) == 1
    assert "the start of the child" in tally.findings[0]
    assert json.dumps(tally.memory) == "[]"
    assert "6" not in "\n".join(fuzz.report(tally)).splitlines()[0]
