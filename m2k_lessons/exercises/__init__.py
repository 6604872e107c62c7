"""Exercises that answer back.

One module for each chapter holds its questions; `base` is what those modules import. The kinds of
question are in `compute` (a number), `choose` (an option, free text), `code` (a function) and
`guess` (a range). `reading` understands what people type, `reply` is what is said; `carry`,
`worker`, `child` and `outcomes` run a learner's function apart and compare what it gives; `store`
keeps the answers in one local file, and `progress` and `calibration` show them.
"""
