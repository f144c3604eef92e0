"""Every error is one a program can catch, with an exit code and an HTTP status."""

import inspect

import pytest

from mask2face import errors

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if kind.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_root_a_code_and_a_status(kind):
    assert issubclass(kind, errors.Mask2FaceError)
    assert kind.exit_code in (1, 2)
    assert 400 <= kind.http_status < 600
    assert kind.__doc__


@pytest.mark.parametrize(
    ("kind", "exit_code", "http_status"),
    [
        (errors.PhotoError, 1, 422),
        (errors.VideoError, 1, 422),
        (errors.OutputError, 1, 500),
        (errors.DataError, 1, 500),
        (errors.ModelError, 1, 500),
        (errors.DeviceError, 2, 500),
        (errors.UsageError, 2, 400),
        (errors.ConfigurationError, 2, 400),
        (errors.UnknownNameError, 2, 400),
        (errors.MissingExtraError, 2, 500),
        (errors.MissingLibraryError, 2, 500),
    ],
)
def test_codes(kind, exit_code, http_status):
    assert (kind.exit_code, kind.http_status) == (exit_code, http_status)


def test_wrong_names_and_configurations_are_wrong_usage():
    assert issubclass(errors.UnknownNameError, errors.UsageError)
    assert issubclass(errors.ConfigurationError, errors.UsageError)


def test_a_missing_extra_names_the_command_that_brings_it():
    error = errors.MissingExtraError("pillow_heif", "heif")
    assert "pip install 'mask2face[heif]'" in str(error)
    assert (error.package, error.extra) == ("pillow_heif", "heif")


def test_a_missing_library_names_the_packages_that_bring_it():
    cause = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    error = errors.MissingLibraryError.of(cause)
    assert "libGL.so.1" in str(error)
    assert "apt-get install libgl1 libglib2.0-0" in str(error)
    assert errors.MissingLibraryError.of(ModuleNotFoundError("No module named 'cv2'")) is None
