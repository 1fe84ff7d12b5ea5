"""Questions and answers of a revision as pages show them."""

from dataclasses import dataclass

from evidence.queries.content import LocatorView, RevisionView
from evidence.rules.asked import asked_rows


@dataclass(frozen=True, slots=True)
class AskedView:
    """A question with its answer; `refs` such as "1.1, 2.3", or ""; `part` where it is heard, or None."""

    question: str
    answer: str
    refs: str = ""
    part: LocatorView | None = None


def asked_views(view: RevisionView) -> list[AskedView]:
    """The rows of a revision, in order. A criterion counts also where an assessor has dropped the mapping since."""
    refs = {each.criterion.code: each.criterion.ref for each in (*view.mappings, *view.dropped)}
    files = {file.code: file for file in view.files}
    return [
        AskedView(
            row.question,
            row.answer,
            ", ".join(refs[code] for code in row.criteria if code in refs),
            LocatorView(files[row.file], row.fragment) if row.file in files else None,
        )
        for row in asked_rows(view.revision.details)
    ]
