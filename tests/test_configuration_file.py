import pytest

from mask2face.configuration_file import read
from mask2face.errors import ConfigurationError


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "c.json").write_text('{"seed": 1, "mask_color": "#ÀÀ"}', encoding="utf-8")
    assert read(tmp_path / "c.json") == {"seed": 1, "mask_color": "#ÀÀ"}


def test_a_missing_file_says_how_to_do_without(tmp_path):
    with pytest.raises(ConfigurationError, match=r"does not exist.*Configuration\(None\)"):
        read(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[1]", "must hold an object"),
        ('{"seed": 1, "seed": 2}', "'seed' is there twice"),
        ("\udcff", "JSON"),
    ],
)
def test_files_that_are_no_json_object(tmp_path, text, message):
    path = tmp_path / "c.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationError, match=message):
        read(path)
    with pytest.raises(ConfigurationError, match="JSON"):
        read(tmp_path)
