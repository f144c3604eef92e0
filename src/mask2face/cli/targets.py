"""What a user names for `--engine ray` -> a plan: photos or shards, in folders or behind URLs."""

import glob
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from mask2face import folders
from mask2face.cluster.places import Place, address, is_url, local
from mask2face.cluster.shards import is_shard
from mask2face.encoding import FORMATS, READABLE_SUFFIXES, format_named
from mask2face.errors import OutputError, UsageError
from mask2face.folders import Job, Plan

_ASIDE: Final = "mask2face-out"  # stands for a folder behind a URL while names are made


@dataclass(frozen=True)
class Target:
    """What to do, and where.

    Attributes:
        plan: a job for each result, or for each shard.
        source: where the photos are read; None for the files that the jobs name.
        out: where the results go; None for the files that the jobs name.
        shards: each job is a shard of photos.
        suffix: of the photos in shards, where a format is asked for.
    """

    plan: Plan
    source: Place | None = None
    out: Place | None = None
    shards: bool = False
    suffix: str | None = None

    def relative(self, job: Job) -> str:
        """Return the name of a result below `out`."""
        if self.out is None or job.target is None:
            raise ValueError("only results behind a URL, and shards, have a relative name")
        root = address(self.out.root) if self.out.is_url else Path(self.out.root)
        return job.target.relative_to(root).as_posix()

    def finished(self) -> frozenset[Path]:
        """Return the results that are there already."""
        targets = [job.target for job in self.plan.jobs if job.target is not None]
        if self.out is None or not self.out.is_url:
            return frozenset(path for path in targets if os.path.lexists(path))
        there = set(self.out.names()) if self.out.has_folder() else set()
        return frozenset(
            job.target
            for job in self.plan.jobs
            if job.target is not None and self.relative(job) in there
        )


def target(
    source: str,
    out: str | None = None,
    *,
    tag: str,
    recursive: bool = False,
    format: str | None = None,
) -> Target:
    """Find the photos or shards that `source` names, and where their results go.

    Args:
        source: a file, folder or glob, of this machine or behind an fsspec URL, of photos or of
            shards (`.tar` as WebDataset has them, `.parquet`).
        out: a file, folder or URL of a folder; as in `folders.plan`.
        tag: as in `folders.plan`.
        recursive: sub-folders too.
        format: key of `FORMATS` that the results are written as.

    Raises:
        UsageError: nothing there, photos and shards, or input and output do not go together.
        OutputError: an output is an input.
        UnknownNameError: `format` is not one of ours.
    """
    source, out = local(source), out if out is None else local(out)
    if folders.STREAM in (source, out):
        raise UsageError(
            "--engine ray works on files, folders and URLs: leave '-' to the local one"
        )
    suffix = FORMATS[format_named(format)] if format else None
    shards = _found(source, recursive, is_shard)
    if shards is not None and shards[1]:
        photos = _found(source, recursive, _is_photo)
        if photos is not None and photos[1]:
            raise UsageError(f"{source} holds photos and shards: name the one kind, as with *.tar")
        return _of_shards(*shards, out, tag, suffix)
    if not is_url(source):
        return _local(source, out, tag, recursive, format)
    return _behind_url(source, out, tag, recursive, suffix)


def _is_photo(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in READABLE_SUFFIXES


def _found(
    source: str, recursive: bool, wanted: Callable[[str], bool]
) -> tuple[str, list[str]] | None:
    """Return the root and the names below it; None where nothing of this machine is named."""
    root, pattern = source, "*"
    if not is_url(source):
        if os.path.isfile(source):  # noqa: PTH113 - never raises
            root, pattern = os.path.split(source)
            return root or ".", [pattern] if wanted(pattern) else []
        if not os.path.isdir(source) and not glob.has_magic(source):  # noqa: PTH112
            return None
    if glob.has_magic(source):
        parts = source.split("/")
        first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
        root, pattern = "/".join(parts[:first]) or ".", "/".join(parts[first:])
        recursive = recursive or "/" in pattern
    elif is_url(source) and "::" not in source and (wanted(source) or PurePosixPath(source).suffix):
        root, _, pattern = source.rpartition("/")
        return root, [pattern] if wanted(pattern) else []
    names = Place(root).names(recursive)
    return root, [name for name in names if wanted(name) and fnmatchcase(name, pattern)]


def _of_shards(
    root: str, names: list[str], out: str | None, tag: str, suffix: str | None
) -> Target:
    """Give every shard a job: IN/a.tar goes to OUT/a.tar."""
    place = Place(root)
    goes = Place(out if out is not None else f"{root.rstrip('/')}.{tag}")
    if goes.root.rstrip("/") == place.root.rstrip("/") or (
        not (goes.is_url or place.is_url) and os.path.realpath(goes.root) == os.path.realpath(root)
    ):
        raise OutputError(f"{goes} is the input itself: choose another output, input is kept")
    if is_shard(goes.root):
        raise UsageError(f"{goes}: shards go to a folder, under their own names: name a folder")
    ends = [_path(place.root if place.is_url else root), _path(goes.root)]
    jobs = (Job(ends[0] / name, ends[1] / name, name) for name in names)
    return Target(Plan(tuple(jobs), batch=True), place, goes, shards=True, suffix=suffix)


def _path(root: str) -> Path:
    return address(root) if is_url(root) else Path(root)


def _local(source: str, out: str | None, tag: str, recursive: bool, format: str | None) -> Target:
    """Plan as the local engine does, for an output behind a URL too."""
    if out is None or not is_url(out):
        plan = folders.plan(source, out, tag=tag, recursive=recursive, format=format)
        return Target(plan)
    single = os.path.isfile(source)  # noqa: PTH113
    aside = f"{_ASIDE}{Path(source).suffix}" if single and not format else _ASIDE
    plan = folders.plan(source, aside, tag=tag, recursive=recursive, format=format)
    if single:
        (job,) = plan.jobs
        end = FORMATS[format_named(format)] if format else folders.suffix_of(Path(source))
        name = Path(f"{Path(source).stem}{end}")
        return Target(Plan((replace(job, target=address(out) / name),), False), None, Place(out))
    jobs = (
        replace(job, target=address(out) / (job.target or Path(job.name)).relative_to(_ASIDE))
        for job in plan.jobs
    )
    return Target(Plan(tuple(jobs), batch=True), None, Place(out))


def _behind_url(
    source: str, out: str | None, tag: str, recursive: bool, suffix: str | None
) -> Target:
    found = _found(source, recursive, _is_photo)
    if found is None or not found[1]:
        raise UsageError(
            f"no photos and no shards at {source}: they end in {', '.join(READABLE_SUFFIXES)}, "
            "shards in .tar or .parquet; sub-folders: --recursive"
        )
    root, names = found[0], found[1]
    goes = out if out is not None else f"{root.rstrip('/')}.{tag}"
    if goes.rstrip("/") == root.rstrip("/"):
        raise OutputError(f"{goes} is the input itself: choose another output, input is kept")
    base, end = address(root), _path(goes)
    files = [base / name for name in names]
    jobs = tuple(folders.jobs_of(base, files, end, tag, suffix))
    return Target(Plan(jobs, batch=True), Place(root), Place(goes) if is_url(goes) else None)
