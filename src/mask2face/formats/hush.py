"""Converters that print, log and warn are kept quiet; their errors come through."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the converter and the quantiser print, log and warn of to themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # what torchao and the converter could not load
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)
