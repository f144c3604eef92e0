"""MaskTheFace's --code."""

import pytest

from mask2face.errors import UsageError
from mask2face.masking.code import Entry, parse_code


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("cloth", [Entry("cloth")]),
        ("cloth-#e54294, N95", [Entry("cloth", "#e54294"), Entry("n95")]),
        ("cloth - #e54294", [Entry("cloth", "#e54294")]),
        (
            "cloth-masks/textures/check/check_4.jpg,KN95",
            [Entry("cloth", None, "masks/textures/check/check_4.jpg"), Entry("kn95")],
        ),
        ("cloth-my blue-white checks.PNG", [Entry("cloth", None, "my blue-white checks.PNG")]),
        ("n95,n95", [Entry("n95"), Entry("n95")]),
    ],
)
def test_known_codes(text, entries):
    assert parse_code(text) == tuple(entries)


def test_a_name_of_a_pack_may_hold_a_dash():
    names = ("ffp", "ffp-2")
    assert parse_code("ffp-2-#ff0000, FFP-2, ffp-dots", names) == (
        Entry("ffp-2", "#ff0000"),
        Entry("ffp-2"),
        Entry("ffp", None, "dots"),
    )


@pytest.mark.parametrize("text", ["", " ", ",", "cloth,", "cloth,,n95", "-#ff0000", "cloth-", 7])
def test_a_broken_code_shows_how_to_write_one(text):
    with pytest.raises(UsageError, match="cloth-#e54294, cloth-checks.png, n95"):
        parse_code(text)
