"""A source -> the folder of a data set in the layout that `datasets` reads, whole or not at all."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from mask2face.datasets import DATASETS
from mask2face.datasets.record import photo_files
from mask2face.errors import DataError, OutputError
from mask2face.fetching.download import download
from mask2face.fetching.source import Source
from mask2face.fetching.unpacking import unpack
from mask2face.progress import track

_CARD: Final = "fetched.json"  # beside the photos: what they are and how many


@dataclass(frozen=True)
class Fetched:
    """A data set that is here.

    Attributes:
        dataset: its name.
        origin: the archive or folder it came from.
        photos: how many.
        people: how many are told apart; 0 where nothing tells.
        already: it was complete before.
    """

    dataset: str
    origin: str
    photos: int
    people: int
    already: bool = False


def fetch(
    source: Source,
    out: str | Path,
    given: str | Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Fetched:
    """Put a data set into the folder `out`, which appears under its name only when complete.

    Downloads stand in `.OUT.fetch` beside it until then, so that a second call goes on where the
    first was stopped. Photos of a given folder are linked (hard links: they take no room and stay
    when the folder goes), or copied where the disk cannot link.

    Args:
        source: the data set.
        out: the folder to make.
        given: an archive or a folder that has the data set; None downloads it.
        tell: takes sentences for the user: the terms, and which mirrors failed.

    Raises:
        DataError: no mirror gives the data set, or `given` does not have it or is broken.
        OutputError: `out` is something else or incomplete, or cannot be written.
    """
    out = Path(out)
    if os.path.lexists(out):
        return _complete(source, out)
    tell(f"terms: {source.terms}")
    stage = out.with_name(f".{out.name}.fetch")
    ready, unpacked = stage / "ready", stage / "unpacked"
    try:
        stage.mkdir(parents=True, exist_ok=True)
        for folder in (ready, unpacked):  # of a call that was stopped
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        origin = _download(source, stage, tell) if given is None else _existing(Path(given), source)
        _arrange(source, *_locate(source, origin, unpacked), ready)
        fetched = _describe(source, ready, origin.name)
        (ready / _CARD).write_text(json.dumps(asdict(fetched), indent=1) + "\n", encoding="utf-8")
        ready.rename(out)
    except OSError as error:
        raise OutputError(f"cannot write the data set {str(out)!r}: {error}") from error
    finally:
        for folder in (ready, unpacked):
            shutil.rmtree(folder, ignore_errors=True)
        if out.exists() or (stage.is_dir() and not any(stage.iterdir())):
            shutil.rmtree(stage, ignore_errors=True)
    return fetched


def _complete(source: Source, out: Path) -> Fetched:
    """Describe the data set that is in `out`, if it is the one and all there."""
    try:
        fetched = Fetched(**json.loads((out / _CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            f"{str(out)!r} exists and was not made by this command: choose another folder, or "
            f"use it as it is (mask2face dataset build {source.name}={out} ...)"
        ) from error
    if fetched.dataset != source.name:
        raise OutputError(f"{str(out)!r} holds {fetched.dataset}: choose another folder")
    found = len(DATASETS[source.name].photos(out))
    if found != fetched.photos:
        raise OutputError(
            f"{str(out)!r} has {found} of {fetched.photos} photos: remove it and fetch again"
        )
    return Fetched(fetched.dataset, fetched.origin, fetched.photos, fetched.people, already=True)


def _download(source: Source, stage: Path, tell: Callable[[str], None]) -> Path:
    """Return the archive of the first edition that can be had, its other files beside it."""
    for archive, *others in source.editions:
        try:
            path = download(archive, stage)
            for file in others:
                download(file, stage)
        except DataError as error:
            tell(str(error))
        else:
            return path
    raise DataError(
        f"{source.name} cannot be downloaded now. Try again later, or {source.by_hand}; then run  "
        f"mask2face dataset fetch {source.name} OUT --from ARCHIVE_OR_FOLDER"
    )


def _existing(given: Path, source: Source) -> Path:
    if not given.exists():
        raise DataError(
            f"{str(given)!r} does not exist: give an archive or folder of {source.name}"
        )
    return given


def _locate(source: Source, origin: Path, unpacked: Path) -> tuple[Path, list[Path]]:
    """Return the folder of photos and the folders where annotations may stand."""
    if origin.is_dir():
        origin = origin.absolute()  # so that "." has a name and a parent
        root = origin.parent if source.inside and origin.name == source.inside else origin
        roots = [root, root.parent] if root.name == "Img" else [root]
        if (home := _home(source, roots)) is not None:
            return home, roots
        archives = [
            folder / name for folder in (origin, origin / "Img") for name in source.archives
        ]
        archive = next(filter(Path.is_file, archives), None)
    else:
        archive = origin
    if archive is None:
        layout = DATASETS[source.name].layout
        names = " or ".join(source.archives)
        raise DataError(f"no {source.name} in {str(origin)!r}; expected {layout}, or {names}")
    unpack(archive, unpacked)
    roots = [unpacked, *(path for path in sorted(unpacked.iterdir()) if path.is_dir())]
    if (home := _home(source, roots)) is None:
        layout = DATASETS[source.name].layout
        raise DataError(f"no {source.name} in {str(archive)!r}; expected {layout}")
    beside = archive.absolute().parent
    return home, [*roots, beside, *([beside.parent] if beside.name == "Img" else [])]


def _home(source: Source, roots: list[Path]) -> Path | None:
    """Return the folder of photos in the first of `roots` that has one."""
    return next((home for root in roots if (home := source.home(root)) is not None), None)


def _arrange(source: Source, home: Path, roots: list[Path], ready: Path) -> None:
    """Link or copy photos and annotations into the layout that `datasets` reads."""
    files = photo_files(home.glob("*") if source.inside else home.glob("*/*"))
    target = ready / source.inside
    for path in track(files, len(files), "photos"):
        _link(path, target / path.relative_to(home))
    for name in source.annotations:
        places = (source.annotation(root, name) for root in roots)
        if (place := next(filter(None, places), None)) is not None:
            _link(place, ready / name)


def _link(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path.resolve(), target)
    except OSError:  # another disk, or one without links
        shutil.copy2(path, target)


def _describe(source: Source, ready: Path, origin: str) -> Fetched:
    records = DATASETS[source.name].photos(ready)
    people = {record.identity for record in records if record.known}
    return Fetched(source.name, origin, len(records), len(people))
