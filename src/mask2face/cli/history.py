"""`mask2face history`: the log of a training run as a picture."""

from pathlib import Path
from typing import Annotated

import typer


def history(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="Also .svg or .pdf.")],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Draw a run's losses and validation scores. Needs: pip install 'mask2face[train]'."""
    from mask2face.history import write_history

    typer.echo(str(write_history(run, out, overwrite=overwrite)))
