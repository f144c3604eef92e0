"""Fields that a user sets: what is accepted, and what a refusal says."""

import math
from types import SimpleNamespace

import pytest

from mask2face.errors import ConfigurationError
from mask2face.ranges import is_amount, require, require_number, require_weights, require_whole


def owner(value):
    return SimpleNamespace(field=value)


def test_a_refusal_names_field_value_and_fix():
    require(True, "side", 64, "a number")
    with pytest.raises(ConfigurationError, match="^'side' is -1: give a whole number$"):
        require(False, "side", -1, "a whole number")


@pytest.mark.parametrize("value", [3, 4, 10**6])
def test_whole_numbers(value):
    require_whole(owner(value), "field", 3)


@pytest.mark.parametrize("value", [2, -3, 3.0, True, "3", None, math.nan])
def test_not_whole_numbers(value):
    with pytest.raises(ConfigurationError, match="'field' is .*: give a whole number, 3 or more"):
        require_whole(owner(value), "field", 3)


@pytest.mark.parametrize("value", [0, 0.0, 1e-9, 5])
def test_amounts(value):
    assert is_amount(value)
    require_number(owner(value), "field")
    require_weights(owner({"a": value}), "field")


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, "1", None, [1]])
def test_not_amounts(value):
    assert not is_amount(value)
    with pytest.raises(ConfigurationError, match="'field' is .*: give a number, 0 or more"):
        require_number(owner(value), "field")
    with pytest.raises(ConfigurationError, match=r"'field\.a' is .*: give a number, 0 or more"):
        require_weights(owner({"a": value}), "field")


@pytest.mark.parametrize("value", [None, ["a"], "a", 3])
def test_not_weights(value):
    with pytest.raises(ConfigurationError, match="'field' is .*: give an object of names"):
        require_weights(owner(value), "field")
