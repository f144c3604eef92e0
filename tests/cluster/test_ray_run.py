"""What the workers are started with, and what is said after Ctrl-C; no cluster is needed."""

from pathlib import Path

import pytest
import typer

pytest.importorskip("fsspec")

from mask2face.cli import ray_run
from mask2face.cli.report import Done
from mask2face.cli.targets import Target, target
from mask2face.cluster.places import Place
from mask2face.errors import UsageError
from mask2face.folders import Plan


@pytest.fixture
def shards(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for name in "abc":
        Path(f"in/{name}.tar").touch()
    return target("in", "out", tag="unmasked")


def test_ctrl_c(shards, monkeypatch, capsys):
    """Of three shards one, of five photos, is done; the others may be, too."""
    happened = []

    def in_order(start, jobs, workers, **_options):
        try:
            yield [Done(jobs[0][0], "done")] * 5
            raise KeyboardInterrupt
        finally:
            happened.append((start, workers))

    monkeypatch.setattr(ray_run, "in_order", in_order)
    with pytest.raises(typer.Exit) as ended:
        ray_run.run(shards, lambda: None, workers=2)
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "5 done, 2 shards not known to be done"
    ((start, workers),) = happened
    assert workers == 2
    assert start.target.plan.jobs == ()  # else each worker had all jobs in memory
    assert (start.target.source, start.target.shards) == (shards.source, True)


def test_the_workers_end_before_the_summary(shards, monkeypatch):
    happened = []

    def in_order(_start, jobs, _workers, **_options):
        try:
            yield [Done(jobs[0][0], "failed", error=ZeroDivisionError("a bug"))]
        finally:
            happened.append("ended")

    monkeypatch.setattr(ray_run, "in_order", in_order)
    monkeypatch.setattr(ray_run.Report, "end", lambda _: happened.append("summary"))
    with pytest.raises(ZeroDivisionError):
        ray_run.run(shards, lambda: None)
    assert happened == ["ended", "summary"]


def test_a_machine_without_our_folder(tmp_path, monkeypatch):
    """There relative paths would lead elsewhere; URLs do not."""
    monkeypatch.chdir(tmp_path)
    nowhere = str(tmp_path / "nowhere")
    url = Place("memory://b/in")
    for ends in (Target(Plan((), True), url), Target(Plan((), True), url, Place("out"))):
        with pytest.raises(UsageError, match="nowhere is not on the worker's machine"):
            ray_run.Worker(lambda: None, ends, nowhere)()
    ray_run.Worker(lambda: None, Target(Plan((), True), url, url), nowhere)()
    assert Path.cwd() == tmp_path
