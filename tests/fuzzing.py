"""Odd requests for every address of the application, made from the forms that its own pages show.

`Catalogue` knows which forms lead where; `plans` draws what a hand-made client could send: addresses with
own, foreign and absurd codes, forms with some answers replaced, left out or repeated, bodies that are no
form. A plan names codes and fields instead of holding them, so that it means the same on each run.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

from hypothesis import strategies as st

from portfolio.core.actor import PUBLIC, Role
from tests.factories.codes import ABSENT, INSIDERS, Place
from tests.factories.world import CAST
from tests.functional.test_permissions import PARAMETER, Case
from tests.raw import RawRequest
from tests.robot import Form

VISITOR = "visitor"
PEOPLE = (VISITOR, "candidate", "assessor", "manager", "operator", "lead_iqa", "trainee")
BOUNDARY = b"fUzz"
ODD = (
    b"", b" ", b"\x00", b"a\x00b", b"\r\n", b"0", b"-1", b"1.5", b"9" * 40, b"(many nines)", b"NaN", b"1e309", b"on",
    b"2026-02-30", b"0001-01-01", b"9999-12-31", b"2026-10-01", b"not_yet", b"met", b"..", b"../../../../etc/passwd",
    b"/", b"\\\\host\\c$\\x", b"C:\\CON", b"file:///etc/passwd", b"//elsewhere.example", b"javascript:alert(1)",
    b"<script>alert(1)</script>", b"{{7*7}}", b"%s%n%00", b"' OR '1'='1", b"[]", b"{}", b"null", b"=cmd|' /C calc'!A0",
    b"t=12.5,40", b"t=40,12", b"page=3-4", b"xywh=percent:10,10,300,30", b"nobody@example.org", b"manager@example.org",
    "‮\u200b\ufeff".encode(), ("e" + "\u0301" * 60).encode(), ("\U0001f469‍\U0001f680" * 40).encode(),
    "İıſß ﷺ ǅ".encode(), b"\xff\xfe\x00A", b"\xed\xa0\x80", b"\xc3", b"\xf4\x90\x80\x80", b"x" * 400,
    b"(long)", b"ref,title\n1,2", b"email,name,version\n\x00,,", b"units:\n- &a [*a]", b"PK\x03\x04",
    b"Unit 1\n\nKey Concepts\n- x",
)  # fmt: skip
"""Answers that no field asks for."""
SPELT_OUT = {
    b"(many nines)": b"9" * 5000,
    b"(long)": b"x " * 60_000,
    b"(odd bytes)": b"\xff" * 3000,
    b"(large cookie)": b"flash=" + b"eyJ4" * 900,
    b"(films)": b"%F0%9F%8E%A5" * 90,
}
"""Those that are too long to be shown in the plan that failed."""


class Body(StrEnum):
    """How the fields are packed."""

    URLENCODED = "urlencoded"
    UNESCAPED = "unescaped"
    MULTIPART = "multipart"
    FILES = "every field as a file"
    CUT = "multipart that breaks off"
    CRUSHED = "multipart with rubbish inside"
    JSON = "json"
    UNTYPED = "no content type"
    MISTYPED = "another content type"
    STREAM = "a file with its name in a header"


class Act(StrEnum):
    """What happens to one answer of a form."""

    REPLACE = "replace"
    DROP = "drop"
    REPEAT = "repeat"
    OFFER = "choose another of the offered values"
    CODE = "a code of something else"


@dataclass(frozen=True)
class Change:
    """A change to the field at `index` (counted around) of a form."""

    index: int
    act: Act
    value: bytes


@dataclass(frozen=True)
class Plan:
    """One request, with names instead of codes.

    `spots` says what stands for each path parameter: 0 is the own centre's code, higher numbers its others,
    -1 one of another centre, -2 one that nothing has, bytes are themselves.
    """

    case: Case
    person: str
    spots: tuple[int | bytes, ...] = ()
    query: tuple[tuple[bytes, bytes], ...] = ()
    form: int = 0
    changes: tuple[Change, ...] = ()
    extra: tuple[tuple[bytes, bytes], ...] = ()
    body: Body = Body.URLENCODED
    token: bool = True
    headers: tuple[tuple[bytes, bytes], ...] = ()
    breaks_off: bool = False


@dataclass
class Catalogue:
    """The forms that lead to each address pattern, as the pages show them to somebody."""

    forms: dict[str, list[Form]] = field(default_factory=dict)

    def learn(self, cases: Iterable[Case], forms: Iterable[Form]) -> None:
        """Note forms under the patterns of where they lead."""
        patterns = [(case, pattern_of(case.path)) for case in cases]
        for form in forms:
            for action in (form.action, *form.other_actions):
                path = urlsplit(action).path
                for case, pattern in patterns:
                    if case.method.lower() == form.method and pattern.fullmatch(path):
                        self._note(str(case), form)

    def _note(self, case: str, form: Form) -> None:
        known = self.forms.setdefault(case, [])
        names = {name for name, _ in form.fields}
        if len(known) < 6 and names not in [{n for n, _ in other.fields} for other in known]:
            known.append(form)

    def form_for(self, case: Case, number: int) -> Form:
        """A form that leads there; what only scripts call gets the fields of its nearest neighbour."""
        known = self.forms.get(str(case))
        if known:
            return known[number % len(known)]
        folder = str(case).rpartition("/")[0]
        near = [each for name in self.forms if name.startswith(folder) for each in self.forms[name]]
        return near[number % len(near)] if near else Form(case.path)


def pattern_of(path: str) -> re.Pattern[str]:
    """What matches the addresses of a route."""
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))


# ---------------------------------------------------------------- drawing


def values() -> st.SearchStrategy[bytes]:
    """Anything that may stand in a field."""
    drawn = st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return st.one_of(st.sampled_from(ODD), drawn, st.binary(max_size=8))


def likely_people(case: Case) -> list[str]:
    """Who of the people gets past the door of this address."""
    if case.permission is PUBLIC:
        return list(PEOPLE)
    everybody = frozenset(PEOPLE)
    inside = frozenset.intersection(everybody, *(INSIDERS.get(key, everybody) for key in case.keys))
    roles: dict[str, Role] = {name: CAST[name] for name in PEOPLE if name in CAST}
    allowed = [name for name in PEOPLE if name in roles and roles[name] in case.permission.roles]
    return [name for name in allowed if name in inside] or allowed or list(PEOPLE)


def people(case: Case) -> st.SearchStrategy[str]:
    """Mostly somebody who may."""
    return st.integers(0, 4).flatmap(lambda n: st.sampled_from(likely_people(case) if n else PEOPLE))


_SPOTS = st.one_of(*[st.integers(0, 3)] * 4, st.integers(-2, -1), values())
_CHANGES = st.builds(Change, st.integers(0, 40), st.sampled_from(Act), values())
_BODIES = st.one_of(
    st.just(Body.URLENCODED), st.just(Body.MULTIPART), st.just(Body.FILES), st.sampled_from(Body)
)
_HEADERS = st.sampled_from(
    [
        (b"hx-request", b"true"), (b"accept", b"application/json"), (b"accept-language", b"\xff\xfe"),
        (b"range", b"bytes=0-1,3-"), (b"range", b"bytes=-99999999999999999999"), (b"range", b"bytes=5-2"),
        (b"if-none-match", b'"x'), (b"if-range", b"\xff"), (b"x-file-name", b"..%2F..%2Fetc%00%ff.exe"),
        (b"x-file-name", b"(films)"), (b"content-length", b"-5"), (b"content-length", b"9" * 30),
        (b"content-length", b"seven"), (b"transfer-encoding", b"chunked"), (b"cookie", b"flash=W10; session"),
        (b"cookie", b'visitor="\xff\xfe;,'), (b"cookie", b"(large cookie)"), (b"origin", b"null"),
        (b"origin", b"http://["), (b"sec-fetch-site", b"cross-site"), (b"user-agent", b"(odd bytes)"),
        (b"referer", b"http://[::1"), (b"x-forwarded-for", b"\xff,,,"), (b"x-csrf-token", b"\xff"),
        (b"accept-encoding", b"gzip;q=x"), (b"content-encoding", b"gzip"), (b"host", b"a\xffb:c"), (b"host", b"["),
        (b"host", b"elsewhere.example"),
    ]
)  # fmt: skip


@st.composite
def plans(draw: st.DrawFn, cases: Sequence[Case]) -> Plan:
    """A request to one of the addresses."""
    case = draw(st.sampled_from(cases))
    pairs = st.lists(st.tuples(values(), values()), max_size=2).map(tuple)
    common: dict[str, Any] = {
        "case": case,
        "person": draw(people(case)),
        "spots": tuple(draw(_SPOTS) for _ in case.keys),
        "form": draw(st.integers(0, 5)),
        "changes": tuple(draw(st.lists(_CHANGES, max_size=5))),
        "headers": tuple(draw(st.lists(_HEADERS, max_size=1))),
    }
    if case.method == "GET":
        return Plan(**common, query=draw(pairs))
    return Plan(
        **common,
        extra=draw(pairs),
        body=draw(_BODIES),
        token=draw(st.integers(0, 9)) > 0,
        breaks_off=draw(st.integers(0, 19)) == 0,
    )


# ---------------------------------------------------------------- packing


@dataclass(frozen=True)
class Scene:
    """What turns a plan into bytes: the places, the catalogue, and how a token is made from a session."""

    own: Place
    foreign: Place
    others: dict[str, list[str]]
    links: dict[str, str]
    catalogue: Catalogue
    token_for: Callable[[str], str]

    def request(self, plan: Plan) -> RawRequest:
        """The bytes of a plan."""
        secret = self.own.tokens.get(plan.person, "visitors-secret")
        cookie = f"{'visitor' if plan.person == VISITOR else 'session'}={secret}".encode()
        odd = _spelt_out(plan.headers)
        cookies = [value for name, value in odd if name == b"cookie"]
        headers = [
            (b"cookie", b"; ".join([cookie, *cookies])),
            *(each for each in odd if each[0] != b"cookie"),
        ]
        target, pairs = self.address(plan), self.fields(plan)
        if plan.case.method == "GET":
            query = _urlencoded([*pairs, *plan.query]).decode()
            return RawRequest("GET", target + ("?" + query if query else ""), headers)
        token = self.token_for(secret).encode() if plan.token else b"wrong"
        kind, body = _packed(plan.body, [(b"csrf_token", token), *pairs], self._files(plan))
        if kind:
            headers.append((b"content-type", kind))
        if plan.body is Body.STREAM:
            headers += [(b"x-csrf-token", token), (b"x-file-name", b"a.txt")]
        if not any(name == b"content-length" for name, _ in headers):
            headers.append((b"content-length", str(len(body)).encode()))
        return RawRequest(plan.case.method, target, headers, (body,), plan.breaks_off)

    def address(self, plan: Plan) -> str:
        """The path, each parameter replaced by what stands for it."""
        spots = iter(plan.spots)

        def filled(match: re.Match[str]) -> str:
            return f"{match[1]}/{self._spot(next(spots), f'{match[1]}/{match[2]}')}"

        return PARAMETER.sub(filled, plan.case.path)

    def _spot(self, spot: int | bytes, key: str) -> str:
        if isinstance(spot, bytes):
            return quote_from_bytes(spot, safe="")
        if spot < 0:
            return self.foreign.codes.get(key, ABSENT) if spot == -1 else ABSENT
        known = [self.own.codes.get(key) or self.links.get(key, ABSENT), *self.others.get(key, [])]
        return known[spot % len(known)]

    def fields(self, plan: Plan) -> list[tuple[bytes, bytes]]:
        """The form as the page shows it, with the changes of the plan."""
        form = self.catalogue.form_for(plan.case, plan.form)
        found = [(n.encode(), v.encode()) for n, v in form.fields if n != "csrf_token"]
        named = [n for n, _ in found] + [n.encode() for n in (*form.offers, *form.files)]
        for change in plan.changes:
            if named:
                found = self._changed(found, named[change.index % len(named)], change, form)
        return _spelt_out((*found, *plan.extra))

    def _changed(
        self, found: list[tuple[bytes, bytes]], name: bytes, change: Change, form: Form
    ) -> list[tuple[bytes, bytes]]:
        rest = [(n, v) for n, v in found if n != name]
        offered = form.offers.get(name.decode()) or form.choices.get(name.decode(), [])
        if change.act is Act.DROP:
            return rest
        if change.act is Act.REPEAT:
            return [*found, (name, change.value)]
        if change.act is Act.OFFER and offered:
            return [*rest, (name, offered[change.index % len(offered)].encode())]
        if change.act is Act.CODE:
            codes = sorted((*self.own.codes.values(), *self.foreign.codes.values()))
            return [*rest, (name, codes[change.index % len(codes)].encode())]
        return [*rest, (name, change.value)]

    def _files(self, plan: Plan) -> list[bytes]:
        return [name.encode() for name in self.catalogue.form_for(plan.case, plan.form).files]


def _spelt_out(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, SPELT_OUT.get(value, value)) for name, value in pairs]


def _urlencoded(pairs: Iterable[tuple[bytes, bytes]]) -> bytes:
    return "&".join(f"{quote_from_bytes(n)}={quote_from_bytes(v)}" for n, v in pairs).encode()


def _packed(kind: Body, pairs: list[tuple[bytes, bytes]], files: list[bytes]) -> tuple[bytes, bytes]:
    """(content type, body)."""
    multipart = b"multipart/form-data; boundary=" + BOUNDARY
    if kind is Body.URLENCODED:
        return b"application/x-www-form-urlencoded", _urlencoded(pairs)
    if kind is Body.UNESCAPED:
        return b"application/x-www-form-urlencoded; charset=utf-16", b"&".join(n + b"=" + v for n, v in pairs)
    if kind is Body.MULTIPART:
        return multipart, _multipart(pairs, files)
    if kind is Body.FILES:
        return multipart, _multipart(pairs, [name for name, _ in pairs if name != b"csrf_token"] + files)
    if kind is Body.CUT:
        return multipart, _multipart(pairs, files)[:-9]
    if kind is Body.CRUSHED:
        return multipart, _multipart(pairs, files).replace(b"\r\n", b"\n", 3).replace(b"name=", b'name="', 1)
    if kind is Body.JSON:
        return b"application/json", b'{"csrf_token": ["x"], "x": ' + quote(str(pairs)).encode()
    if kind is Body.MISTYPED:
        return b"multipart/form-data; boundary=\xff\"; charset='", _urlencoded(pairs)
    if kind is Body.STREAM:
        return b"text/html; charset=x", b"".join(v for _, v in pairs[1:])
    return b"", _urlencoded(pairs)


def _multipart(pairs: list[tuple[bytes, bytes]], files: list[bytes]) -> bytes:
    parts = []
    for name, value in [*pairs, *((name, b"") for name in files if name not in dict(pairs))]:
        shown = name.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        head = b'Content-Disposition: form-data; name="' + shown + b'"'
        if name in files:
            head += b'; filename="../odd\\\xff.csv"\r\nContent-Type: text/csv; charset=utf-7'
        parts.append(b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + value + b"\r\n")
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"
