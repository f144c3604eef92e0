"""Shell completion: its scripts, and the names that options accept.

The names are repeated here, because the registries that own them load numpy and OpenCV, and a shell
asks at every press of a key. The tests hold them against the registries.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.completion import (  # type: ignore[attr-defined] # imported there, used by typer's own
    Shells,
    completion_init,
    get_completion_script,
)
from typer.completion import install as install_script  # type: ignore[attr-defined]
from typer.models import ArgumentInfo, OptionInfo

PROGRAM: Final = "mask2face"
VARIABLE: Final = "_MASK2FACE_COMPLETE"  # what the scripts set when they ask

STYLES: Final = (
    "surgical",
    "cloth",
    "kn95",
    "n95",
    "duckbill",
    "respirator",
    "gas",
    "scarf",
    "shield",
    "polygon",
    "bare",
)
PRINTS: Final = (
    "plain",
    "dots",
    "stripes",
    "checks",
    "tartan",
    "houndstooth",
    "herringbone",
    "geometric",
    "florals",
    "paisley",
    "leaves",
    "hearts",
    "stars",
    "figures",
    "skulls",
    "letters",
    "camouflage",
    "blotches",
    "animal",
    "batik",
    "lace",
    "patches",
    "collage",
    "word",
    "logo",
    "two_tone",
    "gradient",
    "tie_dye",
    "bands",
    "splatter",
    "skin",
    "grin",
)
IN_FRONT: Final = (
    "hand",
    "hand_at_rim",
    "hand_over_mouth",
    "fist",
    "finger",
    "finger_on_lips",
    "card",
    "cup",
    "microphone",
    "headset",
    "glasses",
    "hair",
    "collar",
)
DEVICES: Final = ("auto", "cpu", "cuda", "coreml", "dml")
_ONNX: Final = ("onnx", "onnx-fp16", "onnx-int8-weights", "onnx-int8")
_TARGETS: Final = (*_ONNX, "litert", "litert-int8", "coreml", "ncnn")
SPLITS: Final = ("train", "validation", "test")

Names = Callable[[], Iterable[str]]
Complete = Callable[[typer.Context, str], list[str]]


def _shipped(folder: str, suffix: str) -> Names:
    """Name the files of that kind inside the package."""
    place = Path(__file__).parents[1] / folder
    return lambda: sorted(path.stem for path in place.glob(f"*{suffix}"))


def _one(names: Iterable[str] | Names) -> Complete:
    """Complete one name."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        known = names() if callable(names) else names
        return [name for name in known if name.startswith(incomplete)]

    return complete


def _list(names: Iterable[str], alone: Iterable[str] = ()) -> Complete:
    """Complete the last name of a comma list; names `alone` only where nothing precedes them."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        if ctx.params.get("templates") is not None:
            return []  # the names are then those of the pack
        last = incomplete.rpartition(",")[2]
        before = incomplete.removesuffix(last) if last else incomplete
        known = names if before else (*names, *alone)
        return [before + name for name in known if name.startswith(last)]

    return complete


_MODELS: Final = _one(_shipped("weights", ".onnx"))
COMPLETIONS: Final[dict[str, Complete]] = {
    "detector": _one(("centerface", "own")),
    "device": _one(DEVICES),
    "engine": _one(("local", "ray")),
    "faces": _one(("all", "largest")),
    "format": _one(("jpeg", "png", "webp", "tiff", "bmp")),
    "in_front": _one(IN_FRONT),
    "model": _MODELS,
    "pattern": _one(PRINTS),
    "precision": _one(("auto", "fp32", "bf16")),
    "recipe": _one(_shipped("recipes", ".json")),
    "target": _one(_TARGETS),
    "wear": _one(("over_nose", "nose_out", "chin", "one_ear")),
    "mask.style": _list(STYLES, ("random", "all")),
    "train.device": _one(("auto", "cpu", "cuda")),
    "evaluate.split": _one(SPLITS),
    "pairs.split": _list(SPLITS, ("all",)),
    "embed.embedder": _one(("dlib",)),
    "fetch.dataset": _one(("lfw", "celeba")),
    "add.side": _one(("front", "left", "right")),
}
"""What completes a parameter, by its Python name or, before that, by FUNCTION.NAME."""


def offer(app: typer.Typer) -> None:
    """Let shells ask, and give every parameter that `COMPLETIONS` knows its completion.

    A parameter that says itself how it is completed stays as it is.
    """
    completion_init()
    for command in _commands(app):
        for name, info in _parameters(command):
            known = COMPLETIONS.get(f"{command.__name__}.{name}") or COMPLETIONS.get(name)
            info.autocompletion = info.autocompletion or known


def _show(shell: Shells | None) -> None:
    if shell is not None:
        script = get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value)
        typer.echo(script)
        raise typer.Exit


def _install(shell: Shells | None) -> None:
    if shell is not None:
        try:
            _, path = install_script(shell.value, PROGRAM, VARIABLE)
        except OSError as error:
            typer.echo(
                f"error: the script cannot be installed ({error}): write it where you want it "
                f"with  {PROGRAM} --show-completion {shell.value}",
                err=True,
            )
            raise typer.Exit(1) from error
        typer.echo(f"{path}  completion for {shell.value}, from its next start on")
        raise typer.Exit


Show = Annotated[
    Shells | None,
    typer.Option(
        "--show-completion", callback=_show, is_eager=True, help="Write the completion script."
    ),
]
Install = Annotated[
    Shells | None,
    typer.Option(
        "--install-completion",
        callback=_install,
        is_eager=True,
        help="Install it for you, in your home folder.",
    ),
]


def _commands(app: typer.Typer) -> Iterator[Callable[..., Any]]:
    for command in app.registered_commands:
        if command.callback is not None:
            yield command.callback
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from _commands(group.typer_instance)


def _parameters(command: Callable[..., Any]) -> Iterator[tuple[str, OptionInfo | ArgumentInfo]]:
    for name, hint in command.__annotations__.items():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, OptionInfo | ArgumentInfo):
                yield name, info
