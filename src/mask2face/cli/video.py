"""`mask2face video`: a video in, the same video with invented lower faces out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mask2face.cli.photos import Detector, Device, Faces, Model, Overwrite, Threshold
from mask2face.cli.progress import Progress

if TYPE_CHECKING:
    from mask2face.video import FaceFiller

Json = Annotated[bool, typer.Option("--json", help="A line of JSON as the result.")]


def video(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A video file.")],
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT", help=".mp4, .m4v, .mov, .mkv or .webm. Default: a new name beside IN."
        ),
    ] = None,
    *,
    model: Model = None,
    device: Device = "auto",
    faces: Faces = "all",
    threshold: Threshold = 0.5,
    detector: Detector = "centerface",
    overwrite: Overwrite = False,
    preview: Annotated[
        int,
        typer.Option(
            min=0, help="Also write so many before/after pictures, OUT.preview-1.png and so on."
        ),
    ] = 0,
    no_smoothing: Annotated[
        bool, typer.Option("--no-smoothing", help="Treat each frame by itself: it flickers more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replace every face mask in a video by a plausible, invented lower face.

    IN.mp4 becomes IN.unmasked.mp4 beside it, marked as altered; sound, times and rotation are kept.
    A video without a face mask is copied as it is. Needs: pip install 'mask2face[video]'.
    """
    from mask2face.video import default_target, unmask
    from mask2face.video.clip import check_installed

    check_installed()
    target = out or default_target(source)
    filler = filler_of(model, device, threshold, faces, detector, smoothing=not no_smoothing)
    progress = Progress(what="frames")
    try:
        report = unmask(
            source, target, filler, overwrite=overwrite, preview=preview, tell=progress.tell
        )
    finally:
        progress.end()
    for note in report.notes:
        typer.echo(f"note: {source}: {note}", err=True)
    if as_json:
        facts = {"frames": report.frames, "changed": report.changed, "faces": report.faces}
        ends = {"input": str(source), "output": str(target)}
        seconds = round(progress.seconds, 3)
        typer.echo(json.dumps({**ends, **facts, "notes": report.notes, "seconds": seconds}))
        return
    typer.echo(f"{source} -> {target}  {report}  {progress.seconds:.1f} s")


def filler_of(
    model: str | None,
    device: str,
    threshold: float,
    faces: str,
    detector: str,
    *,
    smoothing: bool = True,
    long_side: int | None = None,
) -> "FaceFiller":
    """Return what fills the frames of one clip, and say on stderr what it runs on.

    Raises:
        UsageError: `threshold` or `faces` is not accepted.
        UnknownNameError: no detector of that name.
        ModelError: the model is missing or broken.
        DeviceError: the device is not available.
    """
    from mask2face import detectors
    from mask2face.errors import UsageError
    from mask2face.restorer import Restorer, find_model
    from mask2face.video import FaceFiller

    if not 0 < threshold < 1:
        raise UsageError(f"threshold is {threshold}: give a number between 0 and 1")
    if faces not in ("all", "largest"):
        raise UsageError(f"faces is {faces!r}: choose 'all' or 'largest'")
    restorer = Restorer(find_model(model, device), device)
    restorer.prepare()
    typer.echo(f"using {restorer.provider}, model {restorer.card.name}", err=True)
    return FaceFiller(
        detectors.detector(detector, device, long_side=long_side),
        restorer,
        restorer.card.side,
        threshold=threshold,
        smoothing=smoothing,
        largest=faces == "largest",
    )
