"""Show how far a long loop is, on stderr."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_EVERY = 500  # items between two lines where no terminal can redraw one


def track(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Yield `items`, showing progress on stderr: a bar on a terminal, else a line every 500.

    Args:
        items: what to go through.
        total: how many there are.
        what: the words in front of the bar ("crops").
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as bar

        yield from bar(items, what, total, console=Console(stderr=True))
        return
    begin = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        if count % _EVERY == 0 or count == total:
            rate = count / max(time.monotonic() - begin, 1e-9)
            sys.stderr.write(f"{what}: {count}/{total}  {rate:.1f}/s\n")
