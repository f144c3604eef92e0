"""`configuration.json` -> the dict it holds; an error says what is wrong with the file."""

import json
from pathlib import Path
from typing import Any

from mask2face.errors import ConfigurationError


def read(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ConfigurationError: the file is missing or no JSON object, or a key is there twice.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{str(path)!r} does not exist: run where it is, give its path, "
            "or take the defaults with Configuration(None)"
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{str(path)!r} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise ConfigurationError(f'{str(path)!r} must hold an object: {{"key": value, ...}}')
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found
