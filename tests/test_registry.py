"""A name is found, or the message lists the names and the nearest one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask2face.errors import UnknownNameError, UsageError
from mask2face.registry import lookup

TABLE = {"surgical": 1, "cloth": 2, "n95": 3}


@pytest.mark.parametrize(("name", "value"), TABLE.items())
def test_a_known_name_gives_its_value(name, value):
    assert lookup("face-mask style", TABLE, name) == value


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("surgcal", "unknown face-mask style 'surgcal': choose from cloth, n95, surgical"),
        ("surgcal", "did you mean 'surgical'"),
        ("Cloth", "did you mean 'cloth'"),
        ("", "choose from cloth, n95, surgical$"),
        ("zebra", "choose from cloth, n95, surgical$"),
        ("cloth ", "did you mean 'cloth'"),
    ],
)
def test_an_unknown_name_names_the_fix(name, words):
    with pytest.raises(UnknownNameError, match=words):
        lookup("face-mask style", TABLE, name)


def test_an_empty_registry_is_no_crash():
    with pytest.raises(UsageError, match="unknown net 'x'"):
        lookup("net", {}, "x")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_found_or_refused(name):
    try:
        assert lookup("style", TABLE, name) == TABLE[name]
    except UnknownNameError:
        assert name not in TABLE
