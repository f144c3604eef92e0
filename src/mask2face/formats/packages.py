"""Packages that a format needs: there, or an error that names the extra."""

import importlib.util

from mask2face.errors import MissingExtraError


def check_packages(extra: str, *packages: str) -> None:
    """Refuse to go on without `packages`, which the extra `extra` brings.

    Raises:
        MissingExtraError: one is not installed.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra)
