"""Spreadsheets with figures of a contact centre, and the plain text files: exports, logs, answers."""

import csv
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

_WEEKS = ("Week 1", "Week 2", "Week 3", "Week 4", "Week 5")
Row = Sequence[str | int | float]


def make_table(folder: Path, name: str, chance: random.Random) -> Path:
    """The spreadsheet, CSV or text file of this name in a folder."""
    return _MAKERS[name](folder, chance)


def _kpi_sheet(folder: Path, chance: random.Random) -> Path:
    rows: list[Row] = [("Agent", *(f"{week}: AHT" for week in _WEEKS), "Target", "Quality", "Note")]
    for agent in range(1, 15):
        usual = chance.randint(340, 430)
        weeks = [usual + chance.randint(-22, 22) for _ in _WEEKS]
        note = "two course days taken out" if agent in (4, 9) else ""
        rows.append((f"Agent {agent:02d}", *weeks, 390, chance.randint(78, 95), note))
    checks: list[Row] = [
        ("Check", "Result"),
        ("Minutes of each agent add up to the shift", "yes, 2 course days corrected"),
        ("Nobody twice after a change of team", "yes"),
        ("Transferred calls counted once", "yes, 17 taken out"),
    ]
    return _workbook(folder / "kpi-sheet.xlsx", {"Handling time (s)": rows, "Checks": checks}, chart=True)


def _quarter_sheet(folder: Path, chance: random.Random) -> Path:
    rows: list[Row] = [("Week", "Handling time (s)", "Resolution %", "Quality", "Reopened contacts")]
    for week in range(1, 14):
        end = 140 + chance.randint(-9, 9) if week % 4 == 1 and week > 1 else chance.randint(18, 34)
        rows.append(
            (
                f"Week {week}",
                390 + chance.randint(-20, 20),
                chance.randint(67, 75),
                chance.randint(82, 90),
                end,
            )
        )
    return _workbook(folder / "quarter-sheet.xlsx", {"Quarter": rows}, chart=True)


def _survey_sheet(folder: Path, chance: random.Random) -> Path:
    questions = (
        "I know my handling time",
        "I know why it is measured",
        "My monthly talk helps me",
        "I can say what I think in it",
        "Targets fit my working hours",
        "The form is worth its time",
    )
    shares = (90, 20, 62, 71, 44, 18)
    rows: list[Row] = [("Question", "Agents: agree %", "Leaders: agree %")]
    rows += [
        (q, s, max(0, min(100, s + chance.randint(-25, 20)))) for q, s in zip(questions, shares, strict=True)
    ]
    drawn: list[Row] = [
        ("Order", "Keep, change or drop", "What I take from it"),
        (1, "drop", "bonus on handling time: known to all, understood by few"),
        (2, "change", "the form: one page, filled in together"),
        (3, "keep", "the half hour itself"),
    ]
    return _workbook(
        folder / "survey-sheet.xlsx", {"Answers": rows, "What I take from it": drawn}, chart=False
    )


def _plan_sheet(folder: Path, chance: random.Random) -> Path:
    rows: list[Row] = [
        ("Stage", "Step", "Responsible", "Week", "Done when", "Way back"),
        (1, "Practice with five leaders", "Project lead", 1, "all have led a talk", "-"),
        (1, "Pilot with one team", "Team leader", 2, "five weeks of notes", "old form in the drawer"),
        (1, "Decision", "Project lead", 7, "talks under 20 minutes", "stop, tell the team why"),
        (2, "Department", "Operations manager", 8, "no fall in quality", "old form, old data kept"),
        (3, "Site", "Head of centre", 14, "survey at 3.5 or more", "by decision of the board"),
    ]
    return _workbook(folder / "plan-sheet.xlsx", {"Plan": rows}, chart=False)


def _workbook(path: Path, sheets: dict[str, list[Row]], *, chart: bool) -> Path:
    book = xlsxwriter.Workbook(str(path))
    head = book.add_format({"bold": True, "bg_color": "#dfe6ee", "text_wrap": True})
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row, head if number == 0 else None)
        sheet.freeze_panes(1, 1)
        sheet.set_column(0, len(rows[0]) - 1, 18)
    if chart:
        title, rows = next(iter(sheets.items()))
        lines = book.add_chart({"type": "line"})
        lines.add_series({"name": rows[0][1], "values": [title, 1, 1, len(rows) - 1, 1]})
        book.get_worksheet_by_name(title).insert_chart(len(rows) + 1, 0, lines)
    book.close()
    return path


def _agent_states(folder: Path, chance: random.Random) -> Path:
    path = folder / "agent-states.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("agent", "half_hour", "talk_s", "hold_s", "wrap_s", "ready_s"))
        writer.writerows(_states(chance))
    return path


def _states(chance: random.Random) -> Iterator[tuple[str | int, ...]]:
    for agent in range(1, 15):
        for half in range(16):
            talk, hold, wrap = chance.randint(700, 1200), chance.randint(20, 160), chance.randint(120, 320)
            yield (
                f"Agent {agent:02d}", f"{9 + half // 2:02d}:{'30' if half % 2 else '00'}",
                talk, hold, wrap, 1800 - talk - hold - wrap,
            )  # fmt: skip


def _survey_answers(folder: Path, chance: random.Random) -> Path:
    path = folder / "survey-answers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(("answer", "group", "q1", "q2", "q3", "q4", "q5", "q6"))
        for number in range(1, 42):
            group = "leader" if number > 34 else "agent"
            writer.writerow((number, group, *(chance.randint(1, 5) for _ in range(6))))
    return path


def _action_log(folder: Path, chance: random.Random) -> Path:
    path = folder / "action-log.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("agent", "measure", "from", "to", "review in weeks", "result", "next"))
        writer.writerow(("07", "wrap, seconds", 84, 60, 4, 63, "two more weeks"))
        writer.writerow(("11", "quality score", 76, 86, 6, 76, "other approach"))
        writer.writerow(("02", "first-contact resolution, %", 61, 68, 6, 69, "closed"))
    return path


def _check_log(folder: Path, chance: random.Random) -> Path:
    lines = ["Chats compared with the report: every 20th of one week, 200 in all", ""]
    for number in range(1, 201):
        fault = chance.choices(("", "closing code missing", "lunch counted as handling"), (151, 38, 11))[0]
        lines.append(f"chat {number * 20:05d}  {fault or 'agrees'}")
    return _text(folder / "check-log.txt", lines)


def _pilot_log(folder: Path, chance: random.Random) -> Path:
    lines = [
        "Pilot log, weeks one and two (seven people)",
        "",
        "Mon  First talks. 14 minutes on average, planned were 10.",
        "Tue  Sheet for notes too small: two people wrote on the back. New sheet for tomorrow.",
        "Wed  First agent brings a call of her own. It was a bad one; she chose it because of that.",
        "Fri  Leader asks what to do when nobody brings anything. Agreed: then the leader brings two.",
        "Mon  15 minutes planned from now on.",
        "Thu  Six of seven bring their own calls.",
    ]
    return _text(folder / "pilot-log.txt", lines)


def _text(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


_MAKERS: dict[str, Callable[[Path, random.Random], Path]] = {
    "kpi-sheet": _kpi_sheet,
    "quarter-sheet": _quarter_sheet,
    "survey-sheet": _survey_sheet,
    "plan-sheet": _plan_sheet,
    "agent-states": _agent_states,
    "survey-answers": _survey_answers,
    "action-log": _action_log,
    "check-log": _check_log,
    "pilot-log": _pilot_log,
}
TABLES = tuple(_MAKERS)
