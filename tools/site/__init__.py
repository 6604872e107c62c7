"""Builds the web site out of the committed notebooks; `python course.py site` runs it.

`pages` turns a notebook into a page, `answers` a question into a form that the page checks by
itself, `states` an explorer into pictures that a slider leafs through. The look, the script of
the page and Sphinx's settings lie in the folder `site/`.
"""
