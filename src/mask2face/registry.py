"""Look a name up in a literal dict, or say which names exist."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from mask2face.errors import UnknownNameError

T = TypeVar("T")


def lookup(kind: str, table: Mapping[str, T], name: str) -> T:
    """Return `table[name]`, or raise with the valid names and the nearest one.

    Args:
        kind: what the table holds, for the message ("face-mask style").
        table: the registry.
        name: the name asked for; case and `-`/`_` must match.

    Raises:
        UnknownNameError: `name` is not a key of `table`.

    >>> lookup("net", {"unet": 1}, "unet")
    1
    """
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownNameError(f"unknown {kind} {name!r}: choose from {', '.join(sorted(table))}{hint}")
