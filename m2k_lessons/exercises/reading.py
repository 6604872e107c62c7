"""What people type for a number or a letter, read as they meant it, or answered in words."""

from __future__ import annotations

import cmath
import datetime as dt
import re
from typing import Any

import numpy as np

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE)


class Unreadable(Exception):
    """An answer that is no number yet; the message is the sentence that mends it."""


def read_number(answer: Any) -> tuple[float, str]:
    """The one number in an answer, and a remark about its form that is said beside the verdict.

    Raises
    ------
    Unreadable
        There is none, or more than one.
    """
    if type(answer) in (int, float):  # nearly always, and without importing anything
        return _finite(answer), ""
    if answer is None:
        raise Unreadable(
            "The answer is None, which is nothing. Did the line end in a print(...)? Give the "
            "number itself, without print."
        )
    if isinstance(answer, (bool, np.bool_)):
        raise Unreadable(
            f"{answer} is the answer to a comparison. A number is asked for: which one?"
        )
    if isinstance(answer, str):
        raise Unreadable(_about_text(answer))
    if callable(answer) and not np.ndim(answer):
        raise Unreadable(
            "That is a function, not its result. Call it, with brackets and its arguments."
        )
    if isinstance(answer, (dt.timedelta, np.timedelta64)):
        raise Unreadable(
            'That is a length of time. Divide it by pd.Timedelta("1h") for hours, or by the unit '
            "that is asked for."
        )
    if isinstance(answer, (dict, set, frozenset)):
        raise Unreadable(f"That is a {type(answer).__name__}. Take the one number out of it.")
    if isinstance(answer, (list, tuple)) or np.ndim(answer) or hasattr(answer, "iloc"):
        return _out_of_many(answer)
    if isinstance(answer, np.ndarray):
        return read_number(answer.item())
    if isinstance(answer, (complex, np.complexfloating)):
        if cmath.isfinite(answer) and answer.imag == 0:
            return _finite(answer.real), "(It came as a complex number without an imaginary part.)"
        raise Unreadable(
            f"{answer} is a complex number: somewhere a root of a negative number was taken."
        )
    try:
        return _finite(answer), ""
    except (TypeError, ValueError):
        shown = _short(answer)
        if shown in ("<NA>", "NaT"):
            raise Unreadable(_MISSING) from None
        raise Unreadable(f"The answer must be a number, not {shown}.") from None


_MISSING = (
    "The answer is not a number (nan): a value is missing, or zero was divided by zero. Look at "
    "the numbers that went in."
)


def _finite(value) -> float:
    try:
        number = float(value)
    except OverflowError:
        raise Unreadable("The answer is too large to be meant.") from None
    if np.isnan(number):
        raise Unreadable(_MISSING)
    if np.isinf(number):
        raise Unreadable("The answer is infinite: something was divided by zero.")
    return number


def _out_of_many(answer) -> tuple[float, str]:
    kind = type(answer).__name__
    # A comma in a number makes a tuple before anything of the course can see it.
    if isinstance(answer, tuple) and len(answer) > 1:
        raise Unreadable(_about_commas(answer))
    flat = np.asarray(answer, dtype=object).ravel()
    article = "an" if kind == "ndarray" else "a"
    name = "array" if kind == "ndarray" else kind
    if not flat.size:
        raise Unreadable(
            f"That is {article} {name} with nothing in it: the selection found no row."
        )
    if flat.size > 1:
        way = ".iloc[-1] takes the last" if hasattr(answer, "iloc") else "[-1] takes the last"
        raise Unreadable(
            f"That is {article} {name} of {flat.size} values, and one number is asked for. Take "
            f"it out: {way}, for example."
        )
    if flat[0] is ...:
        raise Unreadable("The dots are still in it. Put the number in their place.")
    value, _ = read_number(flat[0])
    if isinstance(answer, tuple):
        return value, "(A comma at the end makes a tuple of it; it was taken out for you.)"
    return value, f"(It was {article} {name} of one number; it was taken out for you.)"


def _about_commas(answer: tuple) -> str:
    first, *rest = answer
    plain = all(isinstance(part, (int, float, np.number)) for part in answer)
    if plain and len(answer) <= 4:
        typed = ",".join(str(part) for part in answer)
        if isinstance(first, int) and all(0 <= part < 1000 for part in rest) and abs(first) > 0:
            if all(part >= 100 for part in rest):
                return (
                    f"Python takes {typed} for {len(answer)} numbers, because of the comma. Write "
                    f"{typed.replace(',', '')}, without it."
                )
            if len(answer) == 2 and isinstance(rest[0], int):
                return (
                    f"Python takes {first},{rest[0]} for two numbers, because of the comma. A "
                    f"decimal mark is a point: {first}.{rest[0]}; and thousands have no mark."
                )
    return (
        f"That is a tuple of {len(answer)} values: Python takes a comma for the end of a number. "
        "Write 2415.0 where the text says 2,415.0."
    )


def _about_text(answer: str) -> str:
    shown = _short(answer)
    bare = answer.strip().replace("−", "-").replace("\u00a0", " ").replace("'", "")
    bare = re.sub(r"^([+-]?)\s*[$€£]\s*", r"\1", bare)
    found = _NUMBER.match(bare)
    rest = bare[found.end() :].strip() if found else bare
    if not found or len(rest.split()) > 2 or re.search(r"\d", rest):
        return f"The answer must be a number, not the text {shown}."
    digits = found[0]
    grouped = re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", digits)
    advice = []
    if grouped:
        digits = digits.replace(",", "")
        advice.append("the comma")
    elif digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
        return (
            f"{shown} is text, because of the quotes, and Python's decimal mark is a point. Write "
            f"{digits}."
        )
    elif "," in digits:
        return f"The answer must be a number, not the text {shown}."
    if rest or "$" in answer or "€" in answer:
        advice.append("the unit")
    *others, last = ["the quotes", *advice]
    without = f"{', '.join(others)} and {last}" if others else last
    return f"{shown} is text, because of the quotes. Write {digits}, without {without}."


def _short(value) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def read_letter(answer: Any, options) -> str | None:
    """The letter of the option that is meant: `b`, "B", " b ", "b)", "(b)", "b." or its text."""
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, str):
        return None
    bare = " ".join(answer.split()).casefold()
    letter = re.fullmatch(r"\(?\[?([a-z])[\])]?[.:]?", bare)
    if letter and letter[1] in options:
        return letter[1]
    for key, text in options.items():
        whole = " ".join(text.split()).casefold()
        if bare.rstrip(".") in (whole.rstrip("."), f"{key}) {whole}".rstrip(".")):
            return key
    return None
