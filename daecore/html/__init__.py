"""HTML: self-contained pages."""

from daecore.html.comparison import comparison_page
from daecore.html.gallery import gallery
from daecore.html.headline import headline, pretraining
from daecore.html.licence import licence_lines, licence_rows, licence_section
from daecore.html.report import page

__all__ = [
    "comparison_page",
    "gallery",
    "headline",
    "licence_lines",
    "licence_rows",
    "licence_section",
    "page",
    "pretraining",
]
