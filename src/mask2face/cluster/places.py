"""A folder of this machine or behind an fsspec URL: list, read, and write whole files or none."""

import io
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, TypeVar, cast

from mask2face import files
from mask2face.decoding import MAX_BYTES, content
from mask2face.errors import Mask2FaceError, OutputError, PhotoError, UsageError

T = TypeVar("T")

# there a file appears when all of it is there, and renaming it would copy it
_WHOLE: Final = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "memory"}


class Address(PurePosixPath):
    """A URL as a path: its suffix, its parent, other names; nothing opens it."""

    def __str__(self) -> str:
        """Return the URL."""
        return super().__str__().replace(":/", "://").replace("file://", "file:///")


def address(url: str) -> Path:
    """Return a URL where a path is wanted that names things and is not opened."""
    return cast("Path", Address(url.rstrip("/")))


def is_url(text: str) -> bool:
    """Say whether `text` is a URL, of a file of this machine too."""
    return "://" in text


def local(text: str) -> str:
    """Return the path behind `file://`; anything else as it is."""
    for scheme in ("file://", "local://"):
        if text.startswith(scheme) and "::" not in text:
            return text.removeprefix(scheme)
    return text


class Place:
    """A folder; picklable, and opened where it is used.

    Args:
        root: a path, or a URL that fsspec knows.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.is_url = is_url(root)
        self._opened: tuple[Any, str] | None = None

    def __reduce__(self) -> tuple[type["Place"], tuple[str]]:
        """Open it again in a worker, with the worker's own rights."""
        return Place, (self.root,)

    def __str__(self) -> str:
        """Return the path or URL."""
        return self.root

    def names(self, recursive: bool = True) -> list[str]:
        """Return the files below the root as `sub/name`, sorted; hidden ones are left out.

        Raises:
            UsageError: there is no such folder, or it cannot be read.
        """
        fs, path = self._fs()
        found = self._try(lambda: fs.find(path, maxdepth=None if recursive else 1), "listed")
        skip = len(path.rstrip("/")) + 1 if path.strip("/") else 0
        names = [name[skip:] if path.strip("/") else name.lstrip("/") for name in found]
        names = sorted(filter(None, names), key=lambda name: name.split("/"))  # as paths sort
        return [name for name in names if not any(p.startswith(".") for p in name.split("/"))]

    def has_folder(self) -> bool:
        """Say whether the folder itself is there."""
        fs, path = self._fs()
        return bool(self._try(lambda: fs.exists(path), "looked at"))

    def read(self, name: str) -> bytes:
        """Return the bytes of a photo.

        Raises:
            PhotoError: it cannot be read, is empty, or has more than `decoding.MAX_BYTES`.
        """
        try:
            with self.open(name) as stream:
                data = stream.read(MAX_BYTES + 1)
        except Mask2FaceError:
            raise
        except Exception as error:  # each kind of store has its own
            raise PhotoError(
                f"{self._named(name)} cannot be read ({_words(error)}): "
                "check the URL and your rights"
            ) from error
        return content(NamedBytes(data, self._named(name)))[0]

    def open(self, name: str) -> Any:  # noqa: ANN401
        """Open a file to read its bytes; a context."""
        fs, path = self._fs()
        return fs.open(_below(path, name), "rb")

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file, or replace it; it is never there in part.

        Raises:
            OutputError: it cannot be written.
        """
        with self.writer(name) as stream:
            stream.write(data)

    @contextmanager
    def writer(self, name: str) -> Iterator[IO[bytes]]:
        """Give a file to write to; it gets its place and name at the end, if nothing went wrong.

        Raises:
            OutputError: it cannot be written.
        """
        if not self.is_url:
            target = Path(self.root, name)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(
                    f"the folder {target.parent} cannot be made ({error.strerror}): "
                    "choose another output"
                ) from error
            with files.renamed(target) as part, part.open("xb") as stream:
                yield stream
            return
        with tempfile.TemporaryFile() as stream:
            yield stream
            stream.seek(0)
            try:
                self._upload(name, stream)
            except Exception as error:
                raise OutputError(
                    f"{self._named(name)} cannot be written ({_words(error)}): "
                    "check the URL, your rights and the space there"
                ) from error

    def _upload(self, name: str, stream: IO[bytes]) -> None:
        fs, path = self._fs()
        target = _below(path, name)
        folder = target.rpartition("/")[0]
        whole = bool(_WHOLE & set(_protocols(fs)))
        if not whole:
            fs.makedirs(folder, exist_ok=True)
        part = target if whole else f"{folder}/.mask2face-{secrets.token_hex(6)}.part"
        try:
            _copy(stream, fs.open(part, "wb"), whole)
            if not whole:
                fs.mv(part, target)
        except BaseException:
            if not whole:
                with suppress(Exception):
                    fs.rm(part)
            raise

    def _fs(self) -> tuple[Any, str]:
        if self._opened is None:
            from fsspec.core import url_to_fs

            self._opened = self._try(lambda: url_to_fs(self.root), "opened")
        return self._opened

    def _try(self, ask: Callable[[], T], done: str) -> T:
        try:
            return ask()
        except Exception as error:
            raise UsageError(
                f"{self.root} cannot be {done} ({_words(error)}): check the URL and your rights; "
                "a store needs its own package, as s3fs for s3://, gcsfs for gs://"
            ) from error

    def _named(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}"


class NamedBytes(io.BytesIO):
    """Bytes that know where they come from, for messages."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


def _copy(stream: IO[bytes], file: Any, whole: bool) -> None:  # noqa: ANN401
    """Write all of `stream`; where closing makes a file whole, a broken one is not closed."""
    try:
        while block := stream.read(2**22):
            file.write(block)
    except BaseException:
        with suppress(Exception):
            (file.discard if whole else file.close)()  # what is sent already
        with suppress(Exception):
            file.closed = True  # nor is it when it is collected
        raise
    file.close()


def _below(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}" if path.strip("/") else name


def _protocols(fs: Any) -> tuple[str, ...]:  # noqa: ANN401
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error!s:.200}".rstrip(": ")
