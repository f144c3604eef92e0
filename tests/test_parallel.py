import os
from functools import partial

import cv2
import pytest

from mask2face.errors import MissingExtraError
from mask2face.parallel import WorkerDiedError, in_order


class Tagged:
    """Work that says which process did it."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, job):
        if job < 0:
            raise KeyError(job)
        if job == 99:
            os._exit(3)
        return job * self.factor, os.getpid(), cv2.getNumThreads()


def test_without_workers_this_process_works_on_one_thread():
    before = cv2.getNumThreads()
    found = list(in_order(partial(Tagged, 3), [1, 2]))
    assert found == [(3, os.getpid(), 1), (6, os.getpid(), 1)]
    assert cv2.getNumThreads() == before


def test_workers_keep_the_order():
    found = list(in_order(partial(Tagged, 2), list(range(11)), 2))
    assert [value for value, _, _ in found] == list(range(0, 22, 2))
    assert os.getpid() not in {process for _, process, _ in found}
    assert {threads for _, _, threads in found} == {1}


def test_nothing_to_do_starts_nothing():
    def refuse():
        return Tagged(1)

    assert list(in_order(refuse, [], 2)) == []  # a local function could not be sent


def test_an_error_comes_through():
    before = cv2.getNumThreads()
    with pytest.raises(KeyError):
        list(in_order(partial(Tagged, 2), [1, -1]))
    assert cv2.getNumThreads() == before


def test_a_worker_that_dies_is_said():
    with pytest.raises(WorkerDiedError, match="died"):
        list(in_order(partial(Tagged, 2), [1, 99, 2], 1))


def start_without_dlib():
    raise MissingExtraError("dlib", "data")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_start_comes_through(workers):
    with pytest.raises(MissingExtraError, match="'dlib'") as caught:
        list(in_order(start_without_dlib, [1, 2], workers))
    assert caught.value.exit_code == 2
