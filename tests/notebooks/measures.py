"""What can be measured of a lesson's prose (design §4): words, numbers, sentences."""

import re

from tests.notebooks.lessons import code_cells, markdown_cells, source
from tools import notebooks

# Design §4. A page that only has to be looked up is shorter by itself.
MOST_WORDS = 4_000
FEWEST_WORDS_FOR_A_NUMBER = 18
MOST_WORDS_IN_A_SENTENCE = 40
MOST_CHARACTERS_IN_A_CODE_LINE = 88
MOST_CELLS = 70
MOST_MINUTES = 75

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
    # Each item of a list is a paragraph of its own.
    return re.sub(r"^\s*(?:\d+\.|[-*])\s+", "\n", text, flags=re.M)


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


def minutes(path) -> int:
    """How long a page says that it takes."""
    return int(re.search(r"^About (\d+) minutes", source(markdown_cells(path)[0]), re.M)[1])


def out_of_bounds(path) -> list[str]:
    """What a page has too much of, each with where it stands; empty when nothing is."""
    text = running_prose(path)
    count, figures = len(words(text)), len(numbers(text))
    found = []
    if count > MOST_WORDS:
        found.append(f"{count} words of prose, {MOST_WORDS} at most")
    if figures and count / figures < FEWEST_WORDS_FOR_A_NUMBER:
        found.append(
            f"{figures} numbers in {count} words: {count / figures:.1f} words for each, "
            f"{FEWEST_WORDS_FOR_A_NUMBER} at least"
        )
    if len(notebooks.read(path)["cells"]) > MOST_CELLS:
        found.append(f"{len(notebooks.read(path)['cells'])} cells, {MOST_CELLS} at most")
    if minutes(path) > MOST_MINUTES:
        found.append(f"{minutes(path)} minutes, {MOST_MINUTES} at most")
    for sentence in sentences(text):
        if len(words(sentence)) > MOST_WORDS_IN_A_SENTENCE:
            found.append(f"{len(words(sentence))} words in a sentence: {sentence}")
    for cell in code_cells(path):
        for line in source(cell).splitlines():
            if len(line) > MOST_CHARACTERS_IN_A_CODE_LINE:
                found.append(f"{cell['id']}: {len(line)} characters in a line: {line}")
    return found
