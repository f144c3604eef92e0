"""Where a job's photo comes from and where its result goes: files of this machine, streams."""

import os
import sys
from pathlib import Path
from typing import Protocol

from mask2face import files
from mask2face.errors import OutputError
from mask2face.folders import Job


class Ends(Protocol):
    """Where photos come from and where their results go."""

    def has(self, job: Job) -> bool:
        """Say whether a result is there already and is to stay."""

    def read(self, job: Job) -> bytes:
        """Return the file of a photo."""

    def prepare(self, job: Job) -> None:
        """Refuse a place where nothing can be written, before the work, which may take its time."""

    def write(self, job: Job, data: bytes) -> None:
        """Write a result."""


class Disk:
    """Files of this machine, stdin and stdout.

    Args:
        batch: make the folders that are missing, and keep what is there.
        overwrite: replace what is there.
    """

    def __init__(self, batch: bool, overwrite: bool) -> None:
        self._batch, self._overwrite = batch, overwrite
        self._piped: bytes | None = None  # stdin gives its bytes once, for all jobs

    def has(self, job: Job) -> bool:
        """See `Ends`."""
        keeps = self._batch and not self._overwrite
        return keeps and job.target is not None and os.path.lexists(job.target)

    def read(self, job: Job) -> bytes:
        """See `Ends`."""
        from mask2face.decoding import MAX_BYTES, content

        if job.source is not None:
            return content(job.source)[0]
        if self._piped is None:
            self._piped = sys.stdin.buffer.read(MAX_BYTES + 1)
        return content(self._piped)[0]

    def prepare(self, job: Job) -> None:
        """See `Ends`."""
        if job.target is not None:
            if self._batch:
                _make_folder(job.target.parent)
            files.check_target(job.target, self._overwrite)

    def write(self, job: Job, data: bytes) -> None:
        """See `Ends`."""
        if job.target is None:
            _pipe(data)
        else:
            files.write(data, job.target, overwrite=self._overwrite)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error.strerror}): choose another output"
        ) from error


def _pipe(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # the reader left: no error of ours
        raise
    except OSError as error:
        raise OutputError(f"stdout cannot be written ({error.strerror}): name a file") from error
