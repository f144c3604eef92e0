"""Errors a user can cause: each says what was wrong, what is accepted and the fix."""


class Mask2FaceError(Exception):
    """Root of every error that a user can cause; the message names the fix.

    Attributes:
        exit_code: exit status of the command line (1 an input failed, 2 wrong usage).
        http_status: status of the HTTP answer.
    """

    exit_code = 1
    http_status = 500


class PhotoError(Mask2FaceError):
    """A photo cannot be read: broken, empty, not a photo, too small or too large."""

    http_status = 422


class PhotoTooLargeError(PhotoError):
    """A photo has more pixels or bytes than is allowed."""

    http_status = 413


class VideoError(Mask2FaceError):
    """A video or camera cannot be read: broken, not there, or of a kind that nothing decodes."""

    http_status = 422


class OutputError(Mask2FaceError):
    """A result cannot be written, or writing it would destroy something."""


class DataError(Mask2FaceError):
    """A data set, crop cache, pair folder or run folder is missing, broken or inconsistent."""


class ModelError(Mask2FaceError):
    """A model or checkpoint file is missing, broken or not one of ours."""


class DeviceError(Mask2FaceError):
    """The device asked for is not available on this machine."""

    exit_code = 2


class UsageError(Mask2FaceError):
    """The call or the command line asks for something that makes no sense."""

    exit_code = 2
    http_status = 400


class ConfigurationError(UsageError):
    """`configuration.json` has an unknown key or a value that is not accepted."""


class UnknownNameError(UsageError):
    """A name (style, net, loss, detector, ...) is not in its registry."""


class MissingLibraryError(Mask2FaceError):
    """A package is installed, but a library of the system that it loads is not."""

    exit_code = 2

    @classmethod
    def of(cls, error: ImportError) -> "MissingLibraryError | None":
        """Return the error that names the fix, or None where `error` has another cause."""
        if "cannot open shared object file" not in str(error):
            return None
        return cls(
            f"a library of the system is missing ({error}): for OpenCV, on Debian or Ubuntu, run  "
            "apt-get install libgl1 libglib2.0-0"
        )


class MissingExtraError(Mask2FaceError):
    """An optional package is not installed.

    Args:
        package: import name of the missing package.
        extra: the extra of mask2face that brings it.
    """

    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"this needs the package {package!r}, which is not installed: "
            f"run  pip install 'mask2face[{extra}]'"
        )
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type["MissingExtraError"], tuple[str, str]]:
        """Be told to other processes."""
        return type(self), (self.package, self.extra)
