"""Right and wrong solutions of the code exercises, one module for each chapter.

`SOLUTIONS` holds for each question the right ones, and the wrong ones with a part of what they
must be told.
"""
