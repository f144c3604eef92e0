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

    @property
    def is_remote(self) -> bool:
        """Whether all that is read and written is behind URLs."""
        ends = (self.source, self.out)
        return all(end is not None and end.is_url for end in ends)

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
    if out is not None and (is_url(out) or is_url(source)) and (_is_photo(out) or is_shard(out)):
        raise UsageError(f"{out}: results go to a folder, under their own names: name a folder")
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
    root, pattern = source, "**"
    if not is_url(source):
        if os.path.isfile(source):  # noqa: PTH113 - never raises
            root, pattern = os.path.split(source)
            return root or ".", [pattern] if wanted(pattern) else []
        if not os.path.isdir(source) and not glob.has_magic(source):  # noqa: PTH112
            return None
    if glob.has_magic(source):
        parts = (source if is_url(source) else Path(source).as_posix()).split("/")
        first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
        root = "/".join(parts[:first]) or ("." if parts[0] else "/")
        pattern = "/".join(parts[first:])
        recursive = "/" in pattern or "**" in pattern
    elif is_url(source) and "::" not in source and (_is_photo(source) or is_shard(source)):
        root, _, pattern = source.rpartition("/")
        return root, [pattern] if wanted(pattern) else []
    names = [name for name in Place(root).names(recursive) if wanted(name)]
    return root, [name for name in names if _fits(name.split("/"), pattern.split("/"))]


def _fits(parts: list[str], pattern: list[str]) -> bool:
    """Say whether a path is what a pattern names: `*` stays in a folder, `**` does not."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_fits(parts[skip:], pattern[1:]) for skip in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _beside(root: str, tag: str) -> str:
    """Return `IN.TAG` for the folder or URL `IN`.

    Raises:
        UsageError: it has no name, or is in something else, as `zip://in::s3://bucket/a.zip`.
    """
    if not is_url(root):
        path = Path(root) if Path(root).name not in ("", "..") else Path(root).resolve()
        found = bool(path.name)
    else:
        path, found = address(root), "::" not in root and len(address(root).parts) > 2
    if not found:
        raise UsageError(f"{root} has no place beside it: name a folder as the output")
    return str(path.with_name(f"{path.name}.{tag}"))


def _not_below(goes: str, root: str, names: list[str]) -> list[str]:
    """Leave out what lies in the output folder, if that lies in `root`: results."""
    if not is_url(goes) and not is_url(root):
        goes, root = Path(goes).resolve().as_posix(), Path(root).resolve().as_posix()
    own = f"{root.rstrip('/')}/"
    inside = f"{goes.rstrip('/')}/"
    if not inside.startswith(own) or inside == own:
        return names
    return [name for name in names if not name.startswith(inside.removeprefix(own))]


def _of_shards(
    root: str, names: list[str], out: str | None, tag: str, suffix: str | None
) -> Target:
    """Give every shard a job: IN/a.tar goes to OUT/a.tar."""
    place = Place(root)
    goes = Place(out if out is not None else _beside(root, tag))
    if goes.root.rstrip("/") == place.root.rstrip("/") or (
        not (goes.is_url or place.is_url) and os.path.realpath(goes.root) == os.path.realpath(root)
    ):
        raise OutputError(f"{goes} is the input itself: choose another output, input is kept")
    if is_shard(goes.root):
        raise UsageError(f"{goes}: shards go to a folder, under their own names: name a folder")
    ends = [_path(place.root if place.is_url else root), _path(goes.root)]
    names = _not_below(goes.root, root, names)
    if not names:
        raise UsageError(f"all shards of {root} are results, in {goes}: choose another output")
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
    aside = f"{_ASIDE}{folders.suffix_of(Path(source))}" if single and not format else _ASIDE
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
    root, names = _found(source, recursive, _is_photo) or (source, [])
    goes = out if out is not None or not names else _beside(root, tag)
    names = names if goes is None else _not_below(goes, root, names)
    if goes is None or not names:
        raise UsageError(
            f"no photos and no shards at {source}: they end in {', '.join(READABLE_SUFFIXES)}, "
            "shards in .tar or .parquet; sub-folders: --recursive"
        )
    if goes.rstrip("/") == root.rstrip("/"):
        raise OutputError(f"{goes} is the input itself: choose another output, input is kept")
    base, end = address(root), _path(goes)
    files = [base / name for name in names]
    jobs = tuple(folders.jobs_of(base, files, end, tag, suffix))
    return Target(Plan(jobs, batch=True), Place(root), Place(goes) if is_url(goes) else None)
