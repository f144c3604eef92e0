"""`mask2face dataset fetch`: a public data set -> a folder that `dataset build` reads."""

from pathlib import Path
from typing import Annotated

import typer


def fetch(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="lfw or celeba.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
    *,
    given: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="ARCHIVE_OR_FOLDER",
            help="Take the data set from here instead of downloading it.",
        ),
    ] = None,
) -> None:
    """Get a data set: download and check it, or take it from an archive or folder.

    Run it again to continue what was stopped. From a folder, photos are linked, not moved.
    """
    from mask2face.fetching import SOURCES
    from mask2face.fetching import fetch as fetch_source
    from mask2face.registry import lookup

    source = lookup("data set", SOURCES, dataset)
    fetched = fetch_source(source, out, given, lambda line: typer.echo(line, err=True))
    who = f" of {fetched.people} people" if fetched.people else ", people not told apart"
    state = "  (already there)" if fetched.already else ""
    typer.echo(f"{out}  {fetched.photos} photos{who}, from {fetched.origin}{state}")
