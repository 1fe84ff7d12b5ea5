"""The macros and layouts: what they promise to screen readers, and that no text of people becomes markup."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, UndefinedError

from portfolio.web.pages import NavItem, Page, make_environment

HOSTILE = '"><script>alert(1)</script>'
STATUSES = ("not_started", "claimed", "in_assessment", "needs_action", "partly_met", "met", "signed")
ERROR_PAGES = (403, 404, 409, 413, 422, 429, 500, 503)


@pytest.fixture(scope="module")
def environment() -> Environment:
    return make_environment()


def draw(environment: Environment, library: str, call: str, **context: Any) -> str:
    source = f'{{% import "macros/{library}.html" as m %}}{{{{ m.{call} }}}}'
    return environment.from_string(source).render(**context)


def page_context(**changes: Any) -> dict[str, Any]:
    choice = SimpleNamespace(membership_id=1, label="Candidate", centre_name="Northfield", current=True)
    other = SimpleNamespace(membership_id=2, label="Assessor", centre_name="Northfield", current=False)
    actor = SimpleNamespace(
        name="Amara Osei",
        person_code="P1",
        role_label="Candidate",
        theme="dark",
        unread=3,
        centre_name="Northfield",
        choices=(choice, other),
    )
    request = SimpleNamespace(url=SimpleNamespace(path="/p", query=""), method="GET", headers={})
    page = Page("My title", [NavItem("My portfolio", "/p", True)], [("Home", "/")])
    return {
        "request": request,
        "page": page,
        "actor": actor,
        "csrf_token": "token-1",
        "flashes": [("success", "Stored.")],
        "zone": "Europe/London",
        "status_code": 409,
        "message": "It changed.",
        "again": [("feedback", "Say <more>")],
        "address": "/p",
        "fields": {},
        "request_id": "r1",
    } | changes


def test_a_field_ties_label_hint_and_error_to_its_input(environment: Environment) -> None:
    html = draw(environment, "forms", 'field("title", "Title", hint="H", error="E", required=true)')
    assert '<label for="f-title">Title</label>' in html
    assert 'aria-describedby="f-title-hint f-title-error" aria-invalid="true"' in html
    assert 'id="f-title-hint"' in html
    assert 'id="f-title-error"' in html


def test_a_field_without_error_is_not_invalid(environment: Environment) -> None:
    html = draw(environment, "forms", 'field("title", "Title")')
    assert "aria-invalid" not in html
    assert "aria-describedby" not in html
    assert "(optional)" in html


@pytest.mark.parametrize(
    "call",
    [
        'field("n", text, text, hint=text, error=text)',
        'textarea("n", text, text, hint=text, error=text)',
        'select("n", text, [(text, text)], text, blank=text)',
        'checkbox("n", text, value=text, hint=text)',
        'radios("n", text, [(text, text, text)], text, hint=text)',
        'checkboxes("n", text, [(text, text)], [text])',
        'file("n", text, hint=text, upload_url=text)',
        "button(text, name=text, value=text)",
        "link_button(text, text)",
        "error_summary({text: text}, {text: text})",
    ],
)
def test_hostile_text_stays_text(environment: Environment, call: str) -> None:
    assert "<script" not in draw(environment, "forms", call, text=HOSTILE)


def test_a_first_line_break_of_a_textarea_is_kept(environment: Environment) -> None:
    html = draw(environment, "forms", 'textarea("n", "N", value)', value="\nsecond line")
    assert ">\n\nsecond line</textarea>" in html, "HTML drops one line break after the tag"


def test_the_chosen_option_is_marked_whatever_its_type(environment: Environment) -> None:
    html = draw(environment, "forms", 'select("n", "N", [(1, "One"), (2, "Two")], "2")')
    assert re.findall(r'<option value="(\d)" selected', html) == ["2"]


def test_attributes_that_are_false_or_none_are_left_out(environment: Environment) -> None:
    html = draw(environment, "forms", 'field("n", "N", attrs={"autofocus": true, "min": none, "max": 5})')
    assert " autofocus" in html
    assert 'max="5"' in html
    assert "min" not in html


def test_the_error_summary_links_to_the_fields(environment: Environment) -> None:
    html = draw(environment, "forms", 'error_summary({"title": "Title is needed."})')
    assert '<a href="#f-title">Title is needed.</a>' in html
    assert 'role="alert"' in html


def test_no_errors_draw_no_summary(environment: Environment) -> None:
    assert draw(environment, "forms", "error_summary({})").strip() == ""


@pytest.mark.parametrize("status", STATUSES)
def test_a_chip_says_its_status_in_shape_word_and_colour(environment: Environment, status: str) -> None:
    html = draw(environment, "status", "chip(status)", status=status)
    word = status.replace("_", " ").capitalize()
    assert f'#{status}"' in html
    assert f"</svg>{word}</span>" in html
    assert f"status-{status}" in html


@pytest.mark.parametrize("status", STATUSES)
def test_a_sign_alone_is_spoken(environment: Environment, status: str) -> None:
    html = draw(environment, "status", "sign(status)", status=status)
    assert f'role="img" aria-label="{status.replace("_", " ").capitalize()}"' in html


def test_an_unknown_status_is_refused(environment: Environment) -> None:
    with pytest.raises(UndefinedError):
        draw(environment, "status", 'chip("nearly")')


def test_the_bar_keeps_met_and_claimed_apart_without_a_style_attribute(environment: Environment) -> None:
    html = draw(environment, "status", "bar(41, 17)")
    assert 'aria-label="41 % met, 17 % claimed"' in html
    assert '<span class="bar-met w-41"></span><span class="bar-claimed w-17"></span>' in html


@pytest.mark.parametrize(("value", "checked"), [("met", ["met"]), ("not_yet", ["not_yet"]), ("", [])])
def test_a_decision_is_radio_buttons(environment: Environment, value: str, checked: list[str]) -> None:
    html = draw(environment, "status", 'decision("d", value)', value=value)
    assert re.findall(r'value="(\w+)" id="[\w-]+" data-decide="\w+" checked', html) == checked
    assert html.count('type="radio"') == 2


@pytest.mark.parametrize(
    ("current", "next_key", "aria"),
    [("", "name", ""), ("name", "-name", "ascending"), ("-name", "name", "descending"), ("date", "name", "")],
)
def test_a_sorted_header_says_its_order_and_offers_the_other(
    environment: Environment, current: str, next_key: str, aria: str
) -> None:
    html = draw(environment, "tables", 'sort_header("Name", "name", current, "?sort=")', current=current)
    assert f'href="?sort={next_key}"' in html
    assert (f'aria-sort="{aria}"' in html) if aria else ("aria-sort" not in html)


def test_a_pager_offers_only_pages_that_exist(environment: Environment) -> None:
    html = draw(environment, "tables", 'pager(1234, 1, 50, "", "?page=2")')
    assert "1 to 50 of 1,234" in html
    assert 'rel="next"' in html
    assert 'rel="prev"' not in html


def test_a_destructive_button_takes_two_steps_without_scripts(environment: Environment) -> None:
    html = draw(environment, "feedback", 'confirm("Withdraw", "Sure?", "Yes", name="do", value="w")')
    assert html.index("<summary") < html.index("Sure?") < html.index('type="submit"')
    assert html.startswith("<details")


def test_a_file_name_cannot_turn_the_line_round(environment: Environment) -> None:
    html = draw(environment, "media", "file_row(name, '/f')", name="a\u202egpj.exe")
    assert "<bdi>a\u202egpj.exe</bdi>" in html


def test_a_jump_works_without_scripts_by_its_media_fragment(environment: Environment) -> None:
    html = draw(environment, "media", 'jump("1:27", "t=87,185", url="/f.m4a")')
    assert 'href="/f.m4a#t=87,185"' in html


@pytest.mark.parametrize("template", ["styleguide.html", *(f"errors/{code}.html" for code in ERROR_PAGES)])
def test_pages_hold_one_h1_a_title_and_nothing_that_the_policy_refuses(
    environment: Environment, template: str
) -> None:
    html = environment.get_template(template).render(**page_context())
    assert html.count("<h1") == 1
    assert re.search(r"<title>.+</title>", html)
    assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]* src=)|javascript:", html)
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids)), "an id stands twice"


def test_every_post_form_of_the_styleguide_carries_the_token(environment: Environment) -> None:
    html = environment.get_template("styleguide.html").render(**page_context())
    forms = re.findall(r'<form[^>]*method="post".*?</form>', html, re.DOTALL)
    assert len(forms) >= 4
    assert all('name="csrf_token" value="token-1"' in form for form in forms)


@pytest.mark.parametrize("code", [code for code in ERROR_PAGES if code != 500])
def test_error_pages_say_what_happened_what_was_kept_and_what_next(
    environment: Environment, code: int
) -> None:
    html = environment.get_template(f"errors/{code}.html").render(**page_context(actor=None))
    assert "It changed." in html
    kept, following = re.findall(r"<dd>(.*?)</dd>", html, re.DOTALL)
    assert kept.strip()
    assert following.strip()


def test_the_500_page_needs_nothing_but_itself(environment: Environment) -> None:
    assert "What was kept" in environment.get_template("errors/500.html").render()


def test_the_frame_marks_theme_current_page_and_unread_messages(environment: Environment) -> None:
    html = environment.get_template("errors/404.html").render(**page_context())
    assert 'data-theme="dark"' in html
    assert '<a href="/p" aria-current="page">My portfolio</a>' in html
    assert "Notifications, 3 unread" in html
    assert "Stored." in html


def test_columns_without_asides_take_no_room_for_them(environment: Environment) -> None:
    source = '{% extends "layouts/columns.html" %}{% block content %}<p>Only this</p>{% endblock %}'
    html = environment.from_string(source).render(**page_context())
    assert '<div class="columns">' in html
    assert html.count("Only this") == 1
    assert "<aside" not in html


def test_a_missing_variable_raises(environment: Environment) -> None:
    context = page_context()
    del context["csrf_token"]
    with pytest.raises(UndefinedError):
        environment.get_template("styleguide.html").render(**context)
