"""`mask2face dataset`: photos -> clean crops -> frozen pairs -> embeddings, a picture of them."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from mask2face.cli import pack
from mask2face.cli.fetch import fetch
from mask2face.errors import DataError, UsageError
from mask2face.registry import lookup

if TYPE_CHECKING:
    from mask2face.crops import CropCache
    from mask2face.datasets import PhotoRecord

app = typer.Typer(
    help="Build data to train and test on. Needs: pip install 'mask2face[data]'.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Workers = Annotated[int, typer.Option(min=0, help="Processes; 0: this one.")]
Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same files.")]


@app.command()
def build(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="KIND=ROOT... OUT", help="lfw=FOLDER, celeba=FOLDER or folder=FOLDER, then OUT."
        ),
    ],
    *,
    validation_share: Annotated[
        float, typer.Option(min=0, max=0.9, help="Of the photos outside test.")
    ] = 0.2,
    test: Annotated[int, typer.Option(min=0, help="Photos for the test.")] = 1000,
    official_split: Annotated[
        bool, typer.Option("--official-split", help="CelebA: as list_eval_partition.txt has it.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many photos.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes; 0: this one. Default: 2; of --engine ray, one a core of the cluster.",
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="local, or ray: the workers of a Ray cluster (RAY_ADDRESS, else this machine). "
            "ROOT of folder= may then be a URL, or shards as 'DIR/*.tar', and OUT a URL."
        ),
    ] = "local",
    seed: Seed = 0,
) -> None:
    """Cut the aligned faces of data sets into a crop cache, split by people.

    `mask2face dataset build lfw=data/lfw celeba=data/celeba OUT`, or `... build lfw data/lfw OUT`.
    """
    from mask2face.cli.engine import on_ray

    sources, out = read_sources(arguments)
    choice: Choice = {"seed": seed, "test": test, "validation_share": validation_share}
    choice |= {"limit": limit, "official_split": official_split}
    build_cache = _built_on_ray if on_ray(engine) else _built_here
    cache = build_cache(sources, out, workers, choice)
    counts = ", ".join(f"{count} {name}" for name, count in cache.meta["counts"].items())
    typer.echo(f"{out}  {len(cache)} crops: {counts}")
    for reason, count in cache.meta["refused"].items():
        typer.echo(f"refused: {count} {reason}", err=True)


@app.command()
def pairs(
    cache: Annotated[Path, typer.Argument(metavar="CACHE", help="A crop cache.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The pair folder to make.")],
    *,
    side: Annotated[int, typer.Option(min=32, max=512, help="Of a pair, in px.")] = 128,
    split: Annotated[
        str, typer.Option(help="train, validation or test; several with commas, or all.")
    ] = "test",
    count: Annotated[int | None, typer.Option(min=1, help="At most so many of each split.")] = None,
    templates: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A template pack, instead of our styles.")
    ] = None,
    workers: Workers = 2,
    seed: Seed = 0,
) -> None:
    """Draw face masks on the crops of one or more splits, once, into a pair folder.

    To train on, take --split all. Run it again to continue what was stopped; the files do not
    depend on --workers.
    """
    from mask2face.crops import CropCache
    from mask2face.drawing import draw_pairs
    from mask2face.facemasks import draw_random
    from mask2face.facemasks.templates import TemplatePack

    pack = None if templates is None else TemplatePack.open(templates)
    draw = draw_random if pack is None else pack.draw_random
    opened = CropCache.open(cache)
    counts = dict.fromkeys(_splits(split, opened), count)
    folder = draw_pairs(opened, counts, out, side, seed, draw=draw, workers=workers)
    drawn = ", ".join(f"{len(folder.of(name))} {name}" for name in counts)
    typer.echo(f"{out}  {len(folder.rows)} pairs of {side} px: {drawn}")


@app.command()
def embed(
    pairs: Annotated[Path, typer.Argument(metavar="PAIRS", help="A pair folder.")],
    *,
    embedder: Annotated[
        str, typer.Option("--with", metavar="NAME", help="dlib, or a FaceNet's file .onnx.")
    ] = "dlib",
    workers: Workers = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace embeddings.")] = False,
) -> None:
    """Describe each face of a pair folder in numbers, for nets that want to know whose it is."""
    from mask2face.pair_embeddings import embed as embed_pairs

    made = embed_pairs(pairs, embedder, workers, overwrite=overwrite)
    count, _, size = made.vectors.shape
    typer.echo(f"{pairs}  {count} pairs, {size} numbers a face, by {made.embedder}")


@app.command()
def preview(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A crop cache or a pair folder.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.png", help="The picture to write.")],
    *,
    count: Annotated[int, typer.Option(min=1, max=200, help="Pairs in the picture.")] = 16,
    side: Annotated[int, typer.Option(min=32, max=512, help="Of a pair drawn from a cache.")] = 128,
    seed: Seed = 0,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace OUT.")] = False,
) -> None:
    """Write a picture of pairs: face mask, bare face, hole."""
    from mask2face.cli.preview import sheet, write

    write(sheet(data, count, side, seed), out, overwrite)
    typer.echo(str(out))


def _splits(text: str, cache: "CropCache") -> list[str]:
    """Return the splits that `text` names; "all" are those that have crops."""
    from mask2face.splits import SPLITS

    if text == "all":
        return [split for split in SPLITS if len(cache.indices(split))]
    known = dict.fromkeys((*SPLITS, "all"))
    names = [name.strip() for name in text.split(",")]
    for name in names:
        lookup("split", known, name)
    if len(set(names)) < len(names) or "all" in names:
        raise UsageError(f"--split {text!r}: name each split once, or all alone")
    return names


class Choice(TypedDict, total=False):
    """What `crops.build` is told, however the work is done."""

    seed: int
    test: int
    validation_share: float
    limit: int | None
    official_split: bool


def _built_here(
    sources: list[tuple[str, str]], out: str, workers: int | None, choice: Choice
) -> "CropCache":
    from mask2face.cli.shard_photos import names_shards
    from mask2face.crops import build as build_cache

    for kind, root in sources:
        if kind == "folder" and names_shards(root):
            raise UsageError(f"{kind}={root} names shards: read them with --engine ray")
    records = records_of([(kind, Path(root)) for kind, root in sources])
    return build_cache(records, out, workers=2 if workers is None else workers, **choice)


def _built_on_ray(
    sources: list[tuple[str, str]], out: str, workers: int | None, choice: Choice
) -> "CropCache":
    from mask2face.cli.ray_crops import build_on_ray, records_behind
    from mask2face.cli.shard_photos import names_shards, place_of, records_in_shards
    from mask2face.cluster.places import Place, is_url, local
    from mask2face.cluster.session import session

    if workers == 0:
        raise UsageError("--engine ray works in processes of its own: --workers 1 or more")
    records, places = [], {}  # in the order of the local engine: the cache is the same
    with ExitStack() as connected:
        for kind, root in ((kind, local(root)) for kind, root in sources):
            if names_shards(root):
                connected.enter_context(session(workers))  # for both, the listing and the work
                records += records_in_shards(kind, root, workers)
                places[kind] = place_of(root)
            elif is_url(root):
                records += records_behind(kind, root)
                places[kind] = Place(root)
            else:
                records += records_of([(kind, Path(root))])
        return build_on_ray(records, local(out), places, workers, **choice)


def read_sources(arguments: list[str]) -> tuple[list[tuple[str, str]], str]:
    """Read `KIND=ROOT... OUT` or `KIND ROOT OUT`."""
    usage = "give KIND=ROOT (one or more) and OUT, as in: lfw=data/lfw data/crops"
    *sources, out = arguments
    if len(sources) == 2 and "=" not in sources[0]:
        return [(sources[0], sources[1])], out
    found = [source.partition("=") for source in sources]
    wrong = [source for source, (_, _, root) in zip(sources, found, strict=True) if not root]
    if not sources or wrong:
        raise UsageError(usage + (f"; {wrong[0]!r} is neither" if wrong else ""))
    kinds = [kind for kind, _, _ in found]
    if len(set(kinds)) < len(kinds):
        raise UsageError(f"each kind of data set may stand once, got {', '.join(kinds)}")
    return [(kind, root) for kind, _, root in found], out


def records_of(sources: list[tuple[str, Path]]) -> "list[PhotoRecord]":
    """Return the photos of all sources, (kind, root) each."""
    from mask2face.datasets import DATASETS

    sets = [(lookup("data set", DATASETS, kind), root) for kind, root in sources]
    records = [record for kind, root in sets for record in kind.photos(root)]
    if not records:
        raise DataError("the data sets have no photos")
    return records


app.command()(fetch)
app.command()(pack.pack)
app.command()(pack.unpack)
