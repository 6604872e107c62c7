"""Take a lesson apart: paragraphs, sentences, outputs. What the slides are made of."""

from __future__ import annotations

import base64
import html
import io
import re
import struct
from functools import cache

TAG = re.compile(r"<!--.*?-->", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
MATH = re.compile(r"\$\$(.+?)\$\$|(?<![\\$\w])\$([^$\n]+?)\$(?!\w)", re.DOTALL)
SENTENCE = re.compile(r"(?<=[.!?:])[*\")”]*\s+(?=[A-Z*`\"“(0-9])")
FENCED = re.compile(r"^((?:~~~|```).*?^(?:~~~|```))$", re.MULTILINE | re.DOTALL)
LIST = re.compile(r"^(- |\d+\. )")
LINE = 115  # characters of printed text, before it is wrapped
ROWS = 12  # of a table or of printed text on one slide


def plain(source: str) -> str:
    """The text as readers see it: without number tags, and without links, which lead nowhere."""
    return LINK.sub(r"\1", TAG.sub("", source)).strip()


def blocks(source: str) -> list[str]:
    """The paragraphs, lists, tables, quotes and fenced code of a markdown cell, in order."""
    found: list[str] = []
    for place, part in enumerate(FENCED.split(plain(source))):
        found += [part] if place % 2 else _unfenced(part)
    return found


def _unfenced(source: str) -> list[str]:
    found: list[str] = []
    for block in re.split(r"\n\s*\n", source):
        head, _, rest = block.strip("\n").partition("\n")
        if head.startswith("#") and rest:
            found += [head, rest]
        elif LIST.match(block) and found and LIST.match(found[-1]):
            found[-1] += f"\n{block}"
        elif block.strip():
            found.append(block.strip("\n"))
    return found


def words(text: str) -> int:
    return len(text.split())


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; one with a colon and what follows it are two."""
    return [one for one in SENTENCE.split(" ".join(text.split())) if one]


def shortened(text: str, most: int) -> tuple[str, str]:
    """As many whole sentences as fit into `most` words, the first in any case; and the rest.

    >>> shortened("One two. Three four five. Six.", 5)
    ('One two. Three four five.', 'Six.')
    """
    text = " ".join(text.split())
    ends = [match.end() for match in SENTENCE.finditer(text)] + [len(text)]
    # A colon ends no sentence where what it announces would be cut off.
    ends = [end for end in ends if not text[:end].rstrip().endswith(":")] or [len(text)]
    fitting = [end for end in ends if words(text[:end]) <= most] or ends[:1]
    return text[: fitting[-1]].strip(), text[fitting[-1] :].strip()


def items(block: str) -> list[str]:
    """The items of a list, each on one line."""
    parts = re.split(r"^(?:- |\d+\. )", block, flags=re.MULTILINE)
    return [" ".join(part.split()) for part in parts if part.strip()]


@cache
def formula(tex: str, display: bool) -> str:
    """A formula as a picture in the page, set by matplotlib: nothing to load, no script."""
    import matplotlib
    from matplotlib import mathtext

    size = 26 if display else 20
    picture = io.BytesIO()
    # matplotlib knows neither the small fraction nor one without braces, nor the widest space.
    text = re.sub(r"\\t?frac(\d)(\d)", r"\\frac{\1}{\2}", tex.strip())
    text = text.replace(r"\tfrac", r"\frac").replace(r"\qquad", r"\quad\quad")
    with matplotlib.rc_context({"mathtext.fontset": "stix", "svg.hashsalt": "m2k"}):
        from matplotlib.font_manager import FontProperties

        try:
            depth = mathtext.math_to_image(
                f"${text}$", picture, prop=FontProperties(size=size), dpi=72, format="svg"
            )
        except ValueError as problem:
            raise ValueError(f"matplotlib can't set the formula {tex!r}: {problem}") from None
    drawn = re.sub(r"<metadata>.*?</metadata>", "", picture.getvalue().decode(), flags=re.DOTALL)
    high = float(re.search(r'height="([\d.]+)pt"', drawn)[1])
    data = base64.b64encode(drawn.encode()).decode()
    style = f"height:{high / size:.3f}em;vertical-align:{-depth / size:.3f}em"
    return (
        f'<img class="formula{" display" if display else ""}" alt="{html.escape(tex.strip())}" '
        f'style="{style}" src="data:image/svg+xml;base64,{data}">'
    )


@cache
def _markdown():
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable("table")


def rendered(text: str, formulas: bool = True) -> str:
    """Markdown as HTML; texts of questions pass `formulas=False`, their dollars are money."""
    kept: list[str] = []

    def keep(match: re.Match) -> str:
        kept.append(formula(match[1] or match[2], display=bool(match[1])))
        return f"FORMULA{len(kept) - 1}END"

    text = MATH.sub(keep, text) if formulas else text
    page = _markdown().render(text)
    return re.sub(r"FORMULA(\d+)END", lambda match: kept[int(match[1])], page)


@cache
def _highlighter():
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return PythonLexer(), HtmlFormatter(nowrap=True, style="default")


def code(source: str) -> str:
    """Python with its colours."""
    from pygments import highlight

    lexer, formatter = _highlighter()
    return f'<pre class="code">{highlight(source.strip(chr(10)), lexer, formatter)}</pre>'


def code_style() -> str:
    return _highlighter()[1].get_style_defs("pre.code")


def figure(data: dict) -> str:
    """A stored picture with its size, so that the page is laid out before it is decoded."""
    png = "".join(data["image/png"]).replace("\n", "")
    wide, high = struct.unpack(">II", base64.b64decode(png[:64])[16:24])
    # As large as the slide allows, for the last row; a picture bears no more than this.
    larger = min(1.5, 1120 / wide, 430 / high)
    alt = html.escape("".join(data["text/plain"]), quote=True)
    return (
        f'<img class="figure" alt="{alt}" width="{larger * wide:.0f}" '
        f'height="{larger * high:.0f}" '
        f'src="data:image/png;base64,{png}">'
    )


def _first_rows(table: str) -> str:
    """A table as it is stored, without pandas' style sheet; a long one is cut, and says so."""
    table = re.sub(r"<style.*?</style>", "", table, flags=re.DOTALL)
    head, body, rest = table.partition("<tbody>")
    rows = re.findall(r"<tr.*?</tr>", rest, flags=re.DOTALL)
    if len(rows) <= ROWS:
        return table
    left = len(rows) - ROWS
    return f"{head}{body}{''.join(rows[:ROWS])}</tbody></table><p>… and {left} more rows</p></div>"


def _first_lines(text: str) -> str:
    lines = text.rstrip("\n").split("\n")
    if len(lines) > ROWS:
        lines = [*lines[:ROWS], f"… and {len(lines) - ROWS} more lines"]
    # Columns of text keep their lines as long as these can be read.
    wide = " wide" if max(map(len, lines)) > LINE else ""
    return f'<pre class="out{wide}">{html.escape(chr(10).join(lines))}</pre>'


def outputs(cell: dict) -> list[str]:
    """What a cell prints and shows, pictures and replies of exercises aside."""
    found = []
    for output in cell["outputs"]:
        data = output.get("data", {})
        page = "".join(data.get("text/html", []))
        if output["output_type"] == "stream":
            found.append(_first_lines("".join(output["text"])))
        elif "<table" in page:
            found.append(_first_rows(page))
        elif "image/png" not in data and "mathjax_ignore" not in page:
            found.append(_first_lines("".join(data["text/plain"])))
    return found


def height(block: str) -> int:
    """Pixels that a piece of code or output takes on a slide, nearly."""
    if "<table" in block:
        return 39 * block.count("<tr") + 14
    return 30 * (block.count("\n") + 1) + 26
