"""The command line: `mask2face COMMAND`; the only place that prints and exits.

Results go to stdout, progress and warnings to stderr. Exit status 0: done, 1: an input failed,
2: wrong usage. Every heavy import stands inside its command, so that `--help` answers at once.
"""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mask2face import __version__
from mask2face.cli import (
    completion,
    dataset,
    detector,
    history,
    photos,
    serve,
    show,
    templates,
    train,
    training,
    video,
    webcam,
)
from mask2face.errors import Mask2FaceError, MissingLibraryError


class _Group(TyperGroup):
    """Turns an error that a user caused into one line and an exit status."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer brings its own click
        try:
            return super().invoke(ctx)
        except Mask2FaceError as error:
            raise _exit(error) from error
        except ImportError as error:
            known = MissingLibraryError.of(error)
            if known is None:
                raise
            raise _exit(known) from error


def _exit(error: Mask2FaceError) -> typer.Exit:
    typer.echo(f"error: {error}", err=True)
    return typer.Exit(error.exit_code)


app = typer.Typer(
    name="mask2face",
    cls=_Group,
    help="Fill in a plausible, invented lower face where a face mask is. The result does not show "
    "who someone is: never use it to identify, verify or accuse anyone.",
    no_args_is_help=True,
    add_completion=False,  # typer's own takes no shell's name: `completion` has ours
    rich_markup_mode=None,  # plain help: without rich it answers twice as fast
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(photos.unmask)
app.command()(photos.mask)
app.command()(show.demo)
app.command()(show.inspect)
app.command()(show.models)
app.add_typer(dataset.app, name="dataset")
app.add_typer(templates.app, name="templates")
app.add_typer(detector.app, name="detector")
app.command()(train.train)
app.command()(history.history)
app.command()(serve.serve)
app.command()(video.video)
app.command()(webcam.webcam)
app.command()(training.export)
app.command()(training.evaluate)
completion.offer(app)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"mask2face {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
    install_completion: completion.Install = None,
    show_completion: completion.Show = None,
) -> None:
    pass


def main() -> None:
    """Run the command line; the entry point `mask2face`."""
    for stream in (sys.stdout, sys.stderr):
        # a file name that is no text, or a terminal that knows less than Unicode, must not stop us
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app()
