"""`mask2face dataset pack` and `unpack`: a crop cache -> small files that travel, and back."""

from pathlib import Path
from typing import Annotated

import typer

from mask2face.errors import UsageError

Workers = Annotated[int, typer.Option(min=0, help="Processes; 0: this one.")]


def pack(
    cache: Annotated[Path, typer.Argument(metavar="CROPS", help="A crop cache.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
    *,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the WebP pictures.")] = 90,
    shard_mb: Annotated[float, typer.Option(min=0.01, help="Largest file, in MiB.")] = 14,
    side: Annotated[
        int | None, typer.Option(min=8, help="Of the packed crops, px. Default: the cache's.")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="train, validation or test; may be repeated. Default: all."),
    ] = None,
    workers: Workers = 2,
) -> None:
    """Pack a crop cache into small files, for a machine that cannot see it.

    Run it again to continue what was stopped. Training does not need the split test.
    """
    from mask2face.crops import CropCache
    from mask2face.packing import pack as pack_cache
    from mask2face.splits import SPLITS

    largest = CropCache.open(cache).meta["side"]
    if side is not None and side > largest:
        raise UsageError(f"--side {side}: the cache's crops are of {largest} px, give at most that")
    size = round(shard_mb * 2**20)
    splits = split or SPLITS
    index = pack_cache(
        cache, out, quality=quality, shard=size, side=side, splits=splits, workers=workers
    )
    files = index["files"].values()
    total = sum(entry["bytes"] for entry in files) / 2**20
    typer.echo(f"{out}  {index['crops']} crops, {len(files)} files, {total:.1f} MiB")


def unpack(
    packed: Annotated[Path, typer.Argument(metavar="PACKED", help="What `pack` made.")],
    out: Annotated[Path, typer.Argument(metavar="CROPS", help="The crop cache to make.")],
    *,
    workers: Workers = 2,
) -> None:
    """Unpack a crop cache; its files may come a few at a time, always with index.json.

    While files are missing it names them and exits with status 1; what came is kept beside CROPS.
    """
    from mask2face.crops import CropCache
    from mask2face.unpacking import unpack as unpack_cache

    missing = unpack_cache(packed, out, workers=workers)
    if missing:
        typer.echo(f"{out}  not complete, bring and unpack: {' '.join(missing)}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{out}  {len(CropCache.open(out))} crops")
