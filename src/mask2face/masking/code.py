"""MaskTheFace's `--code`: "cloth-#e54294, cloth-checks.png, n95" -> what each entry draws."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mask2face.errors import UsageError

EXAMPLE: Final = "cloth-#e54294, cloth-checks.png, n95"


@dataclass(frozen=True)
class Entry:
    """One entry of a code.

    Attributes:
        style: as written, in lower case.
        color: "#rrggbb", or None where the entry says none.
        pattern: name of a print or a picture file, or None where the entry says none.
    """

    style: str
    color: str | None = None
    pattern: str | None = None


def parse_code(text: str, styles: Collection[str] = ()) -> tuple[Entry, ...]:
    """Read a comma list of STYLE, STYLE-COLOR and STYLE-PATTERN.

    An entry that stands there twice is drawn twice as often. Unlike MaskTheFace we keep blanks
    inside file names, and everything after the first "-" belongs to the colour or pattern.

    Args:
        text: the code.
        styles: names that may hold a "-" themselves.

    Raises:
        UsageError: the code or an entry of it is empty.

    >>> parse_code("cloth-#e54294, N95")
    (Entry(style='cloth', color='#e54294', pattern=None),
     Entry(style='n95', color=None, pattern=None))
    """
    if not isinstance(text, str):
        raise UsageError(f"code is {text!r}: give a text like {EXAMPLE!r}")
    return tuple(_entry(part.strip(), text, styles) for part in text.split(","))


def _entry(part: str, text: str, styles: Collection[str]) -> Entry:
    named = [style for style in styles if part.lower() == style or _begins(part, style)]
    style = max(named, key=len).lower() if named else part.partition("-")[0].strip().lower()
    variation = part[len(style) :].lstrip()
    if not style or variation == "-":
        raise UsageError(f"an entry of the code {text!r} is {part!r}: write it like {EXAMPLE!r}")
    variation = variation.removeprefix("-").strip()
    if variation.startswith("#"):
        return Entry(style, color=variation)
    return Entry(style, pattern=variation or None)


def _begins(part: str, style: str) -> bool:
    return part.lower().startswith(f"{style}-")
