"""The Containerfile: what it copies, installs and runs is there. No image is built here."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import typer

from mask2face.cli import app
from mask2face.errors import UsageError
from mask2face.server.settings import check_exposure

ROOT = Path(__file__).parents[1]
LINES = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text(encoding="utf-8")).splitlines()
STEPS = [line.split(maxsplit=1) for line in LINES if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]


def steps(name):
    return [words for step, words in STEPS if step == name]


def settings():
    return dict(pair.split("=", 1) for words in steps("ENV") for pair in words.split())


def test_every_instruction_is_one_that_exists():
    build = {"FROM", "WORKDIR", "COPY", "RUN", "USER"}
    run = {"LABEL", "ENV", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
    assert {step for step, _ in STEPS} == build | run


def test_what_it_copies_is_there_and_not_ignored():
    copied = [path for words in steps("COPY") for path in shlex.split(words)[:-1]]
    assert copied
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    for path in copied:
        assert (ROOT / path).exists(), path
        assert f"!{path}" in ignored, f"{path} does not reach the builder"


def test_the_wheel_finds_all_it_is_built_from():
    copied = " ".join(steps("COPY"))
    assert PROJECT["readme"] in copied
    assert all(name in copied for name in PROJECT["license-files"])


def test_both_ignore_files_are_the_same():
    docker, container = (ROOT / f".{name}ignore" for name in ("docker", "container"))
    assert docker.read_text() == container.read_text()


def test_the_extras_exist():
    (extras,) = re.findall(r"\.whl\)\[([a-z,]+)\]", " ".join(steps("RUN")))
    assert set(extras.split(",")) == {"serve", "heif"} <= set(OPTIONAL)


def test_the_python_is_one_that_is_supported():
    minor = {int(found) for found in re.findall(r"python:3\.(\d+)-slim", " ".join(steps("FROM")))}
    assert minor == {12}
    assert f"Programming Language :: Python :: 3.{minor.pop()}" in PROJECT["classifiers"]


def test_the_command_is_one_that_the_command_line_takes():
    (entry,), default = json.loads(steps("ENTRYPOINT")[-1]), json.loads(steps("CMD")[-1])
    assert entry in PROJECT["scripts"]
    group = typer.main.get_command(app)
    name, *rest = default
    context = group.commands[name].make_context(name, list(rest))
    assert context.params["host"] == "0.0.0.0"
    (port,) = steps("EXPOSE")
    assert context.params["port"] == int(port)


def test_the_default_command_asks_for_a_key():
    with pytest.raises(UsageError, match="MASK2FACE_API_KEY"):
        check_exposure("0.0.0.0", None, no_auth=False)


def test_the_health_check_is_python_that_asks_the_port():
    (words,) = steps("HEALTHCHECK")
    interpreter, option, code = json.loads(words.partition("CMD ")[2])
    assert (interpreter, option) == ("python", "-c")
    compile(code, "healthcheck", "exec")
    assert f":{steps('EXPOSE')[0]}/healthz" in code


def test_it_runs_as_nobody_and_leaves_nothing_behind():
    assert steps("USER")[-1].split(":")[0] not in ("0", "root")
    order = [step for step, _ in STEPS]
    assert order.index("USER") > max(at for at, step in enumerate(order) if step == "RUN")
    for words in steps("RUN"):
        assert "pip" not in words or "--no-cache-dir" in words
        assert "apt-get install" not in words or "rm -rf /var/lib/apt/lists" in words
    assert settings()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_network_runtime_sends_nothing():
    assert settings()["ORT_DISABLE_TELEMETRY"] == "1"
