"""What is written in one of our own formats reads back equal, whatever the texts."""

import csv
import io
import zipfile

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings

from criteria.importers.detect import WriteFormat, write
from criteria.importers.parsed import ParsedFramework, ParsedUnit
from criteria.importers.reading import parse
from portfolio.core.errors import Invalid
from tests.unit.criteria.importers.strategies import frameworks

_SETTINGS = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@pytest.mark.parametrize("name", ["csv", "xlsx", "yaml"])
@_SETTINGS
@given(framework=frameworks())
def test_reads_back_what_it_wrote(name: WriteFormat, framework: ParsedFramework) -> None:
    assert parse(write(framework, name)) == framework


@pytest.mark.parametrize("name", ["csv", "xlsx", "yaml"])
def test_the_same_framework_gives_the_same_bytes(name: WriteFormat) -> None:
    framework = ParsedFramework(units=(ParsedUnit("A", "Answer calls"),))

    assert write(framework, name) == write(framework, name)


def test_csv_guards_cells_that_a_spreadsheet_would_run() -> None:
    framework = ParsedFramework(
        units=(ParsedUnit("A", "=1+1"), ParsedUnit("B", "'=1+1"), ParsedUnit("C", "'tis"))
    )

    titles = [row["text"] for row in csv.DictReader(io.StringIO(write(framework, "csv").decode("utf-8-sig")))]

    assert titles == ["'=1+1", "''=1+1", "'tis"]


def test_xlsx_holds_formulas_as_text() -> None:
    data = write(ParsedFramework(units=(ParsedUnit("A", "=1+1"),)), "xlsx")

    cell = openpyxl.load_workbook(io.BytesIO(data))["Framework"]["E2"]

    assert (cell.value, cell.data_type) == ("=1+1", "s")
    sheet = zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet


def test_refuses_to_write_an_unknown_format() -> None:
    with pytest.raises(Invalid):
        write(ParsedFramework(), "odt")  # type: ignore[arg-type]
