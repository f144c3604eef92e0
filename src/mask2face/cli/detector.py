"""`mask2face detector`: bare photos -> lessons -> a net that finds faces -> one ONNX file."""

from pathlib import Path
from typing import Annotated

import typer

from mask2face.cli.dataset import Seed, Workers, read_sources, records_of
from mask2face.cli.training import Out, Target, Weights, check_ending, need

app = typer.Typer(
    help="Teach a detector of faces, masked or bare. Needs: pip install 'mask2face[train]'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def lessons(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND=ROOT... OUT", help="lfw=FOLDER, celeba=FOLDER or folder=FOLDER, then OUT."
        ),
    ],
    *,
    validation_share: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Of the photos outside test.")
    ] = 0.05,
    test: Annotated[int, typer.Option(min=0, help="Photos for the test, left out.")] = 1000,
    limit: Annotated[int | None, typer.Option(min=2, help="At most so many photos.")] = None,
    workers: Workers = 2,
    seed: Seed = 0,
) -> None:
    """Let CenterFace look at bare photos, and draw face masks on what it sees.

    The same seed and photos as in `dataset build` keep the same people for the test.
    """
    from mask2face.finding.teaching import teach

    pairs, out = read_sources(arguments)
    folder = teach(
        records_of([(kind, Path(root)) for kind, root in pairs]),
        out,
        seed=seed,
        test=test,
        validation_share=validation_share,
        limit=limit,
        workers=workers,
    )
    faces = sum(len(lesson.faces) for lesson in folder.lessons)
    typer.echo(f"{out}  {len(folder.lessons)} photos, {faces} faces")


@app.command()
def train(
    lessons: Annotated[Path, typer.Argument(metavar="LESSONS", help="What `lessons` made.")],
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; it may go on.")],
    *,
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Photos without any face.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Of the whole run.")] = 6000,
    batch: Annotated[int, typer.Option(min=1, help="Scenes a step.")] = 16,
    rate: Annotated[float, typer.Option(min=0, help="Of AdamW.")] = 2e-3,
    width: Annotated[float, typer.Option(min=0.1, help="Of the net: factor on channels.")] = 1.0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes that make scenes.")] = 1,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: torch's own choice.")] = 0,
    stop_after: Annotated[
        float | None, typer.Option(min=0, help="Seconds, then save; run it again to go on.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Teach a detector on mosaics of the lessons' faces."""
    need("torch", "safetensors", "tensorboard")
    import math

    import torch

    from mask2face.finding.feeding import Plan
    from mask2face.finding.training import train as start

    if threads:
        torch.set_num_threads(threads)
    plan = Plan(steps=steps, batch=batch, rate=rate, width=width, seed=seed)
    path = start(
        lessons,
        run,
        plan,
        backgrounds=backgrounds,
        device=device,
        workers=workers,
        stop_after=math.inf if stop_after is None else stop_after,
    )
    typer.echo(str(path))


@app.command()
def export(
    checkpoint: Weights,
    out: Out,
    *,
    target: Target = "onnx",
    lessons: Annotated[
        Path | None,
        typer.Option(
            metavar="LESSONS", help="Faces to compare on, and for integers to calibrate on."
        ),
    ] = None,
    side: Annotated[
        int,
        typer.Option(help="Of photos and of scenes to compare on, px; ONNX takes any size."),
    ] = 640,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write a detector as a file that carries its card, and compare it with the net."""
    need("torch", "safetensors")
    from mask2face.finding.exporting import export as write

    check_ending(target, out)
    made = write(checkpoint, out, target=target, side=side, lessons=lessons, overwrite=overwrite)
    about = made.note if made.error is None else f"at most {made.error:.1g} px from the net"
    said = [str(made.path), f"{made.size / 1e6:.2f} MB", about]
    typer.echo("  ".join(part for part in said if part))
    if made.agreement is not None:
        typer.echo(f"  {made.agreement}")
