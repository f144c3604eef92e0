"""`mask2face unmask FOLDER` with several workers: equal to one, killed, interrupted, shown."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from mask2face import photos, provenance
from mask2face.cli import app
from mask2face.cli.results import Wanted
from mask2face.pipeline import Unmasker

COUNT = 12
# Runs the command line; the photo 07 waits at the step named first in the arguments.
CHILD = """
import signal, sys, time
from pathlib import Path
from mask2face.cli import main
from mask2face.pipeline import Unmasker
signal.signal(signal.SIGINT, signal.default_int_handler)
step, seconds = sys.argv[1], float(sys.argv[2])
sys.argv = ["mask2face", *sys.argv[3:]]
def slow(owner, name, is_it):
    real = getattr(owner, name)
    def call(self, *arguments):
        if is_it(self, *arguments):
            Path("waiting").touch()
            time.sleep(seconds)
        return real(self, *arguments)
    setattr(owner, name, call)
if step == "rename":
    slow(Path, "replace", lambda path, target: target.name == "07.jpg")
else:
    slow(Unmasker, "find", lambda unmasker, photo: photo.dpi and round(photo.dpi[0]) == 77)
main()
"""


def run(*arguments):
    return CliRunner().invoke(app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """in/00.jpg to in/11.jpg, of different sizes; 07 has 77 dpi."""
    folder = tmp_path_factory.mktemp("many") / "in"
    folder.mkdir()
    for number in range(COUNT):
        side, dpi = 150 + 6 * number, (70 + number,) * 2
        picture = Image.fromarray(data.astronaut()[30:210, 136:316]).resize((side, side))
        picture.save(folder / f"{number:02d}.jpg", quality=92, dpi=dpi)
    return folder


@pytest.fixture
def here(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").symlink_to(files, target_is_directory=True)
    return tmp_path


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.fixture(scope="module")
def wanted(files, tiny_model):
    """The files that single calls make."""
    unmasker = Unmasker(tiny_model, "cpu")
    results = {}
    for path in sorted(files.iterdir()):
        changed, result = unmasker.restore(photos.read(path))
        assert result.changed
        results[path.name] = photos.encode(changed, Wanted().format)
    return results


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_files_equal_those_of_single_calls(here, tiny_model, wanted, workers):
    done = run("unmask", "in", "out", "--workers", workers, "--model", tiny_model)
    assert done.exit_code == 0, done.output
    assert contents("out") == wanted
    assert [line[:8] for line in done.stdout.splitlines()] == [
        f"in/{number:02d}.jp" for number in range(COUNT)
    ]
    assert done.stderr.splitlines()[-1] == f"{COUNT} done"


@pytest.mark.parametrize("option", ["--compare", "--hole-only", "--faces=largest"])
def test_other_outputs_too(here, tiny_model, option):
    for workers in (1, 3):
        out = f"out{workers}"
        done = run("unmask", "in", out, option, "--workers", workers, "--model", tiny_model)
        assert done.exit_code == 0, done.output
    assert contents("out1") == contents("out3")
    assert len(contents("out1")) == COUNT


def test_samples_too(here, tiny_model, with_extra):
    model = with_extra(tiny_model, here / "noisy.onnx")
    for workers in (1, 3):
        out = f"out{workers}"
        done = run("unmask", "in", out, "--samples", 2, "--workers", workers, "--model", model)
        assert done.exit_code == 0, done.output
    assert contents("out1") == contents("out3")
    assert len(contents("out1")) == 2 * COUNT
    assert contents("out1")["03-1.jpg"] != contents("out1")["03-2.jpg"]


def test_shared_crops_give_the_same_files(here, tiny_model, wanted, monkeypatch):
    """As on a GPU: the crops of several photos go through one network call."""
    monkeypatch.setattr("mask2face.batching.provider", lambda _: "CUDAExecutionProvider")
    sizes = []
    from mask2face.batching import BatchedRestorer

    real = BatchedRestorer.__init__

    def noted(self, path, device, heard, threads):
        real(self, path, device, sizes.append, threads)
        self.batcher._window = 1.0

    monkeypatch.setattr(BatchedRestorer, "__init__", noted)
    done = run("unmask", "in", "out", "--workers", 4, "--model", tiny_model)
    assert done.exit_code == 0, done.output
    assert contents("out") == wanted
    assert sum(sizes) == COUNT
    assert max(sizes) > 1


def test_one_photo_and_stdin_have_no_use_for_workers(here, tiny_model, files):
    done = run("unmask", "in/00.jpg", "x.jpg", "--workers", 4, "--model", tiny_model)
    assert done.exit_code == 0, done.output
    assert Path("x.jpg").is_file()
    assert run("unmask", "in", "--workers", 0, "--model", tiny_model).exit_code == 2


def child(step, seconds, *arguments):
    command = [sys.executable, "-c", CHILD, step, str(seconds), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_it_waits():
    end = time.monotonic() + 60
    while not Path("waiting").exists():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_in_the_middle_and_run_again(here, tiny_model, wanted):
    arguments = ("unmask", "in", "out", "--workers", 2, "--model", tiny_model)
    process = child("rename", 60, *arguments)
    until_it_waits()
    while len(list(Path("out").glob("[01]*.*"))) < COUNT - 1:  # then there is one half file only
        time.sleep(0.01)
    process.kill()
    process.communicate()
    found = contents("out")
    parts = [name for name in found if name.endswith(".part")]
    assert len(parts) == 1
    assert "07.jpg" not in found
    again = run(*arguments)
    assert again.exit_code == 0, again.output
    assert contents("out") == wanted
    assert re.fullmatch(r"\d+ skipped, 1 done", again.stderr.splitlines()[-1])
    for content in contents("out").values():
        Image.open(io.BytesIO(content)).load()
        assert provenance.read_mark(content).by_mask2face


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c(here, tiny_model, wanted, presses):
    arguments = ("unmask", "in", "out", "--workers", 2, "--model", tiny_model)
    process = child("find", 3, *arguments)
    until_it_waits()
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.4)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "stopping: what has begun is finished first" in err
    found = contents("out")
    assert found.items() <= wanted.items(), "whole files, and nothing else"
    assert ("07.jpg" in found) == (presses == 1)
    counts = re.findall(r"(\d+) (done|interrupted|not begun)", err.splitlines()[-1])
    said = {state: int(count) for count, state in counts}
    assert sum(said.values()) == COUNT
    assert said["done"] == len(out.splitlines())
    if presses == 1:
        assert said["done"] == len(found)
        assert "interrupted" not in said
    else:
        assert said["interrupted"] >= 1
    again = run(*arguments)
    assert again.exit_code == 0, again.output
    assert contents("out") == wanted


def test_progress_on_a_terminal(here, tiny_model):
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "mask2face", "unmask", "in", "out", "--model", tiny_model]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end) as process:
        os.close(end)
        said = b""
        while process.poll() is None or select.select([terminal], [], [], 0)[0]:
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    said += os.read(terminal, 65536)
                except OSError:  # the other end is closed
                    break
        lines = process.stdout.read().decode()
    os.close(terminal)
    words = said.decode()
    assert re.search(rf"\r5/{COUNT} photos  [\d.]+/s  0:\d\d left", words)
    assert re.search(rf"\r{COUNT}/{COUNT} photos  [\d.]+/s  0:\d\d taken\x1b\[K\r\n", words)
    assert words.endswith(f"{COUNT} done\r\n")
    assert len(lines.splitlines()) == COUNT
    assert "\r" not in lines
    assert "/s" not in lines


def test_memory_does_not_grow_with_the_number_of_photos(here, tiny_model, files, monkeypatch):
    """At most so many photos are alive at a time as there are workers, one slow one or not."""
    alive, most = [0], [0]
    real = Unmasker.find

    class Held:
        def __init__(self):
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self):
            alive[0] -= 1

    def find(self, photo):
        object.__setattr__(photo, "held", Held())
        if round(photo.dpi[0]) == 70:
            time.sleep(0.5)
        return real(self, photo)

    monkeypatch.setattr(Unmasker, "find", find)
    done = run("unmask", "in", "out", "--workers", 2, "--model", tiny_model)
    assert done.exit_code == 0, done.output
    assert most[0] <= 2
    assert alive == [0]
    assert np.array_equal(sorted(contents("out")), sorted(contents(files)))
