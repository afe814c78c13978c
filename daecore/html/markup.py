"""Markup: the parts every HTML page is made of, in one look: light and dark, offline, readable on a phone.

Knows text, numbers and PNG bytes. Does not know what a page is about.
"""

import base64
import html
from collections.abc import Iterable, Sequence

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fbfaf7;--line:#d9d5cb;--soft:#6b7280;--mark:#0b6e69;--warn:#a8430f}
@media(prefers-color-scheme:dark){:root{--ink:#e6e3dc;--paper:#15181d;--line:#333a44;--soft:#9aa3b0;--mark:#5cc4bd;--warn:#f0a26b}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;
  margin:0 auto;padding:2rem 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2.4rem}
.headline{font-size:1.25rem}.above{color:var(--mark)}.below{color:var(--warn)}.soft{color:var(--soft);font-size:.9rem}
.scroll{overflow-x:auto}.fitted table{table-layout:fixed;width:100%}.fitted :is(th,td){overflow-wrap:anywhere}
.fitted th:first-child{width:28%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem 1.2rem .3rem 0;border-bottom:1px solid var(--line)}
img{max-width:100%;height:auto;background:#fff;border-radius:6px}
pre{overflow-x:auto;border-left:3px solid var(--line);padding-left:1rem}
a{color:var(--mark)}h3{font-size:1rem;margin-top:1.6rem}section{border-top:1px solid var(--line);margin-top:3rem}
figure{margin:1.2rem 0}figcaption{color:var(--soft);font-size:.9rem;margin-top:.3rem}
details{margin:.8rem 0}summary{cursor:pointer;color:var(--soft)}nav li{margin:.15rem 0}.wrong{color:#b3452c}
"""
TEMPLATE = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width,initial-scale=1'><title>{title}</title>"
    "<style>{style}</style></head><body><h1>{title}</h1>{body}</body></html>"
)
Row = Sequence[object]


def document(title: str, sections: Iterable[str]) -> str:
    """A whole page from its title and the HTML of its sections."""
    return TEMPLATE.format(title=escape(title), style=STYLE, body="".join(sections))


def table(head: Row, rows: Iterable[Row]) -> str:
    """A table; its cells are escaped."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def note(text: str) -> str:
    """A remark in small letters."""
    return f"<p class='soft'>{escape(text)}</p>"


def picture(png: bytes, name: str) -> str:
    """A PNG file, embedded."""
    return f"<img alt='{escape(name)}' src='data:image/png;base64,{base64.b64encode(png).decode()}'>"


def figure(png: bytes, caption: str) -> str:
    """A PNG file, embedded, with what one sees on it."""
    return f"<figure>{picture(png, caption)}<figcaption>{escape(caption)}</figcaption></figure>"


def escape(value: object) -> str:
    """A value as text that HTML takes for text."""
    return html.escape(str(value))
