"""Configuration of the documentation."""

import os
import sys
from pathlib import Path

import neurodyn

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "tests")]
# The kernels that run the pages bring their own backend, which puts figures into the page.
os.environ.pop("MPLBACKEND", None)

project = "neurodyn"
author = "The neurodyn developers"
copyright = "The neurodyn developers, Apache-2.0"
version = release = neurodyn.__version__

extensions = [
    "mathml",
    "myst_nb",
    "numpydoc",
    "reference_pages",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_ext", "_templates", "jupyter_execute", "**.ipynb_checkpoints"]
templates_path = ["_templates"]
root_doc = "index"
nitpicky = False
suppress_warnings = ["config.cache"]  # numpydoc keeps functions in its configuration

# Pages
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed")
nb_execution_in_temp = True  # pages write files
nb_execution_timeout = 600
nb_execution_show_tb = True
nb_merge_streams = True
copybutton_exclude = ".linenos, .gp, .go"

# Reference: one page for every name in the `__all__` of a public module
autosummary_generate = False
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

# Looks
html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "neurodyn"
html_static_path = ["_static"]
html_css_files = ["neurodyn.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "neurodyn",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "install": [], "changelog": []}
