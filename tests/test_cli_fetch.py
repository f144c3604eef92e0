import pytest
from typer.testing import CliRunner

from mask2face.cli import app


@pytest.fixture
def given(tmp_path):
    for name in ("Ann/Ann_0001.jpg", "Bo/Bo_0001.jpg"):
        (tmp_path / "given" / name).parent.mkdir(parents=True)
        (tmp_path / "given" / name).write_bytes(b"x")
    return tmp_path / "given"


def run(*words):
    return CliRunner().invoke(app, ["dataset", "fetch", *map(str, words)])


def test_a_data_set_is_fetched_and_its_terms_are_told_once(given, tmp_path):
    first = run("lfw", tmp_path / "out", "--from", given)
    assert first.exit_code == 0
    assert first.stdout == f"{tmp_path / 'out'}  2 photos of 2 people, from given\n"
    assert first.stderr.count("terms: ") == 1
    assert "research" in first.stderr
    second = run("lfw", tmp_path / "out")
    assert second.exit_code == 0
    assert second.stdout.endswith("(already there)\n")
    assert "terms" not in second.stderr


def test_an_unknown_data_set_gets_the_nearest_name(tmp_path):
    result = run("celebra", tmp_path / "out")
    assert result.exit_code == 2
    assert "did you mean 'celeba'" in result.stderr


def test_nothing_is_overwritten(given, tmp_path):
    result = run("lfw", given, "--from", given)
    assert result.exit_code == 1
    assert "choose another folder" in result.stderr
    assert sorted(path.name for path in given.iterdir()) == ["Ann", "Bo"]
