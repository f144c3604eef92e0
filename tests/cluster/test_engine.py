"""Jobs on a Ray cluster: order, a killed worker, a job that kills, errors, waiting."""

import os
import signal
import sys
import time

import pytest

pytest.importorskip("ray")

from ray import cloudpickle

from mask2face.cluster import session
from mask2face.cluster.engine import TRIES, in_order
from mask2face.errors import (
    DeviceError,
    Mask2FaceError,
    MissingExtraError,
    ModelError,
    PhotoError,
)

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import tests


def test_nothing_is_lost_and_nothing_comes_twice(cluster, tmp_path):
    """Job 9 ends every worker it meets."""
    begun = tmp_path / "begun"

    def start():
        def do(job):
            with begun.open("a") as file:
                file.write(f"{job}\n")
            if job == 9:
                os.kill(os.getpid(), signal.SIGKILL)
            return job, "done"

        return do

    found = list(in_order(start, range(16), 2, lost=lambda job: (job, "lost"), bundle=2))
    assert found == [(job, "lost" if job == 9 else "done") for job in range(16)]
    times = begun.read_text().split()
    assert set(times) == {str(job) for job in range(16)}
    assert times.count("9") == TRIES


def test_a_start_that_fails(cluster):
    def start():
        error = ModelError("no such model")
        error.exit_code = 2
        raise error

    with pytest.raises(Mask2FaceError, match="^no such model$") as found:
        list(in_order(start, [1], 1, lost=str))
    assert found.value.exit_code == 2


def test_a_bug_in_the_start(cluster):
    """Ray would start the worker again and again."""

    def start():
        raise ZeroDivisionError("a bug")

    with pytest.raises(RuntimeError, match="ZeroDivisionError in a worker: a bug"):
        list(in_order(start, [1], 1, lost=str))


@pytest.mark.parametrize(
    ("has", "gpus", "room"),
    [({"CPU": 8.0}, 0, 8), ({}, 0, 1), ({"CPU": 8.0, "GPU": 2.0}, 1, 2), ({"CPU": 8.0}, 1, None)],
)
def test_room_for_workers(has, gpus, room):
    """Ray waits for ever for a GPU that nobody has."""

    class Cluster:
        @staticmethod
        def cluster_resources():
            return has

    if room is None:
        with pytest.raises(DeviceError, match="has no GPU.*--device cpu"):
            session.offered(Cluster, gpus)
    else:
        assert session.offered(Cluster, gpus) == room


def test_workers_wait_for_who_takes_the_results(cluster, tmp_path):
    """Results of 4 MB each: no more than what the buffer holds, and what is in work, is made."""

    def start():
        def do(job):
            (tmp_path / str(job)).touch()
            if job == 1:
                raise PhotoError("broken") from ZeroDivisionError()
            return bytes(4 * 2**20)

        return do

    results = in_order(start, range(120), 2, lost=str, bundle=1)
    next(results)
    made = -1
    while made != (made := len(list(tmp_path.iterdir()))):
        time.sleep(0.7)
    assert made < 80
    with pytest.raises(Mask2FaceError, match="^broken$"):  # where a job fails, the run ends
        next(results)


def test_no_jobs_need_no_cluster():
    assert list(in_order(lambda: str, [], 2, lost=str)) == []


def test_ray_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"mask2face\[ray\]"):
        session.load()


def test_what_ray_says_at_the_end_is_no_result(monkeypatch, capsys):
    class Cluster:
        is_initialized = staticmethod(lambda: False)
        init = staticmethod(lambda **_: None)
        shutdown = staticmethod(lambda: sys.stdout.write("(raylet) a worker was killed"))

    monkeypatch.setattr(session, "load", lambda: Cluster)
    with session.session():
        pass
    assert capsys.readouterr() == ("", "(raylet) a worker was killed")


def test_a_cluster_that_does_not_answer(monkeypatch):
    class NoCluster:
        @staticmethod
        def is_initialized():
            return False

        @staticmethod
        def init(**options):
            assert "address" not in options  # Ray reads RAY_ADDRESS
            raise ConnectionError("nobody there\nmore")

    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    monkeypatch.setattr(session, "load", lambda: NoCluster)
    words = "RAY_ADDRESS=127.0.0.1:1.*nobody there.*ray status"
    with pytest.raises(DeviceError, match=words), session.session():
        pass
