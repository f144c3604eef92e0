"""Worker processes that end with the process that started them."""

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Make this worker stop when its parent is gone, killed ones included.

    A pool's workers wait on a pipe whose other end they hold themselves: without this, a killed
    run would leave them behind, each with its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
