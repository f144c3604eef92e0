"""A tar or zip archive of unknown honesty -> the files in it, in a folder."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from mask2face.errors import DataError, OutputError
from mask2face.progress import track

_LARGEST: Final = 16 << 30  # bytes unpacked; LFW has 0.3 GB, CelebA's aligned photos 1.8 GB
_MOST: Final = 1_000_000  # files; CelebA has 202,599
_BROKEN: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a kind of compression that zipfile does not know
    RuntimeError,  # an encrypted zip
)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack `archive` into `folder`; only plain files and folders, and only inside it.

    Raises:
        DataError: no tar or zip, broken, or with a path or link that leads out of the folder, or
            larger than any data set that we know.
        OutputError: `folder` cannot be written or its disk is too small.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder)
        elif tarfile.is_tarfile(archive):
            _untar(archive, folder)
        else:
            raise DataError(
                f"{str(archive)!r} is no tar or zip archive, or is broken; unpack other kinds, "
                "such as .7z, yourself and give the folder"
            )
    except _BROKEN as error:
        raise DataError(f"the archive {str(archive)!r} is broken: {error}; get it anew") from error
    except OSError as error:
        raise OutputError(
            f"cannot unpack {str(archive)!r} into {str(folder)!r}: {error}"
        ) from error


def _untar(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        _check_size(sum(member.size for member in members), len(members), archive, folder)
        for member in track(members, len(members), f"unpack {archive.name}"):
            _check_path(member.name, archive)
            if not (member.isfile() or member.isdir()):
                raise DataError(_refusal(archive, member.name, "is a link or a device"))
            tar.extract(member, folder, filter="data")


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_size(sum(member.file_size for member in members), len(members), archive, folder)
        for member in track(members, len(members), f"unpack {archive.name}"):
            _check_path(member.filename, archive)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise DataError(_refusal(archive, member.filename, "is a link"))
            opened.extract(member, folder)


def _check_path(name: str, archive: Path) -> None:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name:
        raise DataError(_refusal(archive, name, "leads out of the folder"))


def _refusal(archive: Path, name: str, why: str) -> str:
    return f"{str(archive)!r} is not unpacked: {name!r} in it {why}; get the archive anew"


def _check_size(size: int, count: int, archive: Path, folder: Path) -> None:
    if size > _LARGEST or count > _MOST:
        raise DataError(
            f"{str(archive)!r} would unpack to {count} files of {size >> 20} MiB; "
            f"at most {_MOST} files of {_LARGEST >> 20} MiB are accepted"
        )
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OutputError(
            f"the disk of {str(folder)!r} has {free >> 20} MiB free, {archive.name} unpacks to "
            f"{size >> 20} MiB: make room, or choose another disk"
        )
