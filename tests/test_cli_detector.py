"""`mask2face detector`: the commands from bare photos to a detector."""

import pytest
from typer.testing import CliRunner

from mask2face.cli.detector import app
from mask2face.errors import UsageError
from mask2face.finding import exporting
from mask2face.finding.agreement import Agreement
from mask2face.finding.targets import ExportedDetector


def run(*arguments):
    return CliRunner().invoke(app, [str(part) for part in arguments])


def test_from_photos_to_a_file(tmp_path, astronaut_lfw, monkeypatch):
    lfw = astronaut_lfw(tmp_path / "lfw")
    made = run(
        *("lessons", f"lfw={lfw}", tmp_path / "lessons", "--test", 2),
        *("--validation-share", 0.4, "--workers", 0),
    )
    assert made.exit_code == 0, made.output
    assert "6 photos, 6 faces" in made.stdout
    taught = run(
        *("train", tmp_path / "lessons", tmp_path / "run", "--steps", 1, "--batch", 2),
        *("--width", 0.5, "--workers", 0, "--device", "cpu"),
    )
    assert taught.exit_code == 0, taught.output
    assert taught.stdout.strip() == str(tmp_path / "run" / "last.safetensors")

    def export(checkpoint, out, *, target, side, lessons, overwrite):
        assert checkpoint.is_file()
        assert (target, side, lessons, overwrite) == ("onnx", 640, tmp_path / "lessons", False)
        found = Agreement(200, 0.0, 0.005, 0.0001)
        return ExportedDetector(out, 680_000, 0.0001, found)

    monkeypatch.setattr(exporting, "export", export)  # tested where it is
    weights, lessons = tmp_path / "run" / "last.safetensors", tmp_path / "lessons"
    written = run("export", weights, tmp_path / "own.onnx", "--lessons", lessons)
    assert "own.onnx  0.68 MB  at most 0.0001 px from the net" in written.stdout
    assert "on 200 faces: misses 0.0%, adds 0.5%" in written.stdout


def test_an_ending_of_another_target(tmp_path):
    failed = run("export", tmp_path / "x.safetensors", tmp_path / "own.tflite")
    assert isinstance(failed.exception, UsageError)
    assert "--to litert" in str(failed.exception)


def test_a_source_that_is_none(tmp_path):
    failed = run("lessons", "photos", tmp_path / "out")
    assert isinstance(failed.exception, UsageError)
    assert "KIND=ROOT" in str(failed.exception)


@pytest.mark.parametrize("option", [("--steps", 0), ("--batch", 0), ("--workers", -1)])
def test_numbers_that_cannot_be(tmp_path, option):
    assert run("train", tmp_path, tmp_path / "run", *option).exit_code == 2
