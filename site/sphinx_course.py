"""What the site adds to Sphinx: formulas without a script, and anchors as JupyterLab makes them."""

import re

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

LOG = logging.getLogger(__name__)
# Sizes of brackets: docutils knows none of them, and a browser sizes brackets itself.
SIZES = re.compile(r"\\[Bb]igg?[lr]?(?=[()\[\]|{}\\])")


def place(title: str) -> str:
    """The anchor of a heading: JupyterLab's own, in the lower case that docutils asks for.

    >>> place("Map of the course")
    'map-of-the-course'
    """
    return title.strip().replace(" ", "-").lower()


def formula(self, node, as_block):
    """Write a formula as MathML, which browsers draw and read out by themselves."""
    text = SIZES.sub("", node.astext().strip())
    try:
        markup = tex2mathml(text, as_block=as_block)
    except MathError as error:
        LOG.warning("a formula that MathML can't write: %s (%s)", text, error, location=node)
        raise nodes.SkipNode from error
    self.body.append(f'<div class="m2k-formula">{markup}</div>' if as_block else markup)
    raise nodes.SkipNode


def name_folds(app, page, template, context, doctree):
    """Let a screen reader hear what a folded cell says: "Show the code"."""
    if "body" in context:
        context["body"] = context["body"].replace(' aria-label="Toggle hidden content"', "")


def setup(app):
    app.connect("html-page-context", name_folds)
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(lambda self, node: formula(self, node, False), None),
        block_renderers=(lambda self, node: formula(self, node, True), None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
