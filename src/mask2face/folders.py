"""File, folder, glob or `-`, as a user names them -> which file to read and which to write."""

import glob
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mask2face import files
from mask2face.encoding import FORMATS, READABLE_SUFFIXES, SUFFIXES, format_named, format_of
from mask2face.errors import OutputError, UsageError

STREAM = "-"  # stdin as an input, stdout as an output
_WRITTEN_AS = {".heic": ".jpg", ".heif": ".jpg", ".gif": ".png"}  # formats that we only read
_SAMPLE = re.compile(r"-\d+$")  # what `sampled` puts at the end of a name
_FOLD = str.lower if sys.platform in ("win32", "darwin") else str  # there a.JPG is a.jpg
_OTHER_RESULTS = (".compare", ".hole")  # ends of names that other runs give to what is no photo


@dataclass(frozen=True)
class Job:
    """One photo to work on.

    Attributes:
        source: file to read, or None for stdin.
        target: file to write, or None for stdout.
        name: of the source below the folder that was named, with `/`: the same on every machine.
        sample: which of several results of the photo, from 1; 0 where there is one.
    """

    source: Path | None
    target: Path | None
    name: str
    sample: int = 0

    def __str__(self) -> str:
        """Return `in.jpg -> out/in.jpg`."""
        return f"{self.source or STREAM} -> {self.target or STREAM}"


@dataclass(frozen=True)
class Plan:
    """All photos to work on.

    Attributes:
        jobs: in the order of their names.
        batch: whether a folder or a glob was named, whose outputs may need folders.
    """

    jobs: tuple[Job, ...]
    batch: bool


def plan(
    source: str,
    out: str | None = None,
    *,
    tag: str = "unmasked",
    recursive: bool = False,
    format: str | None = None,
) -> Plan:
    """Find the photos that `source` names, and where their results go.

    Without `out`, `in.jpg` gives `in.TAG.jpg` beside it and the folder `IN` gives `IN.TAG`. A
    folder's files keep names, extensions and sub-folders; so do a glob's, if `out` is given.

    Args:
        source: a file, a folder, a glob (`*`, `?`, `[...]`, `**`) or `-`.
        out: file, folder or `-`; for folders and globs a folder.
        tag: what the names of results get.
        recursive: also the sub-folders of a folder.
        format: key of `FORMATS` that the results are written as.

    Raises:
        UsageError: nothing there, no photo in it, or input and output do not go together.
        OutputError: an output is an input, or has a suffix of no format that we write.
        UnknownNameError: `format` is not one of ours.
    """
    suffix = FORMATS[format_named(format)] if format else None
    if source == STREAM:
        return Plan((Job(None, _file(out, suffix), STREAM),), batch=False)
    path, where = Path(source), f"the folder {source!r}"
    if os.path.isdir(source):  # noqa: PTH112 - pathlib's raises where a name is too long
        root, found, target = _folder(path, out, tag, recursive)
        where += "" if recursive else " (its sub-folders: --recursive)"
    elif os.path.exists(source):  # noqa: PTH110 - as above
        return Plan((_single(path, out, tag, suffix),), batch=False)
    elif glob.has_magic(source):
        root, found, target = _glob(source, out, tag)
        where = f"the pattern {source!r}"
    else:
        raise _nowhere(source)
    return Plan(tuple(jobs_of(root, _some(found, where), target, tag, suffix)), batch=True)


def photos_of(source: str) -> list[Path]:
    """Return the photos that a file, a folder (its sub-folders, too) or a glob names, to be read.

    Raises:
        UsageError: nothing there, or no photo in it.
    """
    if os.path.isdir(source):  # noqa: PTH112 - as in `plan`
        return _some(_photos(Path(source), recursive=True), f"the folder {source!r}")
    if os.path.exists(source):  # noqa: PTH110
        return [Path(source)]
    if glob.has_magic(source):
        return _some(_glob(source, None, "unmasked")[1], f"the pattern {source!r}")
    raise _nowhere(source)


def _some(found: list[Path], where: str) -> list[Path]:
    if not found:
        raise UsageError(f"no photos in {where}: they end in {', '.join(READABLE_SUFFIXES)}")
    return found


def _nowhere(source: str) -> UsageError:
    return UsageError(f"{source:.200}: no such file or folder: check the path")


def sampled(plan: Plan, count: int) -> Plan:
    """Give every photo `count` jobs: what went to `a.jpg` goes to `a-1.jpg`, `a-2.jpg` and so on.

    Args:
        plan: one job for each photo.
        count: at least 1.

    Returns:
        The new plan, a batch.

    Raises:
        UsageError: several photos would go to stdout.
        OutputError: an output is an input.
    """
    inputs = files.all_real(job.source for job in plan.jobs if job.source is not None)
    jobs = []
    for job in plan.jobs:
        if job.target is None:
            raise UsageError("several results cannot go to stdout: name a file as the output")
        for sample in range(1, count + 1):
            target = job.target.with_name(f"{job.target.stem}-{sample}{job.target.suffix}")
            if files.real(target) in inputs:  # --overwrite would destroy it
                raise OutputError(f"{target} is an input too: choose another output")
            jobs.append(replace(job, target=target, sample=sample))
    return Plan(tuple(jobs), batch=True)


