"""Our own formats and the choice between formats: good files, bad files and rubbish."""

import io
import zipfile

import openpyxl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from criteria.importers import detect, tabular, workbook, yaml_format
from criteria.importers.detect import FORMATS, Format, write
from criteria.importers.parsed import ParsedFramework, ParsedUnit
from criteria.importers.reading import parse
from criteria.samples import load_sample, sample_bytes
from portfolio.core.errors import Invalid, TooLarge

HEAD = "kind,unit,ref,parent,text\n"
UNIT = "unit,,U1,,Fit a lock\n"
GROUPS = "kind,text,ref,parent,minimum_units,maximum_units\nunit,Fit a lock,U1,,,\n"


def _csv(text: str, encoding: str = "utf-8") -> ParsedFramework:
    return tabular.read_csv(text.encode(encoding))


def _yaml(text: str) -> ParsedFramework:
    return yaml_format.read_yaml(text.encode())


def _codes(framework: ParsedFramework) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in framework.problems]


def _workbook(*rows: list[object], second: str = "") -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    if second:
        book.create_sheet(second)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _zip(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_read_with_any_usual_delimiter_and_encoding(mark: str, encoding: str) -> None:
    found = _csv(f"kind{mark}ref{mark}title\nunit{mark}U1{mark}Café\n", encoding)

    assert found == ParsedFramework(units=(ParsedUnit("U1", "Café"),))


def test_csv_in_windows_encoding_is_read_with_a_note() -> None:
    found = _csv(f"{HEAD}unit,,U1,,Café\n", "cp1252")

    assert found.units[0].title == "Café"
    assert _codes(found) == [(2, "encoding_guessed")]
    assert found.can_be_stored


def test_rows_without_a_unit_belong_to_the_unit_above() -> None:
    found = _csv(
        f"{HEAD}{UNIT}outcome,,1,,Know locks\ncriterion,,1.1,1,Name the parts\nrange,,a,,the bolt\nadvice,,,,Oil it\n"
    )

    assert found.problems == ()
    assert found.units[0].criteria[0].range_items[0].text == "the bolt"
    assert found.units[0].guidance.advice == ("Oil it",)


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "empty"),
        ("\n \n", 1, "empty"),
        ("name,place\nx,y\n", 1, "columns"),
        (f"{HEAD}{UNIT}element,U1,1,,Know\n", 3, "unknown_kind"),
        (f"{HEAD}{UNIT}{UNIT}", 3, "duplicate_ref"),
        (f"{HEAD}{UNIT}outcome,,1,,A\noutcome,,1,,B\n", 4, "duplicate_ref"),
        (f"{HEAD}{UNIT}criterion,,1,,A\ncriterion,,1,,B\n", 4, "duplicate_ref"),
        (f"{HEAD}unit,,U1,,\n", 2, "title_missing"),
        (f"{HEAD}{UNIT}criterion,,1.1,,\n", 3, "text_missing"),
        (f"{HEAD}{UNIT}criterion,,,,Text\n", 3, "ref_missing"),
        (f"{HEAD}{UNIT}criterion,,1.1,9,Text\n", 3, "unknown_outcome"),
        (f"{HEAD}{UNIT}range,,a,9.9,Text\n", 3, "unknown_criterion"),
        (f"{HEAD}{UNIT}criterion,,1,,A\nrange,,a;b,1,Text\n", 4, "bad_ref"),
        (f"{HEAD}outcome,,1,,A\n", 2, "unknown_unit"),
        (f"{HEAD}{UNIT}outcome,U2,1,,A\n", 3, "unknown_unit"),
        (f"{HEAD}{UNIT}qualification,,1,,A\nqualification,,2,,B\n", 4, "duplicate_qualification"),
        (f'{HEAD}{UNIT}criterion,,1,,"open\n', 3, "broken_csv"),
        (f"{HEAD}{UNIT}criterion,,1,,A,extra\n", 3, "extra_cell"),
        (f"{HEAD}{UNIT}criterion,,1,,{'x' * 5_001}\n", 3, "too_long"),
        (f"{HEAD}{UNIT}" + "".join(f"outcome,,{n},,A\n" for n in range(2_001)), 1, "too_many_nodes"),
        ("kind,text,ref,credits\nunit,A,U1,six\n", 2, "bad_number"),
        ("kind,text,ref,optional\nunit,A,U1,perhaps\n", 2, "bad_flag"),
        ("kind,text,ref,group\nunit,A,U1,M\n", 2, "unknown_group"),
        (f"{GROUPS}group,G,G,X,,\n", 3, "unknown_parent"),
        (f"{GROUPS}group,G,G,G,,\n", 3, "cycle"),
        (f"{GROUPS}group,G,G,H,,\ngroup,H,H,G,,\n", 4, "cycle"),
        (f"{GROUPS}group,G,G,,2,1\n", 3, "limits_contradict"),
        (f"{GROUPS}group,G,G,,,1\ngroup,H,H,G,2,\n", 3, "limits_contradict"),
        (GROUPS + "".join(f"group,G,{n},{n + 1},,\n" for n in range(9)) + "group,G,9,,,\n", 4, "too_deep"),
        (GROUPS + "".join(f"group,G,{n},,,\n" for n in range(201)), 203, "too_many_groups"),
        ("kind,text,ref,minimum_items\nunit,A,U1,0\n", 2, "bad_rule"),
        ("kind,text,ref,required_kinds_any\nunit,A,U1,video; observation\n", 2, "bad_rule"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(text: str, line: int, code: str) -> None:
    found = _csv(text)

    assert (line, code) in _codes(found)
    assert not found.can_be_stored


def test_an_unknown_column_is_a_note() -> None:
    found = _csv("kind,ref,text,colour\nunit,U1,Fit a lock,red\n")

    assert _codes(found) == [(1, "unknown_column")]
    assert found.can_be_stored


def test_limits_that_more_units_may_meet_are_a_note() -> None:
    found = _csv(f"{GROUPS}group,G,G,,2,\n")

    assert _codes(found) == [(3, "limits_out_of_reach")]
    assert found.can_be_stored


def test_a_group_in_a_wrong_place_stands_alone() -> None:
    found = _yaml(
        "units: []\nunit_groups:\n- {ref: G, title: G, parent: H}\n- {ref: H, title: H, parent: G}\n"
    )

    assert [(group.ref, group.parent) for group in found.unit_groups] == [("G", None), ("H", None)]


def test_the_line_of_a_row_is_where_it_begins() -> None:
    found = _csv(f'{HEAD}{UNIT}criterion,,1,,"two\nlines"\nelement,,2,,B\n')

    assert found.units[0].criteria[0].text == "two\nlines"
    assert _codes(found) == [(5, "unknown_kind")]


def test_rules_are_read_as_data() -> None:
    found = _csv(
        "kind,text,ref,minimum_items,required_kinds_any,minimum_of_kind,simulation_allowed,required_kinds_all\n"
        "unit,A,U1,2,observation; recording,product=2; recording = 1,no,none\n"
    )

    assert found.units[0].rule == {
        "minimum_items": 2,
        "required_kinds_any": ["observation", "recording"],
        "minimum_of_kind": {"product": 2, "recording": 1},
        "simulation_allowed": False,
        "required_kinds_all": [],
    }


def test_a_rule_may_ask_only_for_range_items_that_there_are() -> None:
    found = _csv("kind,text,ref,range_required\nunit,A,U1,\ncriterion,B,1,a; b\nrange,C,a,\n")

    assert _codes(found) == [(2, "unknown_range")]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "no_units"),
        ("just words", 1, "bad_shape"),
        ("units: {a: 1}", 1, "bad_shape"),
        ("units:\n- [1]\n", 2, "bad_shape"),
        ("format: other\nunits: []\n", 1, "unknown_format"),
        ("units:\n- title: A\n  colour: red\n", 3, "unknown_field"),
        ("units:\n- title: A\n  title: B\n", 3, "duplicate_field"),
        ("units:\n- title: [A]\n", 2, "bad_shape"),
        ("units:\n- &a {title: A}\n- *a\n", 2, "alias"),
        ("units: !!python/object/apply:os.system [ls]\n", 1, "tag"),
        ("units:\n- title: !secret A\n", 2, "tag"),
        ("units:\n- title: 'A\n", 3, "broken_yaml"),
        ("units:\n\t- title: A\n", 2, "broken_yaml"),
        ("units: []\n---\nunits: []\n", 2, "second_document"),
        ("units: " + "[" * 5_000, 1, "too_deep"),
        ("units: " + "{a: " * 100_000, 1, "too_deep"),
        ("? [a]\n: b\n", 1, "bad_shape"),
        ("units:\n- title: A\n  rule: {minimum_items: many}\n", 2, "bad_rule"),
        ("units:\n- title: A\n  guidance:\n    advice:\n    - [x]\n", 5, "bad_shape"),
        ("units: [" + "a," * 200_001 + "]", 1, "too_many_values"),
    ],
)
def test_wrong_yaml_is_told_with_its_line(text: str, line: int, code: str) -> None:
    found = _yaml(text)

    assert (line, code) in _codes(found)
    assert not found.can_be_stored


