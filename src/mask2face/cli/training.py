"""`mask2face export` and `evaluate`: checkpoint -> exported file -> report."""

import importlib.util
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mask2face.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from torch import nn

    from mask2face.checkpoint import Checkpoint
    from mask2face.exporters import Exported


Weights = Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A .safetensors file.")]
Out = Annotated[
    Path,
    typer.Argument(
        metavar="OUT",
        help="The file to write: .onnx, .tflite, .mlpackage for coreml, .param for ncnn.",
    ),
]
Target = Annotated[
    str,
    typer.Option(
        "--to",
        help="onnx, onnx-fp16, onnx-int8-weights, onnx-int8, litert, litert-int8, coreml or ncnn.",
    ),
]

_ENDINGS = {
    "onnx": ".onnx",
    "onnx-fp16": ".onnx",
    "onnx-int8": ".onnx",
    "onnx-int8-weights": ".onnx",
    "litert": ".tflite",
    "litert-int8": ".tflite",
    "coreml": ".mlpackage",
    "ncnn": ".param",
}


def export(
    checkpoint: Weights,
    out: Out,
    *,
    target: Target = "onnx",
    pairs: Annotated[
        Path | None,
        typer.Option(help="Pair folder with faces to compare on, and int8 to calibrate on."),
    ] = None,
    faces: Annotated[int, typer.Option(min=1, help="At most so many of each split.")] = 200,
    name: Annotated[str | None, typer.Option(help="Of the model. Default: OUT's.")] = None,
    version: Annotated[str, typer.Option(help="Of the weights.")] = "1",
    side: Annotated[int | None, typer.Option(min=8, help="Of crops. Default: as trained.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights.")] = "MIT",
    data: Annotated[str, typer.Option(help="What it was trained on, in words.")] = "not said",
    training: Annotated[str | None, typer.Option(help="How. Default: the recipe's facts.")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="A measured NAME=NUMBER; may be repeated.")
    ] = None,
    self_ensemble: Annotated[
        bool,
        typer.Option(
            "--self-ensemble", help="Average over each crop and its mirror image: twice the cost."
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write a checkpoint as a file that carries its own card, and compare it with the net."""
    need("torch", "safetensors")
    from mask2face.checkpoint import load
    from mask2face.exporters import EXPORTERS, cost, read_faces
    from mask2face.exporters.self_ensemble import SelfEnsemble
    from mask2face.nets.extras import extra_of
    from mask2face.registry import lookup
    from mask2face.restorer import ModelCard

    exporter = lookup("export target", EXPORTERS, target)
    check_ending(target, out)
    metrics = _metrics(metric or [])
    about, net = load(checkpoint)
    how = training or _how(about)
    if self_ensemble:
        net, how = SelfEnsemble(net), f"{how}; self-ensemble over the mirrored crop"
    crop = side or about.side
    _check_side(net, crop)
    size = cost(net, crop)
    card = ModelCard(
        name=name or out.stem,
        version=version,
        side=crop,
        net=about.net,
        parameters=size.parameters,
        gmac=size.gmac,
        licence=licence,
        data=data,
        training=how,
        metrics=metrics,
        embedder=Path(about.embedder).name,
        options=about.options,
    )
    found = read_faces(pairs, crop, faces, extra_of(net)) if pairs else None
    _report(checkpoint, exporter(net, card, out, overwrite=overwrite, faces=found))


def _report(checkpoint: Path, done: "Exported") -> None:
    """Print what was written and how far it is from the net."""
    from mask2face.exporters.parity import LEAST

    differs = f"differs by {done.error:.1e}" if done.error is not None else done.note
    where = " ".join(str(path) for path in done.files or (done.path,))
    typer.echo(f"{checkpoint} -> {where}  {done.size} bytes, {differs}")
    if done.parity is None:
        return
    typer.echo(f"  {done.parity}")
    if done.parity.faces < LEAST:
        noun = "face" if done.parity.faces == 1 else "faces"
        typer.echo(
            f"compared on {done.parity.faces} {noun}, which says little: "
            f"give pairs with {LEAST} or more face masks in their test split",
            err=True,
        )


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name or an ONNX file.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="A pair folder; with --real, photos.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the report.")],
    *,
    real: Annotated[
        bool, typer.Option("--real", help="DATA is a folder or glob of photos without a truth.")
    ] = False,
    split: Annotated[
        str | None,
        typer.Option(help="Of the pairs: test, validation or train.", show_default="test"),
    ] = None,
    train_pairs: Annotated[
        Path | None, typer.Option(help="Pair folder whose train split the baselines learn from.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many only.")] = None,
    identity: Annotated[
        bool, typer.Option("--identity", help="Also distances of dlib's face descriptor (slow).")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or dml.")] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a report.")] = False,
) -> None:
    """Score an exported model against baselines, or count on real photos, and write a report."""
    command = f"mask2face {shlex.join(sys.argv[1:])}"
    if real:
        if split or train_pairs or identity:
            raise UsageError(
                "--split, --train-pairs and --identity are for pairs, which have a truth: "
                "leave them out, or --real"
            )
        _evaluate_real(model, data, out, limit, device, command, overwrite)
        return
    from mask2face.evaluation import evaluate as score
    from mask2face.evaluation.report import train_split
    from mask2face.hole_weights import pasted

    score(
        model,
        data,
        out,
        train=train_split(train_pairs, needed=True) if train_pairs else None,
        split=split or "test",
        limit=limit,
        soften=pasted,
        identity=identity,
        command=command,
        device=device,
        overwrite=overwrite,
    )
    typer.echo((out / "report.md").read_text(encoding="utf-8"))


def _evaluate_real(
    model: str,
    photos: str,
    out: Path,
    limit: int | None,
    device: str,
    command: str,
    overwrite: bool,
) -> None:
    from mask2face.evaluation import evaluate_real
    from mask2face.folders import photos_of
    from mask2face.pipeline import Unmasker
    from mask2face.restorer import file_name, find_model

    found = photos_of(photos)
    unmasker = Unmasker(model, device)
    file = file_name(find_model(model, device))
    evaluate_real(unmasker, found[:limit], out, command=command, file=file, overwrite=overwrite)
    typer.echo((out / "real.md").read_text(encoding="utf-8"))


def check_ending(target: str, out: Path) -> None:
    """Refuse a file whose ending is that of other targets: mostly, `--to` was forgotten."""
    fitting = [name for name, ending in _ENDINGS.items() if ending == out.suffix]
    if fitting and target not in fitting:
        raise UsageError(
            f"{out} is for --to {' or '.join(fitting)}, and --to {target} writes "
            f"{_ENDINGS[target]}: choose one of them"
        )


def _check_side(net: "nn.Module", side: int) -> None:
    multiple = getattr(net, "multiple", 1)
    if side % multiple:
        raise UsageError(f"--side {side}: this net takes multiples of {multiple} px")


def _how(about: "Checkpoint") -> str:
    sides = [str(phase["side"]) for phase in about.recipe.get("phases", [])]
    grown = f", crops of {', '.join(dict.fromkeys(sides))} px" if sides else ""
    return f"{about.step} steps{grown}"


def _metrics(texts: list[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not name or not math.isfinite(found[name]):  # JSON has no nan
            raise UsageError(f"--metric {text!r}: give NAME=NUMBER")
    return found


def need(*packages: str) -> None:
    """Refuse to go on without the packages of the extra `train`."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "train")
