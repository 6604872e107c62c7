"""What every simulator returns: frames by name, and the truth they were drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

LABEL = "SIMULATED prices, not market data"


class Market(Mapping):
    """Simulated frames by name, with the parameters they were drawn from.

    Attributes
    ----------
    truth : frozen dataclass
        Every parameter of the draw, and what follows from them; cannot be changed.
    label : str
        Says that the numbers are simulated; also in each frame's ``attrs["label"]``.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.daily(years=1, seed=7)
    >>> sorted(market)[:2], market["M2K"].attrs["label"]
    (['ES', 'M2K'], 'SIMULATED prices, not market data')
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame], truth: Any) -> None:
        self._frames = dict(frames)
        self.truth = truth
        self.label = LABEL
        for frame in self._frames.values():
            frame.attrs["label"] = LABEL

    def __getitem__(self, name: str) -> pd.DataFrame:
        try:
            return self._frames[name]
        except KeyError:
            known = ", ".join(map(repr, self._frames))
            raise KeyError(f"name must be one of {known}, got {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __repr__(self) -> str:
        lines = [f"{LABEL}"]
        for name, frame in self._frames.items():
            line = f"  {name:<16} {len(frame):>7,} rows"
            if len(frame):  # a history too short for a roll has no rows under "rolls"
                line += f"  {frame.index[0]:%Y-%m-%d} to {frame.index[-1]:%Y-%m-%d}"
            lines.append(line)
        return "\n".join(lines)
