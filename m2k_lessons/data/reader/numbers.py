"""Numbers as people's files write them: decimal comma, grouped thousands, `$`, `1.2M`, 110-16."""

import re

import numpy as np
import pandas as pd

from m2k_lessons.data.reader.report import CellFault, Cells, shown

MISSING = re.compile(r"(null|none|nan|n/?a|#n/a|<na>|nil|-+|\.|—|–)?", re.IGNORECASE)
THOUSAND = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
CURRENCY = "[$€£¥]"
SPACES = r" '’\u00a0\u2009\u202f"  # group thousands whichever mark is the decimal one
POWER = r"([eE][+-]?\d+)?"
THIRTY_SECONDS = "32nds"
# 110-16 is 110 16/32, 110-16+ and 110-165 half a thirty-second more, 110-162 a quarter.
BOND = re.compile(r"(\d{2,3})[-'’]([0-2]\d|3[01])([0257]|\+|\.\d+)?", re.ASCII)
BOND_OR_THOUSANDS = re.compile(r"\d{2,3}['’]\d{3}", re.ASCII)
QUARTERS = {"": 0.0, "0": 0.0, "2": 0.25, "5": 0.5, "7": 0.75, "+": 0.5}
BILLIONTH_UNDEFINED = 2.0**63  # what Databento writes where there is no price


def _decimal_evidence(mark: str, other: str) -> re.Pattern:
    """Return a pattern of the numbers in which `mark` can only be the decimal one."""
    mark, other = re.escape(mark), re.escape(other)
    ways = (
        rf"^[^{mark}]*\d{mark}(\d{{0,2}}|\d{{4,}})",  # not followed by three digits
        rf"^\D*(0|\d{{4,}}){mark}\d{{3}}",  # preceded by what is no leading group
        rf"^[^\d{mark}]*{mark}\d+",
        rf"\d[{other}{SPACES}]\d{{3}}{mark}\d+",  # after a group
        rf"{other}\d{{3}}{other}\d{{3}}",  # the other mark groups
    )
    return re.compile(rf"({'|'.join(ways)}){POWER}[kKmMbBtT]?$", re.ASCII)


EVIDENCE = {".": _decimal_evidence(".", ","), ",": _decimal_evidence(",", ".")}
UNDECIDED = re.compile(r"\D*\d{1,3}[.,]\d{3}\D*", re.ASCII)  # 1,234: a thousand or little over one


def _number(decimal: str, group: str) -> re.Pattern:
    """Return the pattern of a whole number cell."""
    mark, group = re.escape(decimal), re.escape(group)
    whole = (
        rf"\d+|\d{{1,3}}({group}\d{{3}})+|\d{{1,3}}([{SPACES}]\d{{3}})+"
        rf"|\d{{1,2}}({group}\d{{2}})*{group}\d{{3}}"  # 12,34,567 as in India
    )
    return re.compile(
        rf"([+-]?{CURRENCY}?|{CURRENCY}[+-])\s?(({whole})({mark}\d*)?|{mark}\d+){POWER}", re.ASCII
    )


NUMBER = {".": _number(".", ","), ",": _number(",", ".")}


