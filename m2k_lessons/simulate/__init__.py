"""A market with a known truth. Everything in here is simulated, and says so."""

from m2k_lessons.simulate.assets import assets
from m2k_lessons.simulate.daily import daily
from m2k_lessons.simulate.intraday import intraday, release_windows
from m2k_lessons.simulate.macro import macro
from m2k_lessons.simulate.market import LABEL, Market
from m2k_lessons.simulate.news import news_day, pre_decision_drift
from m2k_lessons.simulate.option_chain import option_chain
from m2k_lessons.simulate.pair import pair
from m2k_lessons.simulate.regime import regime

__all__ = [
    "LABEL",
    "Market",
    "assets",
    "daily",
    "intraday",
    "macro",
    "news_day",
    "option_chain",
    "pair",
    "pre_decision_drift",
    "regime",
    "release_windows",
]
