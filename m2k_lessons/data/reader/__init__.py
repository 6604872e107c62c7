"""The reader behind `m2k_lessons.data.read_prices`, one module for each question it answers.

files
    Which bytes are the text? (compression, encoding)
layout
    Which delimiter, which line names the columns, and which column is which?
tables
    The file as batches of columns, a CSV and a Parquet file alike; a record's line number.
numbers, times, zones, bars
    What does a cell say, which instant is a wall-clock time, and where in its bar does it lie?
assemble
    Are these prices? Then one sorted frame and the report of what was repaired.
"""
