"""Numbers of a report -> cells and tables in Markdown."""

from typing import Any

COLUMNS = {"hole_psnr": 2, "hole_ssim": 3, "hole_l1": 4, "psnr": 2}  # metric -> digits
Facts = dict[str, Any]


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Return a table in Markdown; all but the first column stand to the right."""
    ruler = "|---|" + "---:|" * (len(head) - 1)
    return [f"| {' | '.join(head)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]


def cells(found: Facts) -> list[str]:
    """Return the cells of a method's row."""
    return [cell(found[name], digits) for name, digits in COLUMNS.items()]


def cell(found: Facts | None, digits: int) -> str:
    """Return a mean with its interval."""
    if not found or not found["count"]:
        return "–"
    low, high = (f"{found[end]:.{digits}f}" for end in ("low", "high"))
    return f"{found['mean']:.{digits}f} [{low}, {high}]"


def percent(share: float | None) -> str:
    """Return a share in words, "–" where there is none."""
    return "–" if share is None else f"{share:.1%}".replace("%", " %")
