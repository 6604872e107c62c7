"""Argument checks that every public function shares: one wording for every refusal."""

import datetime as dt
import math
from numbers import Integral, Real

import numpy as np


def number(
    name: str,
    value,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """Return `value` as a float, or say which argument is wrong and what is accepted."""
    accepted = _accepted("a finite number", above, at_least, below, at_most)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {accepted}, got {value!r}")
    result = float(value)
    outside = (
        not math.isfinite(result)
        or (above is not None and result <= above)
        or (at_least is not None and result < at_least)
        or (below is not None and result >= below)
        or (at_most is not None and result > at_most)
    )
    if outside:
        raise ValueError(f"{name} must be {accepted}, got {value!r}")
    return result


def whole(name: str, value, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """Return `value` as an int; 3.0 is a whole number, 2.5 and True are not."""
    accepted = _accepted("a whole number", None, at_least, None, at_most)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {accepted}, got {value!r}")
    if not isinstance(value, Integral) and not float(value).is_integer():
        raise ValueError(f"{name} must be {accepted}, got {value!r}")
    result = int(value) if isinstance(value, Integral) else int(float(value))
    if not -(2**63) <= result < 2**63:
        raise ValueError(f"{name} must be {accepted} of at most 64 bits, got {value!r}")
    if (at_least is not None and result < at_least) or (at_most is not None and result > at_most):
        raise ValueError(f"{name} must be {accepted}, got {value!r}")
    return result


def choice(name: str, value, options) -> str:
    """Return `value` if it is one of `options`."""
    if isinstance(value, str) and value in options:
        return value
    kind = ValueError if isinstance(value, str) else TypeError
    raise kind(f"{name} must be one of {listed(options)}, got {value!r}")


def instance(name: str, value, types, accepted: str):
    """Return `value` if it is of one of the types, which `accepted` says in words."""
    if isinstance(value, types):
        return value
    raise TypeError(f"{name} must be {accepted}, got {described(value)}")


def described(value) -> str:
    """A value as an error shows it: a frame of bars would fill the screen."""
    plain = isinstance(value, (str, int, float, dt.date, type(None)))
    return repr(value) if plain else f"a {type(value).__name__}"


def listed(options) -> str:
    """Names as an error lists them."""
    return ", ".join(repr(option) for option in options)


def no_mask(name: str, value) -> None:
    """Refuse a masked array, of which numpy's functions would use the values that are hidden."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be an array without a mask, got a masked array; "
            f"{name}.filled(np.nan) marks what is hidden as unknown"
        )


def columns_once(name: str, table) -> None:
    """Refuse a table in which a column stands twice, as `pd.concat` and `join` make them."""
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ValueError(
            f"{name} must have each column once, got {twice[0]!r} twice; "
            f"{name}.loc[:, ~{name}.columns.duplicated()] keeps the first of each"
        )


def date(name: str, value) -> dt.date:
    """Return a calendar date from a date, datetime, Timestamp, datetime64 or "2026-12-18"."""
    accepted = f"{name} must be a date such as '2026-12-18', got {value!r}"
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError(accepted) from None
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()  # None for NaT
        if not isinstance(value, dt.date):
            raise ValueError(accepted)
    if not isinstance(value, dt.date):
        raise TypeError(accepted)
    if math.isnan(value.year):  # pandas' NaT is a datetime with no year
        raise ValueError(accepted)
    return value.date() if isinstance(value, dt.datetime) else value


def _accepted(kind: str, above, at_least, below, at_most) -> str:
    limits = {"above": above, "at least": at_least, "below": below, "at most": at_most}
    given = [f"{word} {limit:g}" for word, limit in limits.items() if limit is not None]
    return " ".join([kind, " and ".join(given)]).strip()
