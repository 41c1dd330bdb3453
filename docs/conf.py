"""How the documentation is built: `make docs`. Theorem pages are made from the catalogue and a report (see theorem_pages.py)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from layerpeel.version import __version__

project = "layerpeel"
author = "The layerpeel authors"
project_copyright = "2026, the layerpeel authors"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "formulas",
    "theorem_pages",
    "reference_pages",
    "screenshots",
]
exclude_patterns = ["_build", "figures/*.py", "examples/*.ipynb", "examples/*.py", "examples/*.md5", "site"]
nitpicky = False
suppress_warnings = ["config.cache", "ref.python"]  # what no cache holds; a name that several packages give

html_theme = "pydata_sphinx_theme"
html_title = f"layerpeel {__version__}"
html_static_path = ["site"]
html_css_files = ["layerpeel.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "paths"  # formulas are SVG, drawn by layerpeel itself: nothing is loaded from elsewhere
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
}

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"  # a tutorial runs again when its cells change, or with `make docs-clean`
nb_execution_cache_path = str(Path(__file__).parent / "_build" / "tutorials")
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_typehints = "none"  # signatures have them
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_use_rtype = False

bibtex_bibfiles = ["../references.bib"]
bibtex_default_style = "plain"

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["examples"],
    "filename_pattern": r"/(?!__)\w+\.py$",
    "ignore_pattern": r"/(sweeps|outside)/",
    "only_warn_on_example_error": False,
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "write_computation_times": False,
    "backreferences_dir": None,
    "plot_gallery": True,
    "show_signature": False,
    "nested_sections": False,
}