def test_yaml_scalars_are_text_as_written() -> None:
    found = _yaml(
        "units:\n- ref: 1.10\n  title: yes\n  level: 04\n  credits: 6\n  guidance: {advice: ['null', 2024-01-01]}\n"
    )

    unit = found.units[0]
    assert (unit.ref, unit.title, unit.level, unit.credits) == ("1.10", "yes", "04", 6)
    assert unit.guidance.advice == ("null", "2024-01-01")


def test_yaml_points_that_look_like_pairs_are_text() -> None:
    found = _yaml(
        "units:\n- title: A\n  guidance:\n    key_terms:\n    - Lock: a bolt\n    faq:\n    - Why?: Because.\n"
    )

    assert found.units[0].guidance.key_terms == ("Lock: a bolt",)
    assert found.units[0].guidance.faq == ("Why?\nBecause.",)


def test_rows_of_a_refused_unit_do_not_fall_to_another() -> None:
    found = _yaml("units:\n- {ref: A, title: A}\n- {ref: A, title: B, outcomes: [{ref: '1', text: C}]}\n")

    assert found.units[0].outcomes == ()
    assert _codes(found) == [(3, "duplicate_ref"), (3, "unknown_unit")]


def test_a_workbook_from_a_spreadsheet_is_read() -> None:
    data = _workbook(
        ["Kind", "Ref", "Text", "Credits"],
        ["unit", "U1", "Fit a lock", 6],
        [],
        ["outcome", 1, "Know locks", None],
    )

    found = parse(data)

    assert found.problems == ()
    assert (found.units[0].credits, found.units[0].outcomes[0].ref) == (6, "1")


