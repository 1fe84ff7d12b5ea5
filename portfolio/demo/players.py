"""A candidate while the story is told: who they are, what they have made so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy.orm import Session

from evidence.rules.timed_text import Cue
from evidence.storage import StoredBlob
from portfolio.core.actor import Actor, Role
from portfolio.demo.cast import Company, actor_as
from portfolio.demo.history import History
from portfolio.demo.story import Item, Journey, Story
from portfolio.demo.words import Setting


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the library that is in the store already, and what is said in it."""

    blob: StoredBlob
    media_type: str
    names: tuple[str, ...]
    cues: Sequence[Cue] = ()


@dataclass(slots=True)
class Stage:
    """What every act needs."""

    story: Story
    company: Company
    history: History
    files: dict[str, StoredFile] = field(default_factory=dict)


@dataclass(slots=True)
class Player:
    """A candidate. `items` and `submissions` hold codes by the key of the item; the newest submission counts."""

    stage: Stage
    number: int
    journey: Journey
    setting: Setting
    person_id: int = 0
    portfolio_id: int = 0
    portfolio_code: str = ""
    items: dict[str, str] = field(default_factory=dict)
    submissions: dict[str, str] = field(default_factory=dict)

    def actor(self, session: Session) -> Actor:
        """The candidate."""
        return actor_as(session, self.person_id, Role.CANDIDATE)

    def assessor(self, session: Session, key: str = "") -> Actor:
        """The member of staff of this key, or the candidate's own assessor."""
        return self.stage.company.actor(session, key or self.journey.assessor)

    def item(self, key: str) -> Item:
        """The item of this key as the script has it."""
        return self.stage.story.items[key]

    def title(self, item: Item) -> str:
        """Which of the item's titles this candidate gives it; braces are not filled yet."""
        return item.titles[self.number % len(item.titles)]

    def site_code(self) -> str:
        """The code of the site where the candidate works."""
        return self.stage.company.sites[self.setting.site][1]

    def work_day(self, item: Item, days_ago: int) -> date:
        """When the work was done, for an item that is begun so many working days ago: the day before, usually."""
        history = self.stage.history
        if item.occurred_days_ago is not None:
            return history.today - timedelta(days=item.occurred_days_ago)
        return history.day(days_ago + 1)
