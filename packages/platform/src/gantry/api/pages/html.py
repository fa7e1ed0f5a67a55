"""The shape of the plain pages: one style, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dde4, #343b46);
  --soft: light-dark(#5b6675, #9aa6b5); --card: light-dark(#ffffff, #1b2028);
  --page: light-dark(#f5f7f9, #12161c); --ink: light-dark(#17202b, #e6ebf1);
  --link: light-dark(#0b5fb0, #78b7ff); --warn: light-dark(#9a4a00, #ffb36b); }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif;
  background: var(--page); color: var(--ink); }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
header { display: flex; gap: .75rem; align-items: baseline; flex-wrap: wrap;
  margin-bottom: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.soft { color: var(--soft); } .warn { color: var(--warn); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.25rem; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .45rem .75rem .45rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
th { font-weight: 600; color: var(--soft); font-size: .875rem; }
a { color: var(--link); } a:focus-visible, button:focus-visible, input:focus-visible
  { outline: 2px solid var(--link); outline-offset: 2px; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
form { display: grid; gap: .75rem; max-width: 22rem; margin-top: 1rem; }
label { display: grid; gap: .25rem; }
input { font: inherit; padding: .5rem .6rem; border: 1px solid var(--line); border-radius: .375rem;
  background: var(--page); color: var(--ink); }
button { font: inherit; padding: .55rem 1rem; border: 0; border-radius: .375rem; cursor: pointer;
  background: var(--link); color: light-dark(#fff, #10151b); justify-self: start; }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    # No script at all; the one style is named by its digest.
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


def page(title: str, body: str, *, aside: str = "", status: int = 200) -> HTMLResponse:
    """A whole page. `title` and `aside` are text; `body` is markup whose parts are escaped."""
    return HTMLResponse(
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<title>{escape(title if title == 'Gantry' else f'{title} · Gantry')}</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"<style>{_STYLE}</style></head><body><main><header><h1>{escape(title)}</h1>"
        f"<span class='soft'>{escape(aside)}</span></header>{body}</main></body></html>",
        status_code=status,
        headers=HEADERS,
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of markup cells under text headings."""
    headings = "".join(f"<th scope='col'>{escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<div class='card scroll'><table><thead><tr>{headings}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
