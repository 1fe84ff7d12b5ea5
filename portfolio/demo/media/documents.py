"""The PDF documents of the demonstration: a monthly pack, an analysis, a proposal and others. No real names."""

from collections.abc import Sequence
from pathlib import Path

from portfolio.demo.media.pdf import Bars, Block, Heading, Table, Text, write_pdf

Pages = Sequence[Sequence[Block]]

_PACK: Pages = (
    (
        Heading("Monthly performance pack"),
        Text(
            "Contact centre operations. For managers and planners. Names of agents are replaced by numbers."
        ),
        Text(
            "Page 2: results beside target and last year. Page 3: what lies behind them. Page 4: next steps."
        ),
    ),
    (
        Heading("Results of the team"),
        Table(
            (
                ("Measure", "Target", "This month", "Same month last year"),
                ("Handling time", "6:30", "6:24", "7:02"),
                ("Service level", "80 %", "78 %", "81 %"),
                ("First-contact resolution", "70 %", "73 %", "66 %"),
                ("Quality score", "85", "88", "84"),
                ("Adherence", "93 %", "91 %", "94 %"),
            )
        ),
        Bars((("Week 1", 76), ("Week 2", 81), ("Week 3", 71), ("Week 4", 84))),
        Text("Bars: service level by week. Week 3 lies outside the usual range of 74 to 86."),
    ),
    (
        Heading("What lies behind them"),
        Text(
            "Above target: resolution at the first contact. Forty calls were heard. In thirty-one the agent "
            "read the last note aloud before asking anything; that habit came with the new template."
        ),
        Text(
            "Below target: adherence. Not the agents: the planning tool moved breaks by fifteen minutes after "
            "the clocks changed, and nobody told the floor. Checked with planning and with six agents."
        ),
    ),
    (
        Heading("Next steps"),
        Table(
            (
                ("What", "Who", "Until"),
                ("Planning sends changes of breaks by message", "Planning", "next Monday"),
                ("Template of notes for the second queue", "Team leader", "end of the month"),
                ("Look at week 3 again with another month", "Analyst", "next pack"),
            )
        ),
    ),
)

_ANALYSIS: Pages = (
    (
        Heading("Why customers ring twice"),
        Text(
            "Sixty repeat calls of one month were sorted by hand. Two people sorted the first twenty "
            "separately and agreed on eighteen; the two others were talked through."
        ),
        Bars((("Letter and web page differ", 26), ("Note missing", 19), ("Wrong advice", 9), ("Unclear", 6))),
    ),
    (
        Heading("Cause by cause"),
        Table(
            (
                ("Cause", "Calls", "Kind", "Answer"),
                ("Letter contradicts the web page", "26", "Process", "Change the letter"),
                ("Note of the first call missing", "19", "System", "Template for notes"),
                ("Wrong advice", "9", "Knowledge", "Coaching for three agents"),
                ("Unclear", "6", "-", "None; look again in a month"),
            )
        ),
        Text("The nine calls with wrong advice came from three agents who had missed the same briefing."),
    ),
    (
        Heading("What it would change"),
        Text(
            "If the letter is changed, about four in ten repeat calls should go. If they do not, the sorting "
            "was wrong, and I shall do it again with a colleague from the other site."
        ),
    ),
)

_QUARTER: Pages = (
    (
        Heading("A quarter of results, thirteen weeks"),
        Text("Two departments, four measures. Data from the analyst; charts and conclusions are mine."),
        Table(
            (
                ("Measure", "Department 1", "Department 2"),
                ("Handling time", "6:31", "7:12"),
                ("Resolution", "72 %", "69 %"),
                ("Quality", "87", "83"),
                ("Welfare survey", "3.9", "3.4"),
            )
        ),
    ),
    (
        Heading("Where the system drives good service"),
        Text("Where quality and speed stand side by side on the leader's page, both move together."),
        Bars((("Both shown", 88), ("Speed only", 79), ("Quality only", 85))),
    ),
    (
        Heading("Where it works against it"),
        Text(
            "At the end of each month contacts are closed on the last day and opened again two days later: "
            "140 in each of the three months. The bonus counts closed contacts on the last day."
        ),
        Bars((("Day 28", 31), ("Day 29", 38), ("Day 30", 96), ("Day 1", 22), ("Day 2", 74))),
    ),
    (
        Heading("How far the data can be trusted"),
        Table(
            (
                ("Source", "Complete", "Accurate", "Timely"),
                ("Calls", "yes", "yes", "within minutes"),
                ("Chats", "a fifth missing", "lunch counted", "next morning"),
                ("Adherence", "yes", "yes", "a day late"),
            )
        ),
    ),
)

