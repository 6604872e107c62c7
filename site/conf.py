"""Settings of Sphinx for the web site; `course.py site` prepares the pages that it reads."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

project = "Trading M2K"
author = "the authors of the course"
copyright = "the authors of the course. Text and pictures: CC BY 4.0; code: MIT"
language = "en"
extensions = ["myst_nb", "sphinx_course"]
root_doc = "index"

# The notebooks come with their outputs; nothing runs here, and nothing is fetched.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
myst_heading_slug_func = "sphinx_course.place"

html_theme = "furo"
html_title = "Trading M2K"
html_static_path = [str(HERE / "static")]
html_css_files = ["course.css"]
html_js_files = [("course.js", {"defer": "defer"})]
html_favicon = str(HERE / "static" / "icon.svg")
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = True
html_use_index = False
html_math_renderer = "mathml"
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
