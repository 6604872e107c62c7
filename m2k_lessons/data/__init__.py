"""Prices to work on: the course's simulated markets, the learner's own file, and real prices.

`load` brings one of the course's markets, with the truth it was drawn from.

`read_prices` takes a file as a data vendor, a broker or Yahoo left it and returns one tidy frame,
with a report of what it had to repair. What it cannot repair is an error that names the file,
the line and the column.

`download` fetches real daily prices where there is a network, and keeps them.
"""

from m2k_lessons.data.cache import DownloadError
from m2k_lessons.data.course import load
from m2k_lessons.data.opens import Opens, measure_opens
from m2k_lessons.data.reader.prices import read_prices
from m2k_lessons.data.reader.report import PriceFileError, ReadReport
from m2k_lessons.data.yahoo import download