_PROPOSAL: Pages = (
    (
        Heading("One conversation a week"),
        Text("Proposal to the operations board, version 3. Comments of the staff forum are taken in."),
        Text(
            "In short: four measures in place of nine, a talk of fifteen minutes each week in place of a form "
            "each month, a pilot of five weeks before anything else is changed."
        ),
    ),
    (
        Heading("Measures and targets"),
        Table(
            (
                ("Side", "Measure", "Target"),
                ("Quality", "Score of four calls or chats", "85, growing in the first three months"),
                ("Customer", "Settled at the first contact", "72 %"),
                ("Productivity", "Handling time, as a range", "5:30 to 7:30"),
                ("Welfare", "Would you come again tomorrow?", "4 of 5"),
            )
        ),
        Text("Nine measures leave the screen, among them contacts a day and occupancy."),
    ),
    (
        Heading("How feedback is given"),
        Table(
            (
                ("Question", "Answer"),
                ("How often?", "Each week, fifteen minutes, in working time"),
                ("By whom?", "The team leader; every fourth week another one"),
                ("On what?", "One contact that the agent brings, one that the leader brings"),
                ("Recorded how?", "One line: measure, amount, date; both see it"),
            )
        ),
    ),
    (
        Heading("Cost, effort, benefit"),
        Table(
            (
                ("Item", "Hours a week"),
                ("Leaders' time for talks", "+ 19"),
                ("Form no longer filled in", "- 12"),
                ("Repeat calls, one in ten fewer", "- 41"),
            )
        ),
        Text("One-off: two days for the leaders' practice, three for the analyst. No new software."),
    ),
)

_PLAN: Pages = (
    (
        Heading("Plan of introduction"),
        Table(
            (
                ("Stage", "Weeks", "Responsible", "Goes on if"),
                ("1 Pilot, one team", "5", "Project lead", "talks take under 20 minutes"),
                ("2 Department", "6", "Operations manager", "no fall in quality"),
                ("3 Site", "open", "Head of centre", "survey at 3.5 or more"),
            )
        ),
        Text("The decision after each stage is made by the person named, in writing, with the figures."),
    ),
    (
        Heading("The way back"),
        Text(
            "Until the end of stage 2 the old form stays available, and its data are kept. Going back takes one "
            "message to the leaders. Bonus rules are not touched before stage 3."
        ),
    ),
)

_PILOT: Pages = (
    (
        Heading("Pilot, weeks three to five"),
        Table(
            (
                ("In a hundred contacts", "Before", "After"),
                ("Repeat calls, pilot team", "18", "14"),
                ("Repeat calls, team beside it", "18", "17"),
            )
        ),
        Text("So about three of the four points may come from the pilot."),
    ),
    (
        Heading("What was adjusted"),
        Text("Leaders swap teams every fourth week. Asked for by agents in week three, begun in week four."),
        Text("The sheet for notes has room for two lines. Changed in week one already."),
    ),
)

_CERTIFICATE: Pages = (
    (
        Heading("Certificate of attendance"),
        Text("Coaching at work: three days, twenty-one hours, with an assessed practice conversation."),
        Text("Topics: listening, questions, agreeing on actions, following up. Result: passed."),
    ),
)

_STATEMENT: Pages = (
    (
        Heading("Statement of a witness"),
        Text(
            "I was responsible for the floor in the weeks described. I went through the log of the shifts, talked "
            "with the agents and confirm what is written in the testimony."
        ),
        Text("I have worked in contact centres for eleven years and lead three teams."),
        Text("Signed and dated. The original is kept in the personnel office."),
    ),
)

_LEAFLET: Pages = (
    (
        Heading("Adjusted targets: how we agree them"),
        Text("Ask before the month begins. Agree measure, amount and period together. Write one line."),
        Text("Part-time and home working: rates, never counts. A disability: what removes the disadvantage."),
        Text("Who may know: the person, the leader, planning. Nobody else, and no reason is recorded."),
    ),
    (
        Heading("On the back: figures that can be adjusted"),
        Table(
            (
                ("Figure", "Sum", "Source"),
                ("Handling time", "talk + hold + wrap / contacts", "telephony platform"),
                ("Service level", "answered in 20 s / offered", "telephony platform"),
                ("Quality score", "points / possible points", "scoring sheet"),
                ("Adherence", "minutes in plan / planned minutes", "planning tool"),
            )
        ),
    ),
)

DOCUMENTS: dict[str, tuple[str, Pages]] = {
    "monthly-pack": ("Monthly performance pack", _PACK),
    "analysis-pdf": ("Why customers ring twice", _ANALYSIS),
    "quarter-pdf": ("A quarter of results", _QUARTER),
    "proposal-pdf": ("One conversation a week", _PROPOSAL),
    "plan-pdf": ("Plan of introduction", _PLAN),
    "pilot-pdf": ("Pilot, weeks three to five", _PILOT),
    "certificate": ("Certificate of attendance", _CERTIFICATE),
    "statement": ("Statement of a witness", _STATEMENT),
    "leaflet-pdf": ("Adjusted targets", _LEAFLET),
}


def make_document(folder: Path, name: str) -> Path:
    """The document of this name as a PDF file in a folder."""
    path = folder / f"{name}.pdf"
    title, pages = DOCUMENTS[name]
    write_pdf(path, title, pages)
    return path
