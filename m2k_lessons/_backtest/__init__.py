"""The pieces behind `m2k_lessons.backtest`."""
