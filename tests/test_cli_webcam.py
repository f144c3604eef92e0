"""`mask2face webcam` and `mask2face inspect` of what it records."""

import json
import sys

import numpy as np
import pytest
import typer
from skimage import data
from typer.testing import CliRunner

from mask2face.cli import app as whole
from mask2face.cli import show
from mask2face.cli.webcam import webcam

av = pytest.importorskip("av")

app = typer.Typer(cls=whole.info.cls)
app.command()(webcam)
app.command()(show.inspect)


def run(*arguments):
    return CliRunner().invoke(app, [str(part) for part in arguments])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four frames of the astronaut in the place of a camera."""
    path = tmp_path_factory.mktemp("camera") / "in.mkv"
    picture = np.ascontiguousarray(data.astronaut()[:240, 110:334])
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 224, "yuv444p"
        for _ in range(4):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path


def test_a_recording_and_its_mark(clip, tmp_path, tiny_model):
    out = tmp_path / "out.mp4"
    given = ("--no-window", "--out", out, "--model", tiny_model, "--device", "cpu")
    done = run("webcam", clip, *given)
    assert done.exit_code == 0, done.output
    assert f"{clip} -> {out}  4 frames, face masks replaced in 4 of them" in done.stdout
    assert "using CPUExecutionProvider, model tiny" in done.stderr
    assert "holds generated parts" in run("inspect", out).stdout
    facts = json.loads(run("inspect", out, "--json").stdout)
    assert facts["video"] == str(out)
    assert facts["by_mask2face"]
    assert "no mark" in run("inspect", clip).stdout
    again = run("webcam", clip, *given)
    assert again.exit_code == 1
    assert "exists" in again.stderr


def test_so_many_frames_and_json(clip, tiny_model):
    given = ("--no-window", "--frames", 2, "--model", tiny_model, "--faces", "largest", "--json")
    given = (*given, "--detector", "own")
    done = run("webcam", clip, *given)
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["frames"], facts["changed"], facts["output"]) == (2, 2, None)
    assert "2/2 frames" in done.stderr or "frames" not in done.stderr


def test_a_window_is_shown_and_closed(clip, tiny_model, monkeypatch):
    seen = []

    class Shown:
        def __call__(self, pixels, rate):
            seen.append(pixels.shape)
            return len(seen) < 2

        def close(self):
            seen.append("closed")

    monkeypatch.setattr("mask2face.video.window.Window", Shown)
    done = run("webcam", clip, "--model", tiny_model)
    assert done.exit_code == 0, done.output
    assert seen == [(240, 224, 3), (240, 224, 3), "closed"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["in.mkv", "--no-window"], 2, "nothing to see and nothing to keep"),
        (["in.mkv"], 2, "give --no-window and --out"),
        (["98", "--no-window", "--frames", "1"], 1, "cannot be opened"),
        (["in.mkv", "--no-window", "--out", "out.gif"], 2, "name the output so"),
        (["in.mkv", "--no-window", "--frames", "1", "--faces", "none"], 2, "'all' or 'largest'"),
        (["in.mkv", "--no-window", "--frames", "1", "--threshold", "1"], 2, "between 0 and 1"),
    ],
)
def test_errors_name_the_fix(clip, tmp_path, monkeypatch, tiny_model, arguments, status, words):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mkv").write_bytes(clip.read_bytes())
    done = run("webcam", *arguments, "--model", tiny_model)
    assert done.exit_code == status, done.output
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_recording_names_the_missing_package(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    done = run("webcam", clip, "--no-window", "--out", tmp_path / "out.mp4")
    assert done.exit_code == 2
    assert "pip install 'mask2face[video]'" in done.stderr
