"""What a user names -> which files are read and written."""

import os
from pathlib import Path

import pytest

from mask2face import folders
from mask2face.errors import OutputError, UnknownNameError, UsageError
from mask2face.folders import photos_of, plan, sampled


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """in/a.jpg, in/b.PNG, in/c.heic, in/notes.txt, in/.hidden.jpg, in/sub/a.jpg"""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.PNG", "c.heic", "notes.txt", ".hidden.jpg", "sub/a.jpg"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def lines(*args, **options):
    return [str(job) for job in plan(*args, **options).jobs]


@pytest.mark.parametrize(
    ("source", "out", "options", "wanted"),
    [
        ("in/a.jpg", None, {}, ["in/a.jpg -> in/a.unmasked.jpg"]),
        ("in/b.PNG", None, {}, ["in/b.PNG -> in/b.unmasked.PNG"]),
        ("in/c.heic", None, {}, ["in/c.heic -> in/c.unmasked.jpg"]),
        ("in/a.jpg", None, {"tag": "masked"}, ["in/a.jpg -> in/a.masked.jpg"]),
        ("in/a.jpg", None, {"format": "webp"}, ["in/a.jpg -> in/a.unmasked.webp"]),
        ("in/a.jpg", "in/sub/x.png", {}, ["in/a.jpg -> in/sub/x.png"]),
        ("in/b.PNG", "in/sub", {}, ["in/b.PNG -> in/sub/b.PNG"]),
        ("in/a.jpg", "-", {}, ["in/a.jpg -> -"]),
        ("-", None, {}, ["- -> -"]),
        ("-", "x.jpg", {}, ["- -> x.jpg"]),
        (
            "in",
            None,
            {},
            [
                "in/a.jpg -> in.unmasked/a.jpg",
                "in/b.PNG -> in.unmasked/b.PNG",
                "in/c.heic -> in.unmasked/c.jpg",
            ],
        ),
        ("in/sub/", "out", {}, ["in/sub/a.jpg -> out/a.jpg"]),
        ("in/*.jpg", None, {}, ["in/a.jpg -> in/a.unmasked.jpg"]),
        ("in/**/a.*", "out", {}, ["in/a.jpg -> out/a.jpg", "in/sub/a.jpg -> out/sub/a.jpg"]),
    ],
)
def test_where_results_go(photos, source, out, options, wanted):
    assert lines(source, out, **options) == wanted


def test_photos_that_are_only_read_may_share_a_name(photos):
    (photos / "in" / "a.heic").write_bytes(b"a.heic")
    names = [str(path.relative_to("in")) for path in photos_of("in")]
    assert names == ["a.heic", "a.jpg", "b.PNG", "c.heic", "sub/a.jpg"]
    assert photos_of("in/a.jpg") == [Path("in/a.jpg")]
    assert photos_of("in/a.*") == [Path("in/a.heic"), Path("in/a.jpg")]
    for nothing, words in (("nowhere", "no such file"), ("in/*.tif", "no photos in the pattern")):
        with pytest.raises(UsageError, match=words):
            photos_of(nothing)
    (photos / "empty").mkdir()
    with pytest.raises(UsageError, match="no photos in the folder 'empty'"):
        photos_of("empty")


def test_a_recursive_run_mirrors_subfolders_and_leaves_its_own_results_out(photos):
    assert lines("in", "in/done", recursive=True) == [
        "in/a.jpg -> in/done/a.jpg",
        "in/b.PNG -> in/done/b.PNG",
        "in/c.heic -> in/done/c.jpg",
        "in/sub/a.jpg -> in/done/sub/a.jpg",
    ]
    (photos / "in" / "done").mkdir()
    (photos / "in" / "done" / "a.jpg").write_bytes(b"result")
    assert len(lines("in", "in/done", recursive=True)) == 4
    wanted = ["in/a.jpg -> in/done/a.jpg", "in/sub/a.jpg -> in/done/sub/a.jpg"]
    assert lines("in/**/*.jpg", "in/done") == wanted
    # an output above the input excludes nothing
    assert lines("in/sub", ".") == ["in/sub/a.jpg -> a.jpg"]


def test_results_of_an_earlier_glob_are_no_input(photos):
    (photos / "in" / "a.unmasked.jpg").write_bytes(b"result")
    assert lines("in/*.jpg") == ["in/a.jpg -> in/a.unmasked.jpg"]
    (photos / "in" / "a.compare.jpg").write_bytes(b"a result of --compare")
    (photos / "in" / "a.unmasked.hole.jpg").write_bytes(b"a result of --hole-only")
    assert lines("in/*.jpg") == ["in/a.jpg -> in/a.unmasked.jpg"]
    assert len(lines("in/*.jpg", "out")) == 4  # named elsewhere, everything that matches counts


def test_several_results_of_a_photo_get_numbers(photos):
    jobs = sampled(plan("in/*.jpg", "out"), 2).jobs
    assert [str(job) for job in jobs] == ["in/a.jpg -> out/a-1.jpg", "in/a.jpg -> out/a-2.jpg"]
    assert [(job.name, job.sample) for job in jobs] == [("a.jpg", 1), ("a.jpg", 2)]
    alone = sampled(plan("in/b.PNG"), 1)
    assert alone.batch
    assert [str(job) for job in alone.jobs] == ["in/b.PNG -> in/b.unmasked-1.PNG"]
    assert [job.sample for job in plan("in").jobs] == [0, 0, 0]