class Numbers:
    """Reads the number columns of one file; the decimal mark is decided once for all of it.

    `decimal` is the user's word, and then what was decided; `may_group` is True where points may
    well group thousands, `billionths` where whole prices count billionths. `three_decimals`: each
    number with a point has three digits behind it, and these were taken for decimals.
    """

    def __init__(
        self, prices: list, others: list, decimal: str | None, may_group: bool, billionths: bool
    ):
        self._prices, self._others, self._given = prices, others, decimal
        self._points_may_group = may_group
        self._undecided: tuple[str, str] | None = None
        self._bonds = False  # a price is unmistakably one in thirty-seconds
        self._unclear: tuple[str, str] | None = None  # a price that may be one, or a thousand
        self._numbers_only = False  # a price that can be none
        self.decimal, self.billionths, self.three_decimals = decimal, billionths, False
        self.grouped: set[str] = set()  # columns in which thousands separators were taken out

    def look(self, columns: Cells) -> bool:
        """Look for evidence of the decimal mark; return True when there is no need for more."""
        if self.decimal is not None:
            return True
        undecided = None
        for name in self._prices + self._others:
            if columns[name].dtype != object:
                continue
            cells = {cell.strip() for cell in columns[name]}
            if name in self._prices:
                self._look_for_bonds(name, cells)
            marks = [mark for mark in EVIDENCE if any(map(EVIDENCE[mark].search, cells))]
            if marks:
                self.decimal = self.decimal or marks[0]
                self.billionths &= name not in self._prices
            if self._bonds or (self.decimal is not None and not self._unclear):
                return True
            either = sorted(cell for cell in cells if UNDECIDED.fullmatch(cell))
            undecided = undecided or (name, either[0]) if either else undecided
        self._undecided = undecided or self._undecided
        return undecided is None and not self._unclear

    def _look_for_bonds(self, name: str, cells: set[str]) -> None:
        found = {cell for cell in cells if BOND.fullmatch(cell)}
        unclear = {cell for cell in found if BOND_OR_THOUSANDS.fullmatch(cell)}
        self._bonds |= found != unclear
        self._numbers_only |= any(not MISSING.fullmatch(cell) for cell in cells - found)
        if unclear and self._unclear is None:
            self._unclear = (name, min(unclear))

    def settle(self) -> None:
        """Fix the decimal mark after the last look."""
        if self._given is not None:
            return
        if self._bonds:
            self.decimal = THIRTY_SECONDS
        elif self._unclear and not self._numbers_only:
            name, text = self._unclear
            whole, part = re.split("['’]", text)
            problem = f"{shown(text)} can be {whole}{part} or {whole} and {part[:2]} thirty-seconds"
            remedy = "pass decimal='.' if the apostrophe separates thousands, else decimal='32nds'"
            raise CellFault(-1, name, problem, remedy)
        elif self.decimal is None and self._undecided is not None:
            name, text = self._undecided
            if "," in text or self._points_may_group:
                whole, point = (re.sub("[.,]", mark, text) for mark in ("", "."))
                mark, word, other = (",", "comma", ".") if "," in text else (".", "point", ",")
                remedy = f"pass decimal={other!r} if the {word} separates thousands, "
                remedy += f"decimal={mark!r} if it is the decimal mark"
                raise CellFault(-1, name, f"{shown(text)} can be {whole} or {point}", remedy)
            self.three_decimals = True
        self.decimal = self.decimal or "."

    def read(self, name: str, cells: np.ndarray, faults: list[CellFault]) -> np.ndarray:
        """Return a column as float64, NaN where it is empty; the first bad cell joins `faults`."""
        values = cells if cells.dtype != object else self._read_text(name, cells, faults)
        infinite = np.isinf(values)
        if infinite.any():
            faults.append(CellFault(int(infinite.argmax()), name, "the number is infinite"))
        if self.billionths and name in self._prices:
            values = np.where(values >= BILLIONTH_UNDEFINED, np.nan, values / 1e9)
        return values

    def _read_text(self, name: str, cells: np.ndarray, faults: list[CellFault]) -> np.ndarray:
        codes, found = pd.factorize(cells)
        read = [self._value(name, text.strip()) for text in found]
        bad = np.array([value is None for value, _ in read], dtype=bool)[codes]
        if any(grouped for _, grouped in read):
            self.grouped.add(name)
        if bad.any():
            record = int(bad.argmax())
            problem = f"{shown(cells[record].strip())} where a number is expected"
            faults.append(CellFault(record, name, problem))
        return np.array([value for value, _ in read], dtype=float)[codes]

    def _value(self, name: str, text: str) -> tuple[float | None, bool]:
        """Return the number in a cell (None if there is none), and whether it was grouped."""
        if MISSING.fullmatch(text):
            return np.nan, False
        if self.decimal == THIRTY_SECONDS and name in self._prices:
            if not (bond := BOND.fullmatch(text)):
                return None, False
            whole, part, rest = bond.groups(default="")
            rest = float(rest) if rest.startswith(".") else QUARTERS[rest]
            return int(whole) + (int(part) + rest) / 32, False
        scale = 1.0
        if name == "volume" and text[-1].lower() in THOUSAND:
            scale, text = THOUSAND[text[-1].lower()], text[:-1].rstrip()
        decimal = "," if self.decimal == "," else "."
        if not NUMBER[decimal].fullmatch(text):
            return None, False
        bare = text.replace("." if decimal == "," else ",", "")
        bare = re.sub(rf"(?<=\d)[{SPACES}](?=\d)", "", bare)
        grouped = bare != text
        bare = re.sub(rf"[{SPACES}\s]|{CURRENCY}", "", bare).replace(",", ".")
        return float(bare) * scale, grouped