def _file(out: str | None, suffix: str | None) -> Path | None:
    if out is None or out == STREAM:
        return None
    if _is_folder(out):
        raise UsageError(f"{out} is a folder: the photo from stdin needs the name of a file")
    _check_name(Path(out), suffix)
    return Path(out)


def _check_name(target: Path, suffix: str | None) -> None:
    """Refuse a name that says another format than `suffix`, of the format asked for, if any.

    Raises:
        UsageError: it does.
        OutputError: no format was asked for, and the name's is none that we write.
    """
    named = SUFFIXES.get(target.suffix.lower()) if suffix else format_of(target)
    if suffix and named and FORMATS[named] != suffix:
        wanted = SUFFIXES[suffix]
        raise UsageError(f"{target} says {named}, but is to be {wanted}: name the output {suffix}")


def _is_folder(out: str) -> bool:
    """Say whether an output is a folder.

    Raises:
        UsageError: it is written as one, with a slash at its end, and is not there.
    """
    found = os.path.isdir(out)  # noqa: PTH112 - pathlib's raises where a name is too long
    if not found and out.endswith(("/", os.sep)):
        raise UsageError(f"the folder {out} does not exist: make it first")
    return found


def _single(path: Path, out: str | None, tag: str, suffix: str | None) -> Job:
    if out == STREAM:
        return Job(path, None, path.name)
    if out is None:
        target = path.with_name(f"{path.stem}.{tag}{suffix or suffix_of(path)}")
    elif _is_folder(out):
        target = Path(out) / f"{path.stem}{suffix or suffix_of(path)}"
    else:
        target = Path(out)
    _check_name(target, suffix)
    files.refuse_same(path, target)
    return Job(path, target, path.name)


def jobs_of(
    root: Path, found: list[Path], target: Path | None, tag: str, suffix: str | None
) -> Iterator[Job]:
    """Yield the job of each photo in `found`, below `root`; the rest is as in `plan`.

    Args:
        root: of the names.
        found: photos.
        target: the folder for the results; None writes `NAME.TAG` beside each photo.
        tag: see `plan`.
        suffix: of the format asked for, if any.
    """
    if target is not None and str(target) == STREAM:
        raise UsageError("several photos cannot go to stdout: name a folder as the output")
    if target is not None and os.path.exists(target) and not os.path.isdir(target):  # noqa: PTH110, PTH112
        raise UsageError(f"{target} is a file: several photos need a folder as the output")
    inputs = files.all_real(found)
    taken: dict[str, Path] = {}
    for file in found:
        relative, end = file.relative_to(root), suffix or suffix_of(file)
        name = f"{file.stem}.{tag}{end}" if target is None else f"{file.stem}{end}"
        place = (file if target is None else target / relative).with_name(name)
        if os.path.lexists(place):  # else it is no input; links and names need a closer look
            files.refuse_same(file, place)
            if files.real(place) in inputs:  # --overwrite would destroy it
                raise OutputError(f"{place} is an input too: choose another output, input is kept")
        if (other := taken.setdefault(_FOLD(str(place)), file)) != file:
            raise UsageError(f"{other} and {file} would both be written to {place}: rename one")
        yield Job(file, place, relative.as_posix())


def _beside(folder: Path, tag: str) -> Path:
    """Return `IN.TAG` for the folder `IN`, also for `.` and `..`."""
    if folder.name in ("", ".."):
        folder = folder.resolve()
    if not folder.name:
        raise UsageError(f"{folder} has no place beside it: name a folder as the output")
    return folder.with_name(f"{folder.name}.{tag}")


def suffix_of(path: Path) -> str:
    """Return the suffix of what is written for `path`: its own, unless we only read that."""
    return _WRITTEN_AS.get(path.suffix.lower(), path.suffix)


Found = tuple[Path, list[Path], Path | None]  # root, files, folder to write to (None: beside)


def _folder(path: Path, out: str | None, tag: str, recursive: bool) -> Found:
    if out == STREAM:
        return path, _photos(path, recursive), Path(STREAM)
    target = Path(out) if out else _beside(path, tag)
    files.refuse_same(path, target)
    return path, _outside(target, path, _photos(path, recursive)), target


def _outside(target: Path, root: Path, found: list[Path]) -> list[Path]:
    """Leave out what lies in the output folder `target`, if that lies in `root`: results."""
    real, own = files.real(target), files.real(root)
    if real == own or not real.is_relative_to(own):
        return found
    return [file for file in found if not files.real(file).is_relative_to(real)]


def _glob(pattern: str, out: str | None, tag: str) -> Found:
    """Return the fixed part of a pattern and the files that match the pattern."""
    parts = Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    names = glob.glob(pattern, recursive=True)  # noqa: PTH207 - pathlib's knows no `a*/**`
    found = sorted(Path(name) for name in names if os.path.isfile(name))  # noqa: PTH113
    root = Path(*parts[:fixed])
    if out is None:  # results of an earlier run lie beside their inputs
        ends = (f".{tag}", *_OTHER_RESULTS)
        return root, [file for file in found if not _SAMPLE.sub("", file.stem).endswith(ends)], None
    return root, _outside(Path(out), root, found), Path(out)


def _photos(folder: Path, recursive: bool) -> list[Path]:
    found = folder.rglob("*") if recursive else folder.glob("*")
    return sorted(path for path in found if _is_photo(path, folder))


def _is_photo(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in READABLE_SUFFIXES and os.path.isfile(path)  # noqa: PTH113
