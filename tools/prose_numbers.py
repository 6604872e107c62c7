"""Numbers in the prose, and what vouches for them.

A number in a markdown cell carries a comment that no reader sees:

    A point is worth 5<!--= M2K.multiplier--> dollars.       an expression, evaluated in the
                                                            notebook after the cells above
    950<!--fact margin.initial.M2K--> dollars                an entry of facts.toml, newest
    781<!--fact margin.initial.M2K on=2020-04-01--> dollars  or as of a day
    an account of 10,000<!--given--> dollars                 the story's own number

Amounts are written with the word, never with the sign: JupyterLab takes two dollar signs in a
paragraph, escaped or not, for a formula between them.

`check` compares each shown number with what its comment says, to the digits shown. `update`
rewrites the shown numbers, for when a seed or a fact has changed; read the sentences again then.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from m2k_lessons.facts import fact

_NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?"
_TAG = re.compile(
    rf"(?P<shown>{_NUMBER})(?P<unit>[^\d<\n]{{0,16}})"
    r"<!--(?:=(?P<expression>.+?)|fact (?P<key>\S+?)(?: on=(?P<on>\S+?))?|(?P<given>given))-->"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_CODE = re.compile(r"`[^`]*`|^```.*?^```", re.DOTALL | re.MULTILINE)
# What must carry a tag: dollars, percentages, and any number in a sentence about margin or fees.
_MONEY = re.compile(r"\d[\d,]*(?:\.\d+)?\s(?:dollars|cents|USD)\b|\d[\d,.]*\s?%")
_PERISHABLE = re.compile(r"\b(margins?|fees?|commissions?|performance bonds?)\b", re.IGNORECASE)
_PERISHABLE_NUMBER = re.compile(r"(?<![\w.,§])(?:(?:\d{1,3}(?:,\d{3})+|\d{2,})(?:\.\d+)?|\d+\.\d+)")


class Shown(NamedTuple):
    """One tagged number: as printed, as its tag has it, and whether the two agree."""

    text: str
    tag: str
    expected: Any
    agrees: bool


def check(markdown: str, namespace: dict[str, Any]) -> list[Shown]:
    """Compare every tagged number of a markdown cell with its tag."""
    found = []
    for match in _TAG.finditer(markdown):
        if match["given"]:
            continue
        expected = _expected(match, namespace)
        found.append(Shown(match["shown"], match[0], expected, _agrees(match["shown"], expected)))
    return found


def update(markdown: str, namespace: dict[str, Any]) -> str:
    """Rewrite tagged numbers that no longer agree, in the form they were written in."""

    def rewritten(match: re.Match) -> str:
        if match["given"]:
            return match[0]
        expected = _expected(match, namespace)
        if _agrees(match["shown"], expected):
            return match[0]
        return _as_written(match["shown"], expected) + match[0][len(match["shown"]) :]

    return _TAG.sub(rewritten, markdown)


def untagged(markdown: str) -> list[str]:
    """Numbers that need a tag and have none."""
    # Tagged numbers are taken out first; code is exempt, since running it is its check.
    rest = _CODE.sub("", _COMMENT.sub("", _TAG.sub("", markdown)))
    missing = [match[0] for match in _MONEY.finditer(rest)]
    for sentence in re.split(r"(?<=[.!?:;])\s|\n|\|", rest):
        if _PERISHABLE.search(sentence):
            dated = re.sub(
                r"\b(19|20)\d\d(-\d\d-\d\d)?\b|\b\d\d:\d\d\b|\[[^\]]*\]\([^)]*\)", "", sentence
            )
            missing += [match[0] for match in _PERISHABLE_NUMBER.finditer(dated)]
    return missing


def _expected(match: re.Match, namespace: dict[str, Any]) -> Any:
    if match["key"]:
        return fact(match["key"], on=match["on"]).value
    return eval(match["expression"], namespace)  # the course's own notebooks, in its own tests


def _value(shown: str) -> float:
    digits = re.sub(r"[^\d.]", "", shown)
    return -float(digits) if re.search(r"[−-]", shown) else float(digits)


def _decimals(shown: str) -> int:
    return len(shown.split(".")[1]) if "." in shown else 0


def _agrees(shown: str, expected: Any) -> bool:
    half_a_digit = 0.5 * 10 ** -_decimals(shown)
    return abs(_value(shown) - float(expected)) <= half_a_digit * (1 + 1e-9)


def _as_written(shown: str, expected: float) -> str:
    comma = "," if "," in shown or abs(expected) >= 10_000 else ""
    minus = "−" if expected < 0 else ""
    return f"{minus}{abs(float(expected)):{comma}.{_decimals(shown)}f}"
