"""Shell completion: the scripts, and that every name which is offered is one that is accepted."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mask2face import recipe
from mask2face.cli import app, completion
from mask2face.devices import PROVIDERS
from mask2face.encoding import FORMATS
from mask2face.facemasks import FACEMASKS, fabric, outline
from mask2face.facemasks.occluders import OCCLUDERS
from mask2face.fetching import SOURCES
from mask2face.pipeline import FACES
from mask2face.restorer import shipped_models
from mask2face.splits import SPLITS

SHELLS = ("bash", "zsh", "fish")
BIN = Path(sys.executable).parent


def asked(shell, *words, **more):
    """Return what a shell is told when the last of `words` is completed."""
    line = " ".join(("mask2face", *words))
    environment = {
        **os.environ,
        completion.VARIABLE: f"complete_{shell}",
        "COMP_WORDS": "\n".join(("mask2face", *words)),
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        **more,
    }
    code = (
        "import sys; sys.argv = ['mask2face']\n"
        "from mask2face.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print('@', end.code, *sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said, _, rest = done.stdout.partition("@ ")
    status, *modules = rest.split()
    return said.splitlines(), int(status), modules


def completed(*words):
    """Complete the last word, as bash asks, within this process."""
    environment = {
        completion.VARIABLE: "complete_bash",
        "COMP_WORDS": "\n".join(("mask2face", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = CliRunner().invoke(app, [], prog_name="mask2face", env=environment)
    assert done.exit_code == 0
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(shell):
    done = CliRunner().invoke(app, ["--show-completion", shell])
    assert done.exit_code == 0
    assert f"{completion.VARIABLE}=complete_{shell}" in done.stdout
    assert "mask2face" in done.stdout


def test_an_unknown_shell_is_refused_with_those_there_are():
    done = CliRunner().invoke(app, ["--show-completion", "tcsh"])
    assert done.exit_code == 2
    assert "fish" in done.output


@pytest.mark.parametrize("shell", SHELLS)
def test_it_installs_itself_once(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    first = CliRunner().invoke(app, ["--install-completion", shell])
    assert first.exit_code == 0
    path = Path(first.stdout.partition("  ")[0])
    assert path.is_relative_to(tmp_path)
    assert f"complete_{shell}" in path.read_text()
    again = CliRunner().invoke(app, ["--install-completion", shell])
    assert again.exit_code == 0
    for start in tmp_path.glob(".*rc"):
        lines = [line for line in start.read_text().splitlines() if line]
        assert len(lines) == len(set(lines))


def test_a_home_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    done = CliRunner().invoke(app, ["--install-completion", "bash"])
    assert done.exit_code == 1
    assert "--show-completion bash" in done.output


@pytest.mark.parametrize("shell", SHELLS)
def test_shells_are_answered_quickly_and_nothing_heavy_is_loaded(shell):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    lines, status, modules = asked(shell, "mask", "in.jpg", "--style", "sc")
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert status == 0
    assert "scarf" in lines[0]
    assert len(lines) == 1
    heavy = {"numpy", "cv2", "PIL", "onnxruntime", "torch", "fastapi"}  # pydantic is typer's own
    assert not heavy & {name.partition(".")[0] for name in modules}
    assert seconds < 1.5, "0.2 s of CPU time in bash"


def test_commands_and_options_are_completed():
    assert set(completed("")) >= {"unmask", "mask", "video", "serve", "dataset"}
    assert completed("dataset", "fe") == ["fetch"]
    assert "--format" in completed("unmask", "in.jpg", "--f")


def test_files_are_left_to_the_shell():
    assert completed("unmask", "") == []
    assert completed("unmask", "--model", "./") == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("unmask in.jpg --device", ["auto", *PROVIDERS]),
        ("video in.mp4 --device", ["auto", *PROVIDERS]),
        ("serve --device", ["auto", *PROVIDERS]),
        ("train crops run --device", ["auto", "cpu", "cuda"]),
        ("unmask in.jpg --faces", FACES),
        ("mask in.jpg --format", [name.lower() for name in FORMATS]),
        ("unmask in.jpg --model", shipped_models()),
        ("mask in.jpg --style", ["random", "all", *FACEMASKS]),
        ("mask in.jpg --pattern", fabric.PRINTS),
        ("mask in.jpg --wear", outline.WEARS),
        (
            "mask in.jpg --in-front",
            {*OCCLUDERS, *(name.partition("_")[0] for name in OCCLUDERS)},
        ),
        ("train crops run --recipe", recipe.shipped()),
        ("evaluate natural pairs out --split", SPLITS),
        ("dataset pairs crops out --split", ["all", *SPLITS]),
        ("dataset fetch", SOURCES),
    ],
)
def test_the_names_offered_are_those_there_are(words, names):
    assert sorted(completed(*words.split(), "")) == sorted(names)


def test_export_offers_its_targets():
    exporters = pytest.importorskip("mask2face.exporters")  # loads torch
    offered = completed("export", "run.safetensors", "out.onnx", "--to", "")
    assert sorted(offered) == sorted(exporters.EXPORTERS)


def test_lists_are_completed_behind_the_comma():
    assert completed("mask", "in.jpg", "--style", "cloth,n") == ["cloth,n95"]
    assert "cloth,random" not in completed("mask", "in.jpg", "--style", "cloth,")
    assert completed("dataset", "pairs", "a", "b", "--split", "test,tr") == ["test,train"]


def test_the_styles_of_a_template_pack_are_not_ours():
    assert completed("mask", "in.jpg", "--templates", "masks", "--style", "") == []


def test_a_parameter_that_says_how_it_is_completed_keeps_that():
    def own(incomplete: str) -> list[str]:
        return ["mine"]

    small = typer.Typer()

    @small.command()
    def draw(device: Annotated[str, typer.Option(autocompletion=own)]) -> None:
        """Draw."""

    completion.offer(small)
    (hint,) = draw.__annotations__["device"].__metadata__
    assert hint.autocompletion is own


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_in_a_real_bash(tmp_path):
    tool = BIN / "mask2face"
    if not tool.exists():
        pytest.skip("mask2face is not installed as a command")
    code = (
        'source <("$1" --show-completion bash)\n'
        'COMP_WORDS=("$1" unmask in.jpg --format w) COMP_CWORD=4\n'
        '_mask2face_completion "$1"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", code, "bash", str(tool)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["webp"]
