"""The course's data files: written from a simulated market, read back as the same market.

One folder per data set: a CSV per frame, and `truth.json` with the parameters and the column
types. `checksums.txt` beside the folders covers every file. Everything in them is simulated but
the records in `real/` (see `real`).

Frames of minutes are compressed with bzip2, not gzip: of bzip2 there is one implementation, while
gzip's bytes differ between the zlib of one system and another.
"""

import bz2
import dataclasses
import datetime as dt
import functools
import hashlib
import importlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.data import real
from m2k_lessons.simulate.market import LABEL, Market

FOLDER_VARIABLE = "M2K_DATA"
_TRUTH_FILE = "truth.json"
_CHECKSUM_FILE = "checksums.txt"
_SIMULATORS = "m2k_lessons.simulate."
_LARGE_ROWS = 20_000  # a frame with more is compressed


def _simulated(module: str, function: str, *arguments, **settings) -> Callable[[], Market]:
    """A market to be drawn when it is called for: only then is its simulator imported."""

    def draw() -> Market:
        simulator = getattr(importlib.import_module(_SIMULATORS + module), function)
        return simulator(*arguments, **settings)

    return draw


# What each data set is drawn from: the name of its folder, and the call that makes it.
RECIPES: dict[str, Callable[[], Market]] = {
    "daily": _simulated("daily", "daily", years=10, seed=2030),
    "intraday": _simulated("intraday", "intraday", days=60, seed=2043, start="2030-02-11"),
    "releases": _simulated("intraday", "release_windows", years=10, seed=2030),
    "macro": _simulated("macro", "macro", months=120, seed=2030),
    "regimes": _simulated("regime", "regimes", years=10, seed=2090),
    "pairs": _simulated("pair", "pairs", days=2520, seed=2030),
    "chain": _simulated("option_chain", "option_chain", "2030-01-15", seed=2030),
}


def load(name: str) -> Any:
    """Load one of the course's simulated markets, or a record of real ones.

    Parameters
    ----------
    name : str
        Such as ``"daily"``. Any other name is answered with the list of those that exist. Real
        are ``"real_years"`` and ``"real_months"`` (small and large US companies since 1987),
        ``"rate_days"`` (5-minute moves around rate statements), ``"us_macro"`` and
        ``"us_macro_quarters"``, ``"futures_carry"``, ``"small_cap_premium"``, and the daily bars
        of the indices ``"sp500"`` and ``"nasdaq"``, 1999 to 2018.

    Returns
    -------
    Market
        For a simulated one: equal, frame by frame and in its truth, to what the simulator drew.
    pandas.DataFrame
        For a record of real markets, missing figures as NaN. ``attrs`` has the `source`, the
        `units` of the columns, the `gaps` inside them and, where there is something to know, a
        `note`; for an index the `opens` (see `measure_opens`: nobody can trade at them).

    Raises
    ------
    ValueError
        Unknown name.
    FileNotFoundError
        The course's data are not beside the package; says what to do.

    Examples
    --------
    >>> market = load("daily")
    >>> market.truth.years, market["M2K"].attrs["label"]
    (10, 'SIMULATED prices, not market data')
    >>> load("real_years").loc[2008, ["small_return_pct", "fund_worst_gap_pct"]].tolist()
    [-34.8, -8.247]
    """
    root = folder()
    if name in real.NAMES:
        return real.load(name, root)
    known = names(root)
    if not known:
        raise FileNotFoundError(
            f"{root} holds no data set; `python course.py data` generates them, or set the "
            f"environment variable {FOLDER_VARIABLE} to a clone's data folder"
        )
    name = checks.choice("name", name, [*known, *real.NAMES])
    files = sorted((root / name).iterdir())
    seen = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
    market = _parsed(root / name, seen)
    # A lesson and its explorer load the same data: what one of them changes is not the other's.
    return Market({frame: market[frame].copy() for frame in market}, market.truth)


@functools.lru_cache(maxsize=4)
def _parsed(source: Path, seen: tuple) -> Market:
    """Read a data set; `seen` tells files that have changed since from those that have not."""
    described = json.loads((source / _TRUTH_FILE).read_text(encoding="utf-8"))
    frames = {
        frame: _read(_frame_path(source, frame, schema), schema)
        for frame, schema in described["frames"].items()
    }
    return Market(frames, _decode(described["truth"]))


def folder() -> Path:
    """Folder of the course data: `M2K_DATA` where it is set, else `data/` beside the package.

    In the wheel of the browser edition the data lie inside the package.

    Raises FileNotFoundError, saying what to do, when there is none.
    """
    chosen = os.environ.get(FOLDER_VARIABLE)
    package = Path(__file__).resolve().parents[1]
    inside = package / "course_data"
    root = Path(chosen or (inside if inside.is_dir() else package.parent / "data"))
    if not root.is_dir():
        raise FileNotFoundError(
            f"the course data are not in {root}; work in a clone of the course, or set the "
            f"environment variable {FOLDER_VARIABLE} to the clone's data folder"
        )
    return root


def names(root: Path | None = None) -> list[str]:
    """Data sets in the folder, in alphabetical order."""
    return sorted(path.parent.name for path in (root or folder()).glob(f"*/{_TRUTH_FILE}"))


