"""Check the fields that a user sets: a refusal names field, value and what is accepted."""

import math
from collections.abc import Mapping

from mask2face.errors import ConfigurationError


def require(holds: bool, name: str, value: object, accepted: str) -> None:
    """Refuse `value` unless `holds`.

    Args:
        holds: whether it is accepted.
        name: of the field.
        value: what it was set to.
        accepted: what may be given, for the message ("a number above 0").

    Raises:
        ConfigurationError: not `holds`.
    """
    if not holds:
        raise ConfigurationError(f"{name!r} is {value!r}: give {accepted}")


def require_whole(owner: object, name: str, least: int) -> None:
    """Refuse `owner.name` unless it is a whole number, `least` or more.

    Raises:
        ConfigurationError: it is not.
    """
    value = getattr(owner, name)
    holds = isinstance(value, int) and not isinstance(value, bool) and value >= least
    require(holds, name, value, f"a whole number, {least} or more")


def require_number(owner: object, name: str) -> None:
    """Refuse `owner.name` unless it is a finite number, 0 or more.

    Raises:
        ConfigurationError: it is not.
    """
    require(is_amount(getattr(owner, name)), name, getattr(owner, name), "a number, 0 or more")


def require_weights(owner: object, name: str) -> None:
    """Refuse `owner.name` unless it maps names to finite numbers, 0 or more.

    Raises:
        ConfigurationError: it does not.
    """
    value = getattr(owner, name)
    require(isinstance(value, Mapping), name, value, "an object of names and weights")
    for key, weight in value.items():
        require(is_amount(weight), f"{name}.{key}", weight, "a number, 0 or more")


def is_amount(value: object) -> bool:
    """Return whether `value` is a finite number, 0 or more.

    >>> is_amount(0.5), is_amount(True), is_amount("1"), is_amount(-1), is_amount(float("nan"))
    (True, False, False, False, False)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value >= 0
