"""`mask2face webcam`: a camera in, a window and a recording with invented lower faces out."""

import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mask2face.cli.photos import Detector, Device, Faces, Model, Overwrite, Threshold
from mask2face.cli.progress import Progress
from mask2face.cli.video import Json, filler_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONG_SIDE = 400  # px at which faces are looked for: those before a camera are near


def webcam(
    source: Annotated[
        str,
        typer.Argument(
            metavar="CAMERA", help="A camera's number, a device, an address, or a video file."
        ),
    ] = "0",
    *,
    out: Annotated[
        Path | None,
        typer.Option(help="Record to this .mp4, .m4v, .mov, .mkv or .webm, without sound."),
    ] = None,
    no_window: Annotated[
        bool, typer.Option("--no-window", help="Show nothing; with --out or --frames.")
    ] = False,
    frames: Annotated[
        int | None, typer.Option(min=1, help="End after so many. Default: at q, Esc or Ctrl-C.")
    ] = None,
    model: Model = None,
    device: Device = "auto",
    faces: Faces = "all",
    threshold: Threshold = 0.5,
    detector: Detector = "centerface",
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Replace every face mask before a camera by a plausible, invented lower face, live.

    Pictures in which one was replaced say so in small letters; a recording is marked as altered.
    Recording needs: pip install 'mask2face[video]'.
    """
    from mask2face import files
    from mask2face.errors import UsageError
    from mask2face.video.camera import Camera
    from mask2face.video.clip import check_installed
    from mask2face.video.live import unmask_live
    from mask2face.video.output import container_of
    from mask2face.video.window import Window

    if no_window and out is None and frames is None:
        raise UsageError("nothing to see and nothing to keep: give --out, or leave --no-window out")
    if out is not None:  # before the camera's light goes on
        check_installed()
        container_of(out)
        files.check_target(out, overwrite)
    progress = Progress(what="frames")
    with ExitStack() as opened:
        camera = opened.enter_context(Camera(source))
        window = None if no_window else opened.enter_context(closing(Window()))
        filler = filler_of(model, device, threshold, faces, detector, long_side=LONG_SIDE)
        opened.callback(progress.end)
        done = 0

        def show(pixels: "NDArray[np.uint8]", rate: float) -> bool:
            nonlocal done
            done += 1
            progress.tell(done, frames)
            return window is None or window(pixels, rate)

        report = unmask_live(
            camera, filler, show=show, target=out, overwrite=overwrite, most=frames
        )
    if as_json:
        ends = {"camera": source, "output": str(out) if out else None}
        counts = {"frames": report.frames, "changed": report.changed}
        typer.echo(json.dumps({**ends, **counts, "seconds": round(report.seconds, 3)}))
        return
    typer.echo(f"{source}{f' -> {out}' if out else ''}  {report}")
