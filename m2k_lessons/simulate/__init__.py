"""A market with a known truth. Everything in here is simulated, and says so."""

from m2k_lessons.simulate.daily import daily
from m2k_lessons.simulate.market import LABEL, Market

__all__ = ["LABEL", "Market", "daily"]
