"""Journals of demo accounts, read back."""

from __future__ import annotations

import os

import pandas as pd

from m2k_lessons import sessions
from m2k_lessons.paper import storage


def read_journal(path: str | os.PathLike, *, tz: str = sessions.NEW_YORK) -> pd.DataFrame:
    """Read a journal that `PaperAccount.save_journal` has written.

    Parameters
    ----------
    path : path
    tz : str
        Time zone of the result; the account's journal has that of its bars.

    Returns
    -------
    DataFrame
        Equal to the journal that was saved.

    Raises
    ------
    ValueError
        Other columns, or a text where a number should be.

    Examples
    --------
    >>> read_journal("nowhere.csv")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv'
    """
    return storage.read_journal(path, tz)