def test_what_a_spreadsheet_spoils_is_told() -> None:
    data = _workbook(["kind", "ref", "text"], ["unit", "U1", "A"], ["criterion", 1.1, "B"], second="Notes")

    found = parse(data)

    assert found.units[0].criteria[0].ref == "1.1"
    assert _codes(found) == [(1, "sheet_ignored"), (3, "number_in_cell")]


def test_rows_and_columns_beyond_the_limit_are_told() -> None:
    data = _workbook(["a", "b", "c"], [], ["d"], ["e"])

    rows, notes = workbook.read_rows(data, max_bytes=100_000, max_rows=3, max_columns=2)

    assert rows == [(1, ["a", "b"]), (3, ["d", ""])]
    assert [(n.line, n.code, n.blocking) for n in notes] == [
        (1, "extra_cell", True),
        (4, "too_many_rows", True),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04rubbish",
        _zip(a=b"1"),
        _zip(**{"[Content_Types].xml": b"<x"}),
        _zip(**{"[Content_Types].xml": b"<?xml version='1.0' encoding='UTF-odd'?><x/>"}),
        _zip(**{"xl/workbook.xml": b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}),
        _zip(**{"xl/workbook.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>".encode("utf-16")}),
        write(load_sample(), "xlsx")[:3000],
    ],
)
def test_a_broken_workbook_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        parse(data)


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(TooLarge):
        parse(_zip(**{"xl/workbook.xml": b"0" * (workbook.MAX_UNPACKED_BYTES + 1)}))
    with pytest.raises(TooLarge):
        parse(_zip(**{f"{n}.xml": b"" for n in range(workbook.MAX_PARTS + 1)}))


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_above_the_limit_is_refused(format: Format) -> None:  # noqa: A002
    with pytest.raises(TooLarge) as caught:
        parse(b"x" * 101, format=format, max_bytes=100)

    assert caught.value.data["limit"] == 100


