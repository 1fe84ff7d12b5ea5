"""Links that people give as evidence: what passes as one, and the site that it leads to.

The text of a link can be made to look like another site's. Pages show the host that a browser would go to beside it.
"""

import re
from unicodedata import normalize
from urllib.parse import urlsplit

_SHAPE = re.compile(r"https?://[^\s/?#\\@]+(?:[/?#][^\s\\]*)?", re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?|\[[0-9a-f:.]{2,45}\]")


def link_host(link: str) -> str:
    """The host of an http or https link in lower case, as a browser asks for it; "" when it is no such link.

    A name in another script comes back in the form with "xn--", so that look-alike letters show. A link with a name
    or password before the host is none: it is made to mislead. A port other than the usual one stays: "a.org:8080".
    """
    if not _SHAPE.fullmatch(link):
        return ""
    try:
        parts = urlsplit(link)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = host if host.isascii() else ".".join(_label(each) for each in normalize("NFKC", host).split("."))
    host = f"[{host}]" if ":" in host else host
    if not _HOST.fullmatch(host):
        return ""
    return host if port is None else f"{host}:{port}"


def _label(label: str) -> str:
    """One name between two dots as browsers ask for it. (The codec "idna" is older, and goes elsewhere for "ß".)"""
    if label.isascii():
        return label
    return "xn--" + label.lower().encode("punycode").decode()
