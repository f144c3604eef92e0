"""`mask2face templates`: list, add and preview a pack."""

import json
import sys

import cv2
import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from mask2face.cli import _Group, templates

app = typer.Typer(cls=_Group, rich_markup_mode=None)
app.add_typer(templates.app, name="templates")
POINTS = "12,20 60,5 108,20 18,60 60,95 102,60"


def run(*arguments):
    return CliRunner().invoke(app, ["templates", *(str(part) for part in arguments)])


@pytest.fixture
def source(tmp_path):
    pixels = np.zeros((100, 120, 4), np.uint8)
    cv2.ellipse(pixels, (60, 50), (48, 45), 0, 0, 360, (200, 220, 240, 255), -1, cv2.LINE_AA)
    Image.fromarray(pixels).save(tmp_path / "source.png")
    return tmp_path / "source.png"


@pytest.fixture
def pack(tmp_path, source):
    assert run("add", tmp_path / "pack", "round", source, "--points", POINTS).exit_code == 0
    return tmp_path / "pack"


def test_adding_stores_the_six_points_and_listing_shows_them(pack, source):
    done = run("add", pack, "round", source, "--side", "left")
    assert done.exit_code == 0, done.output
    assert "[round_left]" in done.stdout
    assert "--points '" in done.stdout
    assert "guessed" in done.stderr
    listed = run("list", pack)
    assert listed.stdout == "round  front 120 x 100, left 120 x 100\n"
    facts = json.loads(run("list", pack, "--json").stdout)
    assert facts["name"] == "round"
    assert facts["points"]["front"] == [[float(x) for x in p.split(",")] for p in POINTS.split()]


def test_printed_points_can_be_given_back(pack, source):
    printed = run("add", pack, "other", source).stdout.split("--points '")[1].rstrip("'\n")
    again = run("add", pack, "again", source, "--points", printed)
    assert again.exit_code == 0, again.output
    assert again.stderr == ""
    facts = [json.loads(line) for line in run("list", pack, "--json").stdout.splitlines()]
    assert facts[1]["points"] == facts[2]["points"]


@pytest.mark.parametrize("points", ["1,2 3,4", "", "1,2 3,4 5,6 7,8 9,10 11", "a,b " * 6])
def test_wrong_points_are_wrong_usage(pack, source, points):
    done = run("add", pack, "new", source, "--points", points)
    assert done.exit_code == 2
    assert "six pairs" in done.stderr


def test_errors_are_one_line(pack, source, tmp_path):
    for arguments, message, status in (
        (("add", pack, "round", source), "--overwrite", 1),
        (("add", pack, "new", source, "--side", "lft"), "did you mean 'left'?", 2),
        (("list", tmp_path / "none"), "does not exist", 1),
        (("preview", pack, tmp_path / "x.png", "--style", "rond"), "did you mean 'round'?", 2),
        (("preview", pack, source), "exists", 1),
    ):
        done = run(*arguments)
        assert done.exit_code == status, done.output
        assert done.stderr.splitlines()[-1].startswith("error: ")
        assert message in done.stderr
    assert run("add", pack, "round", source, "--overwrite").exit_code == 0


def test_a_preview_is_drawn_on_a_face(pack, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    out = tmp_path / "preview.png"
    done = run("preview", pack, out)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}  round\n"
    assert "dlib" in done.stderr
    sheet = np.asarray(Image.open(out)).astype(int)
    bare, drawn = np.split(sheet, 2, axis=1)
    photo, hole = np.split(drawn, 2, axis=0)
    assert hole.max() == 255
    assert (hole == 0).mean() > 0.5
    same = photo[hole == 0] == bare[: len(photo)][hole == 0]
    assert same.all(), "outside the hole nothing changes"


def test_a_photo_without_a_face_is_named(pack, tmp_path):
    Image.new("RGB", (200, 200), (90, 120, 90)).save(tmp_path / "wall.png")
    done = run("preview", pack, tmp_path / "out.png", "--photo", tmp_path / "wall.png")
    assert done.exit_code == 1
    assert "no face" in done.stderr