def write(name: str, market: Market, root: Path) -> list[Path]:
    """Write a market into `root / name`, the same bytes on every system.

    The index must be tz-aware and called "time". Days (every time at midnight) are written as
    dates, anything else as ISO times with their offset. Floats are written in the shortest
    form that reads back as the same float, so a simulator must round what it returns.

    Returns
    -------
    list of Path
        The files written; older files of the data set are removed.
    """
    target = root / name
    target.mkdir(parents=True, exist_ok=True)
    for old in [*target.glob("*.csv*"), *target.glob("*.json")]:
        old.unlink()
    files = [_write_frame(frame, key, target) for key, frame in market.items()]
    described = {
        "label": LABEL,
        "truth": _encode(market.truth),
        "derived": market.truth.derived() if hasattr(market.truth, "derived") else {},
        "frames": {key: _schema(frame) for key, frame in market.items()},
    }
    text = json.dumps(described, indent=1, ensure_ascii=False) + "\n"
    (target / _TRUTH_FILE).write_bytes(text.encode())
    return [*files, target / _TRUTH_FILE]


def checksums(root: Path) -> str:
    """SHA-256 of each file of data and records, one per line, as `sha256sum --check` reads them.

    Examples
    --------
    >>> checksums(folder()).splitlines()[0].endswith("  chain/chain.csv")
    True
    """
    folders = [root / name for name in sorted([*names(root), real.FOLDER])]
    files = [path for each in folders if each.is_dir() for path in sorted(each.iterdir())]
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in files
    )


def write_checksums(root: Path) -> Path:
    """Write `checksums.txt` for the data sets in `root`."""
    path = root / _CHECKSUM_FILE
    path.write_bytes(checksums(root).encode())
    return path


def changed_files(root: Path | None = None) -> list[str]:
    """Files that are missing, new, or other than `checksums.txt` says; none when all is well."""
    root = root or folder()
    recorded = set((root / _CHECKSUM_FILE).read_text(encoding="utf-8").splitlines())
    now = set(checksums(root).splitlines())
    return sorted({line.split("  ", 1)[1] for line in recorded ^ now})


def _schema(frame: pd.DataFrame) -> dict[str, Any]:
    return {
        "time_zone": str(frame.index.tz),
        "days": bool((frame.index == frame.index.normalize()).all()),
        "compressed": len(frame) > _LARGE_ROWS,
        "columns": {column: str(kind) for column, kind in frame.dtypes.items()},
    }


def _frame_path(folder: Path, name: str, schema: Mapping[str, Any]) -> Path:
    return folder / (f"{name}.csv.bz2" if schema["compressed"] else f"{name}.csv")


def _write_frame(frame: pd.DataFrame, name: str, folder: Path) -> Path:
    if frame.index.name != "time" or getattr(frame.index, "tz", None) is None:
        raise ValueError(f"index of {name} must be tz-aware and called 'time'")
    schema = _schema(frame)
    known = {"float64", "int64", "bool", "str"}
    if unknown := set(schema["columns"].values()) - known:
        raise ValueError(f"columns of {name} must be {known}, got {unknown}")
    if frame.isna().any(axis=None):
        raise ValueError(f"{name} must have no missing values")
    times = frame.index
    # Text by hand: strftime differs between systems, isoformat does not.
    text = (
        times.tz_localize(None).values.astype("datetime64[D]").astype(str)
        if schema["days"]
        else [time.isoformat() for time in times]
    )
    table = frame.set_axis(pd.Index(text, name="time"), axis=0)
    content = table.to_csv(lineterminator="\n").encode()
    path = _frame_path(folder, name, schema)
    path.write_bytes(bz2.compress(content) if schema["compressed"] else content)
    return path


def _read(path: Path, schema: Mapping[str, Any]) -> pd.DataFrame:
    frame = pd.read_csv(
        path,
        dtype={"time": "str", **schema["columns"]},
        keep_default_na=False,
        encoding="utf-8",
    )
    times = frame.pop("time")
    zone = schema["time_zone"]
    if schema["days"]:
        index = pd.DatetimeIndex(times.to_numpy(dtype="datetime64[us]"), name="time")
        frame.index = index.tz_localize(zone)
    else:
        index = pd.DatetimeIndex(pd.to_datetime(times, utc=True, format="ISO8601"), name="time")
        frame.index = index.as_unit("us").tz_convert(zone)
    return frame


def _encode(value: Any) -> Any:
    """Plain JSON for a truth: frozen dataclasses, dates and tuples keep what they are."""
    if dataclasses.is_dataclass(value):
        kind = type(value)
        if not kind.__module__.startswith(_SIMULATORS):
            raise TypeError(f"truth must be a dataclass of {_SIMULATORS[:-1]}, got {kind!r}")
        names = [field.name for field in dataclasses.fields(value)]
        fields = {name: _encode(getattr(value, name)) for name in names}
        return {"class": f"{kind.__module__.removeprefix(_SIMULATORS)}.{kind.__name__}", **fields}
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return {"class": "date", "value": value.isoformat()}
    if isinstance(value, (tuple, list)):
        return [_encode(part) for part in value]
    if isinstance(value, Mapping):
        return {key: _encode(part) for key, part in value.items()}
    if value is None or type(value) in (str, int, float, bool):
        return value
    raise TypeError(f"truth must hold plain numbers, text, dates and tuples, got {value!r}")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_decode(part) for part in value)
    if not isinstance(value, Mapping):
        return value
    fields = {key: _decode(part) for key, part in value.items() if key != "class"}
    if "class" not in value:
        return fields
    if value["class"] == "date":
        return dt.date.fromisoformat(value["value"])
    module, _, name = value["class"].rpartition(".")
    return getattr(importlib.import_module(_SIMULATORS + module), name)(**fields)
