"""How the site is built: `make site`, which is `sphinx-build --fail-on-warning docs build/site`.

The pages are Markdown, in the folders that the reader sees. What the code knows better is written from it before each
build (`reference_pages.py`), so that it cannot be out of date.
"""

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import reference_pages  # noqa: E402 - it lies beside this file, which Sphinx executes from elsewhere

project = "daecore"
author = "The daecore developers"
project_copyright = author
version = release = installed("daecore")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["**/README.md"]
suppress_warnings = ["config.cache"]  # a function among the settings; the pages do not depend on it

# Notebooks are shown as they are written; the tests execute them.
nb_execution_mode = "off"

# Markdown
myst_enable_extensions = ["deflist", "colon_fence"]
smartquotes_action = "D"  # dashes alone: quotes stay as they were typed
myst_heading_anchors = 3  # `page.md#a-heading` is a link, and a broken one stops the build

# API
default_role = "py:obj"  # `Name` in a docstring is a link where it is public, and code where it is not
autodoc_typehints_format = "short"
maximum_signature_line_length = 88  # a longer one has a line for each argument
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True  # as it stands in the code, not as it is on the machine that builds
autodoc_inherit_docstrings = False
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar = True  # fields are told in the class's own text, once
python_use_unqualified_type_names = True
add_module_names = False

# The look
html_theme = "pydata_sphinx_theme"
html_title = "daecore"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": [], "results/index": []}  # one has no neighbours, the other needs the width
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "github-light",
    "pygments_dark_style": "github-dark",
}


def setup(app: Any) -> None:
    """Write what the code knows before the pages are read."""
    app.connect("builder-inited", lambda app: reference_pages.write(Path(app.srcdir) / "reference" / "generated"))
