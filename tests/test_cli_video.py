"""`mask2face video`: words, streams, exit status, options."""

import json
import re
import sys

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from mask2face.cli import app

av = pytest.importorskip("av")


def run(*arguments):
    return CliRunner().invoke(app, ["video", *map(str, arguments)])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three frames of the astronaut."""
    path = tmp_path_factory.mktemp("clip") / "in.mkv"
    picture = np.ascontiguousarray(data.astronaut()[:240, 110:334])
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = 240, 224, "yuv444p"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path


def test_a_clip_is_filled_and_what_was_done_is_said(clip, tmp_path, tiny_model):
    result = run(
        clip, tmp_path / "out.mkv", "--model", tiny_model, "--device", "cpu", "--preview", 1
    )
    assert result.exit_code == 0, result.output
    words = r"in\.mkv -> .*out\.mkv  3 frames, 1 face at most, face masks replaced in 3 of them"
    assert re.search(words, result.stdout)
    assert "using CPUExecutionProvider, model tiny" in result.stderr
    with Image.open(tmp_path / "out.preview-1.png") as preview:
        assert preview.size == (448, 240)
    again = run(clip, tmp_path / "out.mkv", "--model", tiny_model, "--device", "cpu")
    assert again.exit_code == 1
    assert "exists: choose another output" in again.stderr
    assert "Traceback" not in again.output


def test_a_bare_clip_and_json(clip, tmp_path, bare_model):
    arguments = ("--model", bare_model, "--device", "cpu", "--json", "--no-smoothing")
    result = run(clip, tmp_path / "out.mkv", *arguments)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["frames"], facts["changed"], facts["faces"]) == (3, 0, 1)
    assert facts["output"] == str(tmp_path / "out.mkv")
    assert (tmp_path / "out.mkv").read_bytes() == clip.read_bytes()


def test_another_detector(clip, tmp_path, bare_model, monkeypatch):
    from mask2face.detectors import own

    sides = []
    look = own.Own._search
    monkeypatch.setattr(
        own.Own, "_search", lambda self, photo: sides.append(self.long_side) or look(self, photo)
    )
    arguments = ("--model", bare_model, "--device", "cpu", "--json", "--detector", "own")
    result = run(clip, tmp_path / "out.mkv", *arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["faces"] == 1
    assert sides == [640] * 3


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["none.mp4"], 2, "no such file"),
        (["in.mkv", "out.gif"], 2, "name the output so"),
        (["in.mkv", "--threshold", "2"], 2, "between 0 and 1"),
        (["in.mkv", "--device", "gpu"], 2, "unknown device"),
        (["in.mkv", "--detector", "mine"], 2, "unknown detector"),
    ],
)
def test_errors_name_the_fix(clip, tmp_path, monkeypatch, tiny_model, arguments, status, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mkv").write_bytes(clip.read_bytes())
    result = run(*arguments, "--model", tiny_model)
    assert result.exit_code == status
    assert words in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_the_missing_package_is_named_before_anything_loads(clip, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    result = run(clip)
    assert result.exit_code == 2
    assert "pip install 'mask2face[video]'" in result.stderr
