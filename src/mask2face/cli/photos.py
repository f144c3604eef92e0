"""`mask2face unmask` and `mask2face mask`: photos in, photos out."""

from pathlib import PurePath
from typing import Annotated, Any

import typer

from mask2face.errors import UsageError

In = Annotated[str, typer.Argument(metavar="IN", help="A photo, a folder, a glob, or - for stdin.")]
Out = Annotated[
    str | None,
    typer.Argument(
        metavar="OUT",
        help="A file, a folder, or - for stdout. Default: a new name beside IN.",
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, coreml or dml.")]
Model = Annotated[
    str | None, typer.Option(help="A shipped model's name or an ONNX file. Default: natural.")
]
Faces = Annotated[str, typer.Option(help="all, or largest.")]
Threshold = Annotated[
    float, typer.Option(help="From which probability a pixel is face mask, 0 to 1.")
]
Detector = Annotated[
    str,
    typer.Option(help="centerface, or own: about five times as fast, finds a tenth fewer faces."),
]
Recursive = Annotated[bool, typer.Option("--recursive", help="Sub-folders of IN too.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there.")]
Format = Annotated[str | None, typer.Option(help="jpeg, png, webp, tiff or bmp. Default: as IN.")]
Quality = Annotated[int | None, typer.Option(help="1 to 100, of JPEG and WebP. Default: as IN.")]
Json = Annotated[bool, typer.Option("--json", help="A line of JSON for each photo.")]
Engine = Annotated[
    str,
    typer.Option(
        help="local, or ray: the workers of a Ray cluster (RAY_ADDRESS, else this machine). IN and "
        "OUT may then be URLs (s3://..., http://...), IN shards too: *.tar, *.parquet."
    ),
]


def unmask(
    source: In,
    out: Out = None,
    *,
    model: Model = None,
    device: Device = "auto",
    faces: Faces = "all",
    threshold: Threshold = 0.5,
    detector: Detector = "centerface",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Of several photos, so many are in work, and in memory, at a time. Default: one a "
            "core, at most 16; of --engine ray, one a core of the cluster.",
        ),
    ] = None,
    engine: Engine = "local",
    format: Format = None,
    quality: Quality = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Write before and after side by side instead.")
    ] = False,
    hole_only: Annotated[
        bool, typer.Option("--hole-only", help="Write what would be replaced instead, as a PNG.")
    ] = False,
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Several plausible faces for each photo, OUT-1.jpg and so on, the likeliest "
            "first. Of models that know several, as an exported 'vae'.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="Of --samples: the same seed gives the same pictures. Default: 0."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Replace every face mask in photos by a plausible, invented lower face.

    IN.jpg becomes IN.unmasked.jpg beside it; a folder becomes the folder IN.unmasked, where outputs
    of an earlier run are skipped. A photo without a face mask is copied byte for byte. With
    --samples 4, IN.jpg becomes IN.unmasked-1.jpg to IN.unmasked-4.jpg.
    """
    from mask2face.batching import unmasker_for
    from mask2face.cli import batch, results
    from mask2face.cli.engine import on_ray
    from mask2face.crew import usual
    from mask2face.folders import plan, sampled
    from mask2face.video.output import CONTAINERS

    if samples is None and seed is not None:
        raise UsageError("--seed draws other faces with --samples: add it, or leave --seed out")
    if samples is not None and hole_only:
        raise UsageError("--samples all have one hole: leave --samples or --hole-only out")
    if PurePath(source).suffix.lower() in CONTAINERS:
        raise UsageError(f"{source} is a video: mask2face video {source}")
    want = results.wanted(compare, hole_only, format, quality)
    tag = results.TAGS[want.kind]
    if on_ray(engine):
        from mask2face.cli import ray_photos

        ends = ray_photos.ends(source, out, tag, recursive, want.format, samples=samples)
        unmasking = ray_photos.Unmasking(model, device, faces, threshold, detector, want, seed or 0)
        unmasking.check(samples)
        ray_photos.run(ends, unmasking, overwrite, as_json, workers)
        return
    planned = plan(source, out, tag=tag, recursive=recursive, format=want.format)
    if samples is not None:
        planned = sampled(planned, samples)
    batch.check_streams(planned, as_json)
    crew = min(workers or usual(), len(batch.photos_of(planned)))
    with unmasker_for(
        crew, model, device, faces=faces, threshold=threshold, detector=detector
    ) as unmasker:
        if samples is not None:
            unmasker.check_samples(samples, seed or 0)
        typer.echo(f"using {unmasker.provider}, model {unmasker.card.name}", err=True)
        work = results.Work(unmasker, want, seed or 0)
        batch.run(planned, work, overwrite=overwrite, as_json=as_json, workers=crew)


def mask(
    source: In,
    out: Out = None,
    *,
    style: Annotated[
        str,
        typer.Option(
            help="One or more of surgical, cloth, kn95, n95, duckbill, respirator, gas, scarf, "
            "shield, polygon and bare, with commas: each face gets one of them. Or random. Or all: "
            "a photo for each style, IN.masked.STYLE.jpg."
        ),
    ] = "random",
    color: Annotated[str | None, typer.Option(help="As '#0473e2'. Default: any.")] = None,
    color_weight: Annotated[
        float | None,
        typer.Option(help="Share of --color, 0 to 1. Default: 1, of templates 0.5."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            help="A print (plain, dots, stripes, checks, florals, letters, ...) or a picture file."
        ),
    ] = None,
    pattern_weight: Annotated[
        float | None,
        typer.Option(help="Share of --pattern, 0 to 1. Default: 1, of templates 0.5."),
    ] = None,
    wear: Annotated[
        str | None, typer.Option(help="over_nose, nose_out, chin or one_ear. Default: over_nose.")
    ] = None,
    in_front: Annotated[
        str | None,
        typer.Option(
            help="In front of every face mask: hand, cup, microphone, glasses, card, hair, ..."
        ),
    ] = None,
    templates: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="A template pack of MaskTheFace: the styles are then its names.",
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(
            help="As 'cloth-#e54294, cloth-checks.png, n95': the faces of a photo take the entries "
            "in turn, in a random order. Instead of --style, --color and --pattern."
        ),
    ] = None,
    faces: Faces = "all",
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            help="The same seed draws the same on a photo of the same name, whatever the others.",
        ),
    ] = 0,
    holes: Annotated[
        bool,
        typer.Option(
            "--holes",
            help="Also write what is covered, as NAME.hole.png, and what was drawn on whom, as "
            "NAME.faces.json.",
        ),
    ] = False,
    device: Device = "auto",
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Of --engine ray. Default: one a core of the cluster."),
    ] = None,
    engine: Engine = "local",
    format: Format = None,
    quality: Quality = None,
    as_json: Json = False,
) -> None:
    """Draw a face mask on every face of photos. Needs: pip install 'mask2face[data]'.

    IN.jpg becomes IN.masked.jpg beside it; a folder becomes the folder IN.masked. Photos in which
    no face is found, or none that can be drawn on, are listed and not written; the exit status is
    then 1. Faces too small or cut off are counted; they alone do not change it.
    """
    from mask2face import masking
    from mask2face.cli import batch, masks, results
    from mask2face.cli.engine import on_ray
    from mask2face.folders import plan
    from mask2face.masking.choice import drawer

    masking.check_call(seed, faces)
    want = results.Wanted("photo", format, quality)
    asked: dict[str, Any] = {
        "style": style,
        "color": color,
        "color_weight": color_weight,
        "pattern": pattern,
    }
    asked |= {"pattern_weight": pattern_weight, "wear": wear, "in_front": in_front}
    asked |= {"templates": templates, "code": code}
    drawing = drawer(**asked)
    drawers = drawing.each() if style == "all" else {"": drawing}
    if on_ray(engine):
        from mask2face.cli import ray_photos

        ends = ray_photos.ends(source, out, masks.TAG, recursive, format, holes=holes)
        ends, styles = ray_photos.styled(ends, drawing.wardrobe.names, drawers)
        if holes:
            masks.check_beside(ends.plan, overwrite)
        making = ray_photos.Masking(asked, styles, seed, faces, want, holes, device)
        ray_photos.run(ends, making, overwrite, as_json, workers)
        return
    if workers is not None:
        raise UsageError("--workers is for --engine ray: add it, or leave --workers out")
    planned = plan(source, out, tag=masks.TAG, recursive=recursive, format=format)
    planned = masks.without_results(planned, drawing.wardrobe.names)
    planned, styles = masks.styled(planned, drawers)
    batch.check_streams(planned, as_json)
    if holes:
        masks.check_beside(planned, overwrite)
    masker = masking.Masker(device=device)
    work = masks.Work(masker, drawers, styles, seed=seed, faces=faces, want=want, holes=holes)
    batch.run(planned, work, overwrite=overwrite, as_json=as_json)
