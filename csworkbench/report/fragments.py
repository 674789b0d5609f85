"""Pieces of a notebook made safe: markdown as HTML, outputs through an allow-list, pictures as data."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from csworkbench.formats import printable

LONGEST_TEXT = 20_000
LARGEST_PICTURE = 2_000_000
_TAGS = {
    *("a", "b", "blockquote", "br", "caption", "code", "dd", "del", "details", "div", "dl", "dt", "em", "figcaption"),
    *("figure", "h3", "hr", "i", "img", "li", "ol", "p", "pre", "small", "span", "strong", "sub", "summary", "sup"),
    *("table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {
    "a": {"href"},
    **{tag: {"lang"} for tag in ("em", "figcaption", "li")},
    "img": {"src", "alt", "width", "height"},
    "div": {"class", "role", "tabindex", "aria-label", "lang"},
    "th": {"class", "scope", "colspan", "rowspan"},
    "td": {"class", "colspan", "rowspan"},
    **{tag: {"class"} for tag in ("dd", "dl", "dt", "figure", "ol", "table", "ul")},
    **{tag: {"class", "lang"} for tag in ("caption", "p", "span")},
}
_FIXED = {"role": "region", "tabindex": "0", "lang": "en"}
_PICTURE = re.compile(r"data:image/(svg\+xml|png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")
_LINK = re.compile(r"(https?://|mailto:|#)\S*|[\w%.-][\w%./#-]*")
_BITMAPS = ("image/png", "image/jpeg")


def clean(html: str, *, has_headings: bool = False) -> Markup:
    """Return markup reduced to what an allow-list knows: no script, style, frame, form, id or foreign address.

    Args:
        html: Any markup.
        has_headings: Keep third-level headings; outputs have none, so that the page's own stay in order.
    """
    import nh3

    return Markup(  # noqa: S704 - this is the one place where cleaned markup becomes trusted
        nh3.clean(
            html,
            tags=_TAGS if has_headings else _TAGS - {"h3"},
            attributes=_ATTRIBUTES,
            attribute_filter=_allowed,
            url_schemes={"http", "https", "mailto", "data"},
        )
    )


def from_markdown(source: str) -> Markup:
    """Return markdown as safe HTML; raw HTML in it is shown as text, every heading is of the third level."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(source)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h3"
    return clean(reader.renderer.render(tokens, reader.options, {}), has_headings=True)


def from_output(output: Mapping[str, Any]) -> Markup:
    """Return one output of a code cell as safe HTML; empty for warnings, errors and live widgets.

    Args:
        output: An output as nbformat 4 stores it.
    """
    if output.get("output_type") == "stream":
        return _as_text(joined(output.get("text", ""))) if output.get("name") == "stdout" else Markup("")
    data = {
        kind: joined(value) for kind, value in output.get("data", {}).items() if kind.startswith(("text/", "image/"))
    }
    if "text/html" in data:
        return clean(data["text/html"])
    if "image/svg+xml" in data:
        return _as_picture("image/svg+xml", b64encode(data["image/svg+xml"].encode()).decode("ascii"))
    for kind in _BITMAPS:
        if kind in data:
            return _as_picture(kind, "".join(data[kind].split()))
    if "text/markdown" in data:
        return clean(from_markdown(data["text/markdown"]))
    return _as_text(data.get("text/plain", ""))


def joined(text: Any) -> str:
    """Return text of a notebook, which may be stored as a list of lines."""
    return "".join(text) if isinstance(text, list) else str(text)


def _allowed(_: str, attribute: str, value: str) -> str | None:
    if attribute == "class":
        return " ".join(name for name in value.split() if name.startswith("csw-")) or None
    if attribute in _FIXED:
        return value if value == _FIXED[attribute] else None
    if attribute == "src":
        return value if _PICTURE.fullmatch(value) else None
    if attribute == "href":
        return value if _LINK.fullmatch(value) else None
    return value


def _as_picture(kind: str, payload: str) -> Markup:
    if len(payload) > LARGEST_PICTURE:
        return Markup("")
    picture = Markup('<figure class="csw-chart"><img src="data:{};base64,{}" alt=""></figure>').format(kind, payload)
    return clean(str(picture))


def _as_text(text: str) -> Markup:
    lines = printable(text[:LONGEST_TEXT].strip("\n"), has_lines=True)
    return Markup("<pre>{}</pre>").format(lines) if lines.strip() else Markup("")
