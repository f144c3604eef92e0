"""`mask2face unmask` and `mask2face mask`: photos in, photos out."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mask2face.cli.batch import Outcome
    from mask2face.folders import Job

In = Annotated[str, typer.Argument(metavar="IN", help="A photo, a folder, a glob, or - for stdin.")]
Out = Annotated[
    str | None,
    typer.Argument(
        metavar="OUT",
        help="A file, a folder, or - for stdout. Default: a new name beside IN.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or dml.")]
Recursive = Annotated[bool, typer.Option("--recursive", help="Sub-folders of IN too.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")]
Format = Annotated[str | None, typer.Option(help="jpeg, png, webp, tiff or bmp. Default: as IN.")]
Quality = Annotated[int | None, typer.Option(help="1 to 100, of JPEG and WebP. Default: as IN.")]
Json = Annotated[bool, typer.Option("--json", help="A line of JSON for each photo.")]


def unmask(
    source: In,
    out: Out = None,
    *,
    model: Annotated[
        str | None, typer.Option(help="A shipped model's name or an ONNX file. Default: natural.")
    ] = None,
    device: Device = "auto",
    faces: Annotated[str, typer.Option(help="all, or largest.")] = "all",
    threshold: Annotated[
        float, typer.Option(help="From which probability a pixel is face mask, 0 to 1.")
    ] = 0.5,
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    format: Format = None,
    quality: Quality = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Write before and after side by side instead.")
    ] = False,
    hole_only: Annotated[
        bool, typer.Option("--hole-only", help="Write what would be replaced instead, as a PNG.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Replace every face mask in photos by a plausible, invented lower face.

    IN.jpg becomes IN.unmasked.jpg beside it; a folder becomes the folder IN.unmasked, where outputs
    of an earlier run are skipped. A photo without a face mask is copied byte for byte.
    """
    from mask2face.cli import batch, results
    from mask2face.folders import plan
    from mask2face.pipeline import Unmasker

    want = results.wanted(compare, hole_only, format, quality)
    tag = results.TAGS[want.kind]
    planned = plan(source, out, tag=tag, recursive=recursive, format=want.format)
    batch.check_streams(planned, as_json)
    unmasker = Unmasker(model, device, faces=faces, threshold=threshold)
    typer.echo(f"using {unmasker.provider}, model {unmasker.card.name}", err=True)

    def work(job: "Job", data: bytes) -> "Outcome":
        return results.unmasked(unmasker, job, data, want)

    batch.run(planned, work, overwrite=overwrite, as_json=as_json)


def mask(
    source: In,
    out: Out = None,
    *,
    style: Annotated[
        str, typer.Option(help="random, surgical, cloth, n95, polygon, scarf, hand or bare.")
    ] = "random",
    color: Annotated[
        str | None, typer.Option(help="As '#0473e2', for the styles that take one.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same.")] = 0,
    holes: Annotated[
        bool, typer.Option("--holes", help="Also write what is covered, as NAME.hole.png.")
    ] = False,
    device: Device = "auto",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    format: Format = None,
    quality: Quality = None,
    as_json: Json = False,
) -> None:
    """Draw a face mask on every face of photos. Needs: pip install 'mask2face[data]'.

    IN.jpg becomes IN.masked.jpg beside it. Photos in which no face is found are listed and not
    written; the exit status is then 1.
    """
    from mask2face import masking
    from mask2face.cli import batch, results
    from mask2face.folders import plan

    want = results.Wanted("photo", format, quality)
    planned = plan(source, out, tag="masked", recursive=recursive, format=format)
    batch.check_streams(planned, as_json)
    if holes:
        results.check_holes(planned, overwrite)
    masking.drawer(style, color)  # refuse a wrong style before anything is loaded
    masker = masking.Masker(device=device)

    def work(job: "Job", data: bytes) -> "Outcome":
        outcome, hole = results.masked(masker, job, data, want, style=style, color=color, seed=seed)
        if holes and outcome.data is not None and job.target is not None:
            results.write_hole(hole, job.target)
        return outcome

    batch.run(planned, work, overwrite=overwrite, as_json=as_json)
