"""What can be measured of a lesson's prose (design §4): words, numbers, sentences."""

import re

from tests.notebooks.lessons import markdown_cells, source

# Not running prose: tags for the tests, tables, captions, headings, questions, displayed formulas.
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_CODE = re.compile(r"`[^`]*`|\$[^$]*\$")
_NUMBER = re.compile(r"(?<![\w.])[−+-]?\d[\d,.:/]*(?<![,.:])")
# A full stop that ends no sentence.
_ABBREVIATION = re.compile(r"\b(e\.g|i\.e|vs|U\.S|No|a\.m|p\.m|Inc|al|cf|approx)\.")


def running_prose(path) -> str:
    """The paragraphs of a lesson without tables, captions, headings, questions and code."""
    text = "\n\n".join(source(cell) for cell in markdown_cells(path))
    text = _LINK.sub(r"\1", _COMMENT.sub("", text))
    # A dot matches within a line only, but for what is fenced.
    lines = [line for line in text.splitlines() if not line.startswith(("|", "*Figure ", "#"))]
    text = "\n".join(lines)
    text = re.sub(r"^```.*?^```$|^\$\$.*?\$\$$", "", text, flags=re.M | re.S)
    text = re.sub(r"^\*\*Q(\d+|uiz)\.\*\*.*?(?=\n\n|\Z)", "", text, flags=re.M | re.S)
    text = re.sub(r"^\s*(?:- )?[a-d]\) .*$", "", text, flags=re.M)
    return re.sub(r"^\s*(?:\d+\.|[-*])\s+", "", text, flags=re.M)


def words(text: str) -> list[str]:
    """The words of a text; a number is one, punctuation and mark-up are none."""
    return [word for word in text.split() if re.search(r"\w", word)]


def numbers(text: str) -> list[str]:
    """The numbers in running prose, those in code and formulas aside."""
    return _NUMBER.findall(_CODE.sub("", text))


def sentences(text: str) -> list[str]:
    """The sentences of running prose."""
    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=> )", _ABBREVIATION.sub(r"\1", text)):
        flat = " ".join(re.sub(r"[*_>]", "", paragraph).split())
        found += [s for s in re.split(r"(?<=[.!?:;])[\"”)]?\s+(?=[A-Z“\"(\d−])", flat) if s]
    return found
