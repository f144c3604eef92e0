"""A line on stderr that says how far a run is, how quick, and how long it still takes."""

import sys
import time
from typing import Final

_EVERY: Final = 30.0  # s between two lines where no terminal can redraw one


class Progress:
    """Redraws its line on a terminal; elsewhere it writes one every 30 seconds.

    Args:
        total: how many there are to do, about; None where nobody knows.
        what: they are ("photos").
    """

    def __init__(self, total: int | None = None, what: str = "photos") -> None:
        self._total, self._what = total, what
        self._terminal = sys.stderr.isatty()
        self._began = self._said = time.monotonic()
        self._line = ""

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def hide(self) -> None:
        """Take the line off the terminal, so that others can be written."""
        if self._line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, done: int, skipped: int = 0) -> None:
        """Say how far it is.

        Args:
            done: of the total, the skipped ones too.
            skipped: of these, those that took no time: they say nothing of the rate.
        """
        now = time.monotonic()
        if not self._terminal and now - self._said < _EVERY:
            return
        self._said = now
        line = self._words(done, skipped, now - self._began)
        if self._terminal:
            self._line = line
            sys.stderr.write(f"\r{line}\x1b[K")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def tell(self, done: int, total: int | None) -> None:
        """Say how far it is, where the total is known only now."""
        self._total = total
        self.show(done)

    def end(self) -> None:
        """Leave the line where it is."""
        if self._line:
            sys.stderr.write(f"\r{self._line}\x1b[K\n")
            sys.stderr.flush()
            self._line = ""

    def _words(self, done: int, skipped: int, seconds: float) -> str:
        total = self._total if self._total is not None and self._total >= done else None
        words = f"{done} {self._what}" if total is None else f"{done}/{total} {self._what}"
        rate = (done - skipped) / max(seconds, 1e-9)
        if not rate:
            return words
        words += f"  {rate:.1f}/s"
        if total is None:
            return words
        left = total - done
        return f"{words}  {f'{_clock(left / rate)} left' if left else f'{_clock(seconds)} taken'}"


def _clock(seconds: float) -> str:
    """Return `1:02:03`, or `2:03` below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
