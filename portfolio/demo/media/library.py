"""The files of the demonstration: each is made once and used by many candidates under different names."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from evidence.rules.timed_text import Cue
from portfolio.demo.media.documents import DOCUMENTS, make_document
from portfolio.demo.media.films import make_film
from portfolio.demo.media.pictures import PHOTOS
from portfolio.demo.media.sheets import TABLES, make_table
from portfolio.demo.media.sound import make_conversation

CALL = (
    "Good morning, you are through to the contact centre, how can I help you?",
    "Hello. I had a letter about my tariff, and the web page says something else.",
    "Let me look that up for you. Bear with me for a moment, please. The table should be here. "
    "No, that is the old one. I am sorry, this takes longer than it should.",
    "That is all right. I only want to know which of the two is right.",
    "The letter is right. I shall make a note, so that nobody asks you again.",
    "Thank you very much.",
)
MEETING = (
    "Here are your four weeks. What do you make of them yourself?",
    "Hold time is too long. I look for the table while the customer waits.",
    "That is what I thought, too. Is there another reason that I do not see?",
    "Only that the search is slow after lunch.",
    "Then let us agree something. What would you try, and how much less would it be?",
    "Twenty seconds less hold by the end of next month. I keep the table open.",
    "Good. I write it down: hold, twenty seconds, end of next month. We look at it together then.",
)

# Names under which people hand a file in; the first ones are those that systems trip over.
_NAMES: Mapping[str, Sequence[str]] = {
    "call-audio": ("Anruf Größe №1", "call 0342 (bleeped)", "listening-session"),
    "meeting-audio": ("1-to-1 – “wrap” & hold?", "Recording 12", "one to one, extract"),
    "wallboard-video": ("huddle 🎬 Monday", "VID_20260914_083412", "Team huddle"),
    "slides-video": ("Board presentation (screen)", "slides with sound"),
    "kpi-sheet": ("Team report – 5 weeks (final) v2", "KPI five weeks", "weekly figures"),
    "agent-states": ("export_agent_states_半時間", "agent states", "states export"),
    "monthly-pack": ("تقرير الأداء الشهري", "Monthly pack", "pack, pages 1-4"),
    "statement": ("Witness statement – signed", "statement (scan)", "testimony"),
    "analysis-pdf": ("Repeat calls – why?", "Analysis of repeat calls"),
    "action-log": ("action.log.of.my.team", "Action log"),
    "board-photo": ("IMG_2071 (1)", "wallboard 10-40", "board"),
    "whiteboard-photo": ("Tafel: Versprechen → Ziel", "whiteboard", "IMG_1188"),
    "sticky-photo": ("keep change drop!", "stickies"),
    "certificate": ("Certificate Coaching at work", "Zertifikat"),
    "survey-sheet": ("Survey results, 41 answers", "survey"),
    "survey-answers": ("answers;raw", "raw answers"),
    "quarter-pdf": ("Q3 under the microscope", "Quarter"),
    "quarter-sheet": ("Q3 figures", "quarter figures"),
    "check-log": ("200 chats checked", "check log"),
    "proposal-pdf": ("Proposal v3 – one conversation a week", "proposal_v3"),
    "plan-sheet": ("Introduction plan", "plan (stages)"),
    "plan-pdf": ("Introduction plan, printed", "plan"),
    "pilot-log": ("pilot wk 1+2", "pilot log"),
    "pilot-pdf": ("Pilot, weeks 3-5", "pilot results"),
    "leaflet-pdf": ("Adjusted targets – leaflet", "leaflet"),
}


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file on this machine, the names (without suffix) that people give it, and what is said in it when."""

    path: Path
    names: Sequence[str]
    cues: Sequence[Cue] = ()

    def name(self, number: int) -> str:
        """The name under which the n-th candidate hands it in."""
        return self.names[number % len(self.names)] + self.path.suffix


@dataclass(slots=True)
class Library:
    """All files by key, and what had to be left out with the reason, as sentences."""

    files: dict[str, MadeFile] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def make_library(folder: Path, seed: int, taken_at: datetime) -> Library:
    """Make every file in a folder. `taken_at` is when the photographs say that they were taken."""
    chance = random.Random(f"files {seed}")  # noqa: S311  figures in a spreadsheet, nothing secret
    made = Library()
    cues: dict[str, Sequence[Cue]] = {}
    paths: dict[str, Path] = {}
    for name, turns in (("call-audio", CALL), ("meeting-audio", MEETING)):
        spoken = make_conversation(folder, name, turns)
        paths[name] = spoken.path
        cues[name] = [Cue(*span, turn) for span, turn in zip(spoken.spans, turns, strict=True)]
    for name in DOCUMENTS:
        paths[name] = make_document(folder, name)
    for name in TABLES:
        paths[name] = make_table(folder, name, chance)
    for name, draw in PHOTOS.items():
        paths[name] = folder / f"{name}.jpg"
        draw(paths[name], taken_at)
    for name in ("wallboard-video", "slides-video"):
        film = make_film(folder, name, paths["meeting-audio"])
        paths[name] = film or paths["meeting-audio"]
        if film is None:
            made.notes.append(f"Without ffmpeg there is no film: {name} is its sound only.")
    made.files = {key: MadeFile(path, _NAMES[key], cues.get(key, ())) for key, path in paths.items()}
    return made
