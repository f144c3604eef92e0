"""`mask2face train`: crop cache or pair folder + recipe -> run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mask2face.cli.training import need
from mask2face.errors import DataError

if TYPE_CHECKING:
    from mask2face.feed import Source
    from mask2face.recipe import Recipe


def train(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A crop cache or a pair folder.")],
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of the run; it may go on.")],
    *,
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name or a file.")] = "natural",
    workers: Annotated[int, typer.Option(min=0, help="Processes that draw pairs.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    start_from: Annotated[
        str | None,
        typer.Option(
            help="Weights to begin with: a checkpoint, an exported ONNX file, or natural, faithful."
        ),
    ] = None,
    stop_after: Annotated[
        float | None, typer.Option(min=0, help="Seconds, then save; run it again to go on.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0: torch's own choice.")] = 0,
    compile_net: Annotated[
        bool, typer.Option("--compile", help="Let torch compile the net: slow start, faster steps.")
    ] = False,
) -> None:
    """Train a net by a recipe. Needs: pip install 'mask2face[train]'.

    Several processes or machines: torchrun --nproc-per-node 2 -m mask2face train ...
    """
    need("torch", "safetensors", "tensorboard")
    import torch

    from mask2face.processes import is_main
    from mask2face.recipe import read
    from mask2face.training import train as start

    plan = read(recipe)
    source = _source(data, plan)
    if threads:
        torch.set_num_threads(threads)
    if start_from and (run / "state.safetensors").exists() and is_main():
        typer.echo(f"{run} goes on where it stopped: --start-from is for a new run", err=True)
    weights = start(
        source,
        plan,
        run,
        workers=workers,
        device=device,
        precision=precision,
        start_from=start_from,
        stop_after=stop_after,
        compile_net=compile_net,
    )
    if is_main():
        typer.echo(str(weights))


def _source(data: Path, recipe: "Recipe") -> "Source":
    """Open a crop cache or a pair folder for training."""
    from mask2face.feed import DrawnPairs, StoredPairs

    if not data.is_dir():
        raise DataError(f"{data} is no folder: give a crop cache (`dataset build`) or pair folder")
    if (data / "pairs.jsonl").exists():
        return StoredPairs(data)
    return DrawnPairs(data, recipe)
