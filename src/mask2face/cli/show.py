"""`mask2face demo`, `inspect` and `models`: show what there is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mask2face.errors import UsageError

if TYPE_CHECKING:
    from mask2face.provenance import Provenance


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("mask2face-demo"),
    *,
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name or an ONNX file. Default: natural.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or dml.")] = "auto",
) -> None:
    """Draw face masks on a free photo and take them off again; needs no network."""
    from mask2face.demo import show
    from mask2face.pipeline import Unmasker, summary

    unmasker = Unmasker(model, device)
    typer.echo(f"using {unmasker.provider}, model {unmasker.card.name}", err=True)
    shown, sheet = show(out, unmasker)
    for one in shown:
        typer.echo(f"{one.before} -> {one.after}  {summary(one.result.faces)}")
    typer.echo(f"{sheet}  face masks above, results below")
    typer.echo("the lower faces are invented, not recovered", err=True)


def inspect(
    path: Annotated[
        str, typer.Argument(metavar="PHOTO|VIDEO|MODEL", help="A file or a model's name.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read the mark of a photo or video, or the card of a model."""
    from mask2face.restorer import shipped_models

    if path.lower().endswith(".onnx") or (path in shipped_models() and not Path(path).exists()):
        _show_card(path, as_json)
        return
    if path.lower().endswith(".safetensors"):
        raise UsageError(f"{path} is a checkpoint: export it first, its card is in the ONNX file")
    from mask2face.encoding import VIDEO_SUFFIXES

    if Path(path).suffix.lower() in VIDEO_SUFFIXES:
        from mask2face import video

        _show_mark("video", path, video.read_mark(path), as_json)
        return
    from mask2face.provenance import read_mark

    _show_mark("photo", path, read_mark(Path(path)), as_json)


def _show_mark(kind: str, path: str, found: "Provenance | None", as_json: bool) -> None:
    if as_json:
        facts = {
            kind: path,
            "source_type": found.source_type if found else None,
            "generated": bool(found and found.generated),
            "by_mask2face": bool(found and found.by_mask2face),
            "history": list(found.history) if found else [],
        }
        typer.echo(json.dumps(facts))
    elif found is None:
        typer.echo(f"{path}: no mark; that does not prove that nothing was altered")
    else:
        state = "holds generated parts" if found.generated else "no generated parts are declared"
        typer.echo(f"{path}: {state}")
        typer.echo(f"  source type: {found.source_type or 'not given'}")
        for line in found.history:
            typer.echo(f"  history: {line}")


def models(
    *, as_json: Annotated[bool, typer.Option("--json", help="Whole cards, a line each.")] = False
) -> None:
    """List the models that this installation ships."""
    from mask2face.restorer import Restorer, shipped_models

    shipped = shipped_models()
    if not shipped:
        typer.echo("this installation ships no models", err=True)
    for name, path in shipped.items():
        card = Restorer(path, "cpu").card
        if as_json:
            typer.echo(card.to_json())
        else:
            typer.echo(
                f"{name}  version {card.version}, {card.net}, {card.side} px, "
                f"{card.parameters / 1e6:.2f} M parameters, {card.gmac:.2f} GMAC, {card.licence}"
            )


def _show_card(model: str, as_json: bool) -> None:
    from mask2face.restorer import Restorer, find_model

    text = Restorer(find_model(model), "cpu").card.to_json()
    if as_json:
        typer.echo(text)
        return
    for key, value in json.loads(text).items():
        shown = ", ".join(f"{k} {v:g}" for k, v in value.items()) if key == "metrics" else value
        if shown != "":
            typer.echo(f"{key}: {shown}")
