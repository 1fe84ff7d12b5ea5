"""A person without scripts: reads the forms of a page, fills some fields in, and sends them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2


@dataclass
class Form:
    """A form as a browser would send it untouched: ticked boxes, hidden fields, texts, chosen options."""

    action: str
    method: str = "get"
    fields: list[tuple[str, str]] = field(default_factory=list)
    offers: dict[str, list[str]] = field(default_factory=dict)  # values of boxes and radios, ticked or not
    choices: dict[str, list[str]] = field(default_factory=dict)  # values of the options of its lists
    files: list[str] = field(default_factory=list)  # names of its file inputs
    other_actions: list[str] = field(default_factory=list)  # where its other buttons send it

    def filled(self, values: dict[str, str | list[str]]) -> dict[str, list[str]]:
        """All fields, with `values` put over them."""
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        for name, given in values.items():
            found[name] = [given] if isinstance(given, str) else given
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._text: tuple[str, list[str]] | None = None
        self._select: str | None = None
        self._chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v or "" for k, v in attrs}
        if tag == "form":
            self._open = Form(a.get("action", ""), a.get("method", "get").lower())
            self.forms.append(self._open)
        elif self._open is None:
            return
        elif tag == "input":
            self._input(a, "checked" in a)
        elif tag == "button" and "formaction" in a:
            self._open.other_actions.append(a["formaction"])
        elif tag == "textarea":
            self._text = (a.get("name", ""), [])
        elif tag == "select":
            self._select, self._chosen = a.get("name", ""), False
        elif tag == "option" and self._select:
            self._option(a)

    def _input(self, a: dict[str, str], checked: bool) -> None:
        assert self._open is not None
        name, kind = a.get("name", ""), a.get("type", "text")
        if name and kind == "file":
            self._open.files.append(name)
        if not name or kind in ("file", "submit"):
            return
        if kind in ("checkbox", "radio"):
            self._open.offers.setdefault(name, []).append(a.get("value", "on"))
            if not checked:
                return
        self._open.fields.append((name, a.get("value", "on" if kind == "checkbox" else "")))

    def _option(self, a: dict[str, str]) -> None:
        assert self._open is not None
        assert self._select is not None
        self._open.choices.setdefault(self._select, []).append(a.get("value", ""))
        if not self._chosen:
            self._open.fields.append((self._select, a.get("value", "")))
            self._chosen = True
        elif "selected" in a:
            self._open.fields[-1] = (self._select, a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea" and self._text is not None and self._open is not None:
            self._open.fields.append((self._text[0], "".join(self._text[1]).removeprefix("\n")))
            self._text = None
        elif tag == "select":
            self._select = None


def forms_of(html: str) -> list[Form]:
    """All forms of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


@dataclass
class Robot:
    """A signed-in person at a server. Raises httpx2 errors when the server goes away."""

    client: httpx2.Client

    def send(self, page: str, action: str, **values: str | list[str]) -> httpx2.Response:
        """Open a page, fill in its form with this action and send it; the answer after redirects.

        Field names with a hyphen are written with a double underscore (`decision__abc`).
        """
        answer = self.client.get(page)
        answer.raise_for_status()
        form = next((f for f in forms_of(answer.text) if f.action == action), None)
        assert form is not None, f"{page} has no form for {action}"
        given = {name.replace("__", "-"): value for name, value in values.items()}
        return self.client.post(action, data=form.filled(given))

    def form(self, page: str, action: str) -> Form:
        """The form with this action on a page."""
        answer = self.client.get(page)
        answer.raise_for_status()
        found = [f for f in forms_of(answer.text) if f.action == action]
        assert found, f"{page} has no form for {action}"
        return found[0]
