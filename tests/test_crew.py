"""Threads that share jobs: the order of results, how many are in work, errors, stopping."""

import os
import threading
import time

import pytest

from mask2face.crew import Crew, cores, usual


def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    assert true()


def test_results_come_in_the_order_of_the_jobs():
    def work(job):
        time.sleep(0.02 * (job % 3 == 0))
        return job * 2

    assert list(Crew(work, range(50), 4)) == [2 * job for job in range(50)]
    assert list(Crew(work, [], 2)) == []


def test_no_more_run_at_a_time_than_there_are_workers():
    running, most, lock = [0], [0], threading.Lock()

    def work(job):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.002)
        with lock:
            running[0] -= 1

    list(Crew(work, range(60), 3))
    assert most == [3]


def test_a_slow_job_holds_back_only_what_is_far_ahead():
    go, begun = threading.Event(), []

    def work(job):
        begun.append(job)
        if job == 0:
            assert go.wait(10)
        return job

    read = []
    jobs = (read.append(job) or job for job in range(100))
    results = iter(Crew(work, jobs, 2, ahead=7))
    taken = threading.Thread(target=lambda: read.append(next(results)))
    taken.start()
    until(lambda: len(begun) == 7)
    time.sleep(0.05)
    assert sorted(begun) == list(range(7))
    assert read == list(range(7))
    go.set()
    taken.join(10)
    assert list(results) == list(range(1, 100))


def test_an_error_comes_in_its_turn_and_the_rest_can_be_had():
    def work(job):
        if job == 2:
            raise LookupError(job)
        return job

    crew = Crew(work, range(4), 2, ahead=4)
    results = iter(crew)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(LookupError):
        next(results)
    with pytest.raises(LookupError):
        list(crew.stop())
    assert list(crew.stop()) in ([], [3])


def test_stopping_finishes_what_runs_and_begins_nothing():
    go, begun = threading.Event(), []

    def work(job):
        begun.append(job)
        if job:
            assert go.wait(10)
        return job

    crew = Crew(work, range(1000), 2, ahead=10)
    assert next(iter(crew)) == 0
    until(lambda: len(begun) == 3)
    rest = crew.stop()
    threading.Timer(0.05, go.set).start()
    assert list(rest) == [1, 2]
    assert sorted(begun) == [0, 1, 2]
    assert list(crew.stop()) == []


@pytest.mark.parametrize(("workers", "ahead"), [(0, None), (-1, None), (3, 2)])
def test_a_crew_needs_somebody(workers, ahead):
    with pytest.raises(ValueError, match="at least 1"):
        Crew(str, [], workers, ahead)


def test_cores(monkeypatch):
    assert 1 <= usual() <= min(16, cores())
    monkeypatch.setattr("mask2face.crew.cores", lambda: 64)
    assert usual() == 16
    monkeypatch.undo()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores() == (os.cpu_count() or 1)
