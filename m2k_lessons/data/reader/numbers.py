"""Numbers as people's files write them: decimal comma, thousands separators, `$`, `1.2M`."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from m2k_lessons.data.reader.report import CellFault, shown

MISSING = r"(?i)^(null|none|nan|n/?a|#n/a|<na>|nil|-+|\.|—|–)?$"
THOUSAND = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
CURRENCY = "[$€£¥]"
SPACES = r" '’\x{00a0}\x{2009}\x{202f}"  # group thousands whichever mark is the decimal one
POWER = r"([eE][+-]?\d+)?"


def _decimal_evidence(mark: str, other: str) -> str:
    """Return a pattern of the numbers in which `mark` can only be the decimal one."""
    mark, other = rf"\x{{{ord(mark):02x}}}", rf"\x{{{ord(other):02x}}}"
    ways = (
        rf"^[^{mark}]*\d{mark}(\d{{0,2}}|\d{{4,}})",  # not followed by three digits
        rf"^\D*(0|\d{{4,}}){mark}\d{{3}}",  # preceded by what is no leading group
        rf"^[^\d{mark}]*{mark}\d+",
        rf"\d[{other}{SPACES}]\d{{3}}{mark}\d+",  # after a group
        rf"{other}\d{{3}}{other}\d{{3}}",  # the other mark groups
    )
    return f"({'|'.join(ways)}){POWER}[kKmMbBtT]?$"


EVIDENCE = {".": _decimal_evidence(".", ","), ",": _decimal_evidence(",", ".")}
UNDECIDED = r"^\D*\d{1,3},\d{3}\D*$"  # 1,234: a thousand or a little more than one


def _number(decimal: str, group: str) -> str:
    """Return the pattern of a whole number cell."""
    mark, group = rf"\x{{{ord(decimal):02x}}}", rf"\x{{{ord(group):02x}}}"
    whole = (
        rf"\d+|\d{{1,3}}({group}\d{{3}})+|\d{{1,3}}([{SPACES}]\d{{3}})+"
        rf"|\d{{1,2}}({group}\d{{2}})*{group}\d{{3}}"  # 12,34,567 as in India
    )
    return rf"^([+-]?{CURRENCY}?|{CURRENCY}[+-])\s?(({whole})({mark}\d*)?|{mark}\d+){POWER}$"


class Numbers:
    """Reads the number columns of one file; the decimal mark is decided once for all of it.

    Parameters
    ----------
    prices, others : list of str
        Names of the price columns and of the others (volume, adjusted close).
    decimal : {".", ","} or None
        The user's word; None to decide by the evidence.
    comma_likely : bool
        True where the delimiter is a semicolon, which is there because commas are decimal.
    """

    def __init__(
        self, prices: list[str], others: list[str], decimal: str | None, comma_likely: bool
    ):
        self._prices = prices
        self._others = others
        self._comma_likely = comma_likely
        self._undecided: tuple[str, str] | None = None
        self.decimal = decimal
        self.grouped: set[str] = set()  # columns in which thousands separators were taken out

    def look(self, columns: dict[str, pa.Array]) -> bool:
        """Look for evidence of the decimal mark; return True when there is no need for more."""
        if self.decimal is not None:
            return True
        undecided = None
        for names in (self._prices, self._others):
            for name in names:
                text = columns[name]
                if not pa.types.is_string(text.type):
                    continue
                text = pc.utf8_trim_whitespace(text)
                for mark, pattern in EVIDENCE.items():
                    if pc.any(pc.match_substring_regex(text, pattern)).as_py():
                        self.decimal = mark
                        return True
                either = pc.index(pc.match_substring_regex(text, UNDECIDED), True).as_py()
                if either >= 0 and undecided is None:
                    undecided = (name, text[either].as_py())
        self._undecided = undecided or self._undecided
        return undecided is None

    def settle(self) -> None:
        """Fix the decimal mark after the last look."""
        if self.decimal is None and self._undecided is not None:
            name, text = self._undecided
            if not (self._comma_likely and name in self._prices):
                raise CellFault(
                    -1,
                    name,
                    f"{shown(text)} can be {text.replace(',', '')} or {text.replace(',', '.')}: "
                    "pass decimal='.' if the comma separates thousands, decimal=',' if it is the "
                    "decimal mark",
                )
            self.decimal = ","
        self.decimal = self.decimal or "."

    def read(self, name: str, cells: pa.Array, faults: list[CellFault]) -> np.ndarray:
        """Return a column as float64, NaN where it is empty; the first bad cell joins `faults`."""
        if not pa.types.is_string(cells.type):
            values = _as_float(pc.cast(cells, pa.float64(), safe=False))
        elif (values := self._read_plain(cells)) is None:
            values = self._read_dressed(name, pc.utf8_trim_whitespace(cells), faults)
        infinite = np.isinf(values)
        if infinite.any():
            faults.append(CellFault(int(infinite.argmax()), name, "the number is infinite"))
        return values

    def _read_plain(self, cells: pa.Array) -> np.ndarray | None:
        """Return numbers that need nothing but another decimal mark, None if one needs more."""
        if self.decimal == ",":
            if pc.any(pc.match_substring(cells, ".")).as_py():
                return None
            cells = pc.replace_substring(cells, ",", ".")
        values = _try_cast(cells)
        return _try_cast(pc.ascii_trim_whitespace(cells)) if values is None else values

    def _read_dressed(self, name: str, text: pa.Array, faults: list[CellFault]) -> np.ndarray:
        """Return numbers that may be empty, grouped, priced in `$` or counted in `M`."""
        scale = 1.0
        if name == "volume":
            letter = pc.utf8_lower(pc.utf8_slice_codeunits(text, -1))
            scale = np.ones(len(text))
            for each, factor in THOUSAND.items():
                scale[pc.equal(letter, each).to_numpy(zero_copy_only=False)] = factor
            text = pc.replace_substring_regex(text, r"([\d.,])\s?[kKmMbBtT]$", r"\1")
        group = "." if self.decimal == "," else ","
        number = pc.match_substring_regex(text, _number(self.decimal, group))
        if not pc.all(number).as_py():
            known = pc.or_(number, pc.match_substring_regex(text, MISSING))
            if (bad := pc.index(known, False).as_py()) >= 0:
                problem = f"{shown(text[bad].as_py())} where a number is expected"
                faults.append(CellFault(bad, name, problem))
            text = pc.if_else(number, text, pa.scalar(None, pa.string()))
        bare = pc.replace_substring(text, group, "")
        if not bare.equals(text):
            self.grouped.add(name)
        if self.decimal == ",":
            bare = pc.replace_substring(bare, ",", ".")
        if (values := _try_cast(bare)) is None:
            if pc.any(pc.match_substring_regex(bare, rf"\d[{SPACES}]\d")).as_py():
                self.grouped.add(name)
            bare = pc.replace_substring_regex(bare, rf"[{SPACES}\s]|{CURRENCY}", "")
            values = _as_float(pc.cast(bare, pa.float64()))
        return values * scale


def _try_cast(text: pa.Array) -> np.ndarray | None:
    """Return plain numbers as float64, None if there are others among them."""
    try:
        # A cast that fails in every cell takes ten times as long as one that succeeds.
        pc.cast(text[:2], pa.float64())
        return _as_float(pc.cast(text, pa.float64()))
    except pa.ArrowInvalid:
        return None


def _as_float(array: pa.Array) -> np.ndarray:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def look_through(batches: Iterable[dict[str, pa.Array]], *readers) -> None:
    """Show the readers batch after batch until each has decided what it has to."""
    for columns in batches:
        if all([reader.look(columns) for reader in readers]):
            break
    for reader in readers:
        reader.settle()