@pytest.mark.parametrize(
    "data",
    [
        b"a\x00b",
        b"\xff\xfea",
        b"\xff\xfea\x00\x00\x00",
        b"%PDF-1.7",
        b"\x1f\x8b\x08",
        b"\x81\x8d",
        bytes(range(1, 32)) + b"\xff",
    ],
)
@pytest.mark.parametrize("format", ["auto", "unit-page", "csv", "yaml"])
def test_what_is_no_text_is_refused(data: bytes, format: Format) -> None:  # noqa: A002
    with pytest.raises(Invalid):
        parse(data, format=format)


@pytest.mark.parametrize(
    ("data", "filename", "expected"),
    [
        (b"PK\x03\x04", None, "xlsx"),
        (b"PK\x03\x04", "page.txt", "xlsx"),
        (b"a", "a.csv", "csv"),
        (b"a", "A.YML", "yaml"),
        (b"a", "../a.b/c", "unit-page"),
        (HEAD.encode(), None, "csv"),
        ("kind;text\n".encode("utf-16"), "x.txt", "csv"),
        (b"# ours\nunits:\n", None, "yaml"),
        (b"Fit a lock\n", None, "unit-page"),
        (b"", None, "unit-page"),
        (sample_bytes(), None, "yaml"),
    ],
)
def test_the_format_is_found(data: bytes, filename: str | None, expected: str) -> None:
    assert detect.detect(data, filename=filename) == expected


def test_a_workbook_in_name_only_and_an_unknown_format_are_refused() -> None:
    with pytest.raises(Invalid):
        parse(b"kind,text", filename="a.xlsx")
    with pytest.raises(Invalid):
        parse(b"a", format="odt")  # type: ignore[arg-type]


def test_a_page_in_a_file_keeps_the_note_about_its_encoding() -> None:
    found = parse("Café\nAssessment criteria\n- Öl\n".encode("cp1252"), title="Café")

    assert _codes(found) == [(1, "encoding_guessed")]
    assert found.units[0].criteria[0].text == "Öl"


@given(data=st.binary(max_size=300), format=st.sampled_from(FORMATS))
def test_any_bytes_are_answered_or_refused(data: bytes, format: Format) -> None:  # noqa: A002
    try:
        found = parse(data, format=format)
    except (Invalid, TooLarge):
        return
    assert found.problems or found.units


@given(st.recursive(st.none() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["units", "title", "ref", "outcomes", "criteria", "text", "rule", "guidance", "faq", "range", "x"]),
    inner, max_size=4), max_leaves=20))  # fmt: skip
def test_any_yaml_is_answered(value: object) -> None:
    found = yaml_format.read_yaml(yaml.safe_dump(value, allow_unicode=True).encode())

    assert found.problems or found.units


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_damaged_workbook_is_answered_or_refused(at: int, flip: int) -> None:
    data = bytearray(_DAMAGED)
    data[at % len(data)] ^= flip

    try:
        found = parse(bytes(data), format="xlsx")
    except (Invalid, TooLarge):
        return
    assert found.problems or found.units


_DAMAGED = write(ParsedFramework(units=(ParsedUnit("A", "Answer calls"),)), "xlsx")