def test_several_results_of_an_earlier_glob_are_no_input(photos):
    for name in ("a.unmasked-1.jpg", "a.compare-12.jpg", "a-1.jpg"):
        (photos / "in" / name).write_bytes(b"x")
    assert lines("in/*.jpg") == [
        "in/a-1.jpg -> in/a-1.unmasked.jpg",
        "in/a.jpg -> in/a.unmasked.jpg",
    ]


def test_several_results_go_neither_to_stdout_nor_onto_an_input(photos):
    with pytest.raises(UsageError, match="cannot go to stdout"):
        sampled(plan("in/a.jpg", "-"), 2)
    (photos / "in" / "sub" / "sub").mkdir()
    (photos / "in" / "sub" / "sub" / "x.jpg").write_bytes(b"x")
    (photos / "in" / "sub" / "x-2.jpg").write_bytes(b"x")
    found = plan("in/sub", "in", recursive=True, format="jpeg")
    with pytest.raises(OutputError, match=r"in/sub/x-2\.jpg is an input too"):
        sampled(found, 2)
    assert len(sampled(found, 1).jobs) == 3


def test_the_folder_one_is_in(photos, monkeypatch):
    monkeypatch.chdir(photos / "in" / "sub")
    (job,) = plan(".").jobs
    assert job.target == photos / "in" / "sub.unmasked" / "a.jpg"


def test_a_name_with_brackets_is_a_file_where_it_is_one(photos):
    (photos / "in" / "a[1].jpg").write_bytes(b"x")
    assert lines("in/a[1].jpg") == ["in/a[1].jpg -> in/a[1].unmasked.jpg"]


def test_names_that_are_long_or_odd(photos):
    long = "é" * 120 + ".jpg"  # 244 bytes: with a tag it is too long for most file systems
    (photos / "in" / long).write_bytes(b"x")
    assert lines(f"in/{long}") == [f"in/{long} -> in/{long[:-4]}.unmasked.jpg"]
    assert lines("in/a.jpg", "y" * 300) == ["in/a.jpg -> " + "y" * 300]
    Path("loop.jpg").symlink_to("loop.jpg")
    assert lines("in/a.jpg", "loop.jpg") == ["in/a.jpg -> loop.jpg"]
    (photos / "in" / "x.jfif").write_bytes(b"x")
    assert lines("in/x.jfif") == ["in/x.jfif -> in/x.unmasked.jfif"]


def test_names_are_the_same_on_every_machine(photos):
    names = [job.name for job in plan("in", recursive=True).jobs]
    assert names == ["a.jpg", "b.PNG", "c.heic", "sub/a.jpg"]


@pytest.mark.parametrize(
    ("source", "out", "options", "error", "words"),
    [
        ("nowhere.jpg", None, {}, UsageError, "no such file or folder"),
        ("x" * 5000, None, {}, UsageError, "no such file or folder"),
        ("in/*.gif", None, {}, UsageError, "no photos in the pattern"),
        ("empty", None, {}, UsageError, "--recursive"),
        ("in", "-", {}, UsageError, "cannot go to stdout"),
        ("in", "in/a.jpg", {}, UsageError, "is a file"),
        ("in", "in", {}, OutputError, "is the input itself"),
        ("in", "in/sub/..", {}, OutputError, "is the input itself"),
        ("in/*.jpg", "in", {}, OutputError, "is the input itself"),
        ("in/a.jpg", "in/a.jpg", {}, OutputError, "is the input itself"),
        ("in/a.jpg", "in", {}, OutputError, "is the input itself"),
        ("in/a.jpg", "hard.jpg", {}, OutputError, "is the input itself"),
        ("-", "in", {}, UsageError, "needs the name of a file"),
        ("in/a.jpg", None, {"format": "gif"}, UnknownNameError, "choose from"),
        ("two", None, {"format": "png"}, UsageError, "would both be written to"),
        ("in/a.jpg", "new/", {}, UsageError, "the folder new/ does not exist: make it first"),
        ("-", "new/", {}, UsageError, "the folder new/ does not exist: make it first"),
        ("in/a.jpg", "x.jpg", {"format": "png"}, UsageError, "says JPEG, but is to be PNG"),
        ("in/sub", "in", {"recursive": True}, OutputError, "in/sub/a.jpg is an input too"),
        ("-", "x.jpg", {"format": "png"}, UsageError, "name the output .png"),
        ("-", "x.gif", {}, OutputError, "cannot write '.gif' files"),
        ("in/notes.txt", None, {}, OutputError, "cannot write '.txt' files"),
        ("/", None, {}, UsageError, "name a folder as the output"),
    ],
)
def test_what_makes_no_sense_is_refused(photos, source, out, options, error, words):
    os.link("in/a.jpg", "hard.jpg")
    for name in ("empty/x.txt", "two/a.jpg", "two/a.png", "in/sub/sub/a.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    with pytest.raises(error, match=words):
        plan(source, out, **options)


@pytest.mark.parametrize("fold", [str.lower, str])
def test_names_that_differ_in_case_are_one_on_some_systems(photos, monkeypatch, fold):
    monkeypatch.setattr(folders, "_FOLD", fold)
    for name in ("phone/IMG_1.HEIC", "phone/IMG_1.JPG"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"")
    if fold is str.lower:
        with pytest.raises(UsageError, match="would both be written to"):
            plan("phone")
    else:
        assert sorted(job.target.name for job in plan("phone").jobs) == ["IMG_1.JPG", "IMG_1.jpg"]
