"""The blocking steps of resumable uploads, each with its own transactions: what a request does in a thread.

Used by the routes and by the jobs. Bytes become durable before the row that counts them; a file is attached
after its bytes are in their place; whatever a crash leaves between two steps, the next try finds and finishes.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from evidence.models import Upload
from evidence.queries.uploads import get_upload, place_of
from evidence.rules import tus
from evidence.rules.tus import UploadState
from evidence.service import check_upload
from evidence.service import uploads as service
from evidence.service.sweep import check_stored
from evidence.sniff import sniff_blob
from evidence.storage import BlobStore
from evidence.storage.partial import PartialBusy, PartialMissing, PartialWriter, Place
from evidence.uploads.digests import Digests
from portfolio.core import clock
from portfolio.core.actor import Actor
from portfolio.core.db import Database
from portfolio.core.errors import Unavailable
from portfolio.core.settings import Settings

log = logging.getLogger("evidence.uploads")
TAKE_OVER_SECONDS = 1.0
"""How long a request waits for an older one to let go."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An upload as its rows show it. Sizes in bytes; `metadata` as the client sent it."""

    code: str
    length: int
    received: int
    metadata: str
    expires_at: datetime
    is_complete: bool

    @property
    def url(self) -> str:
        """Its address, from the root of the site: never built from what a request says of its host."""
        return f"/uploads/{self.code}"


class Desk:
    """Where uploads are begun, taken over, completed and ended. Safe for many threads; one for an application."""

    def __init__(self, database: Database, store: BlobStore, settings: Settings) -> None:
        self.database, self.store = database, store
        self.partials = store.partials
        self.digests = Digests()
        self.max_bytes = settings.max_file_bytes
        self._life = timedelta(days=settings.upload_days)
        self._quota = tus.Quota(settings.max_unfinished_bytes, settings.max_unfinished_uploads)
        self._completing: set[str] = set()
        self._lock = threading.Lock()

    def create(self, actor: Actor, item_code: str, said: service.Announced) -> tuple[Standing, bool]:
        """Begin an upload for an item, or know one again; and whether it is new. Raises as `create_upload`."""
        with self.database.write() as session:
            upload, is_new = service.create_upload(
                session, actor, item_code, said, self.store.name, self._quota, self._life
            )
            return _standing(upload), is_new

    def look(self, actor: Actor, code: str) -> Standing:
        """Where the actor's upload stands. NotFound, Ended."""
        with self.database.read() as session:
            return _standing(get_upload(session, actor, code, clock.now())[0])

    def check_appending(self, actor: Actor, code: str, offset: int, body_bytes: int | None) -> Standing:
        """Whether a body may be appended: everything that can be known before its first byte is read.

        NotFound, Ended; Locked when the item is no draft any more; OffsetConflict, TooLarge.
        """
        with self.database.read() as session:
            upload, evidence = get_upload(session, actor, code, clock.now())
            if upload.state is UploadState.OPEN:
                check_upload(session, actor, evidence.code)
            tus.check_place(offset, upload.received_bytes, upload.length_bytes, body_bytes)
            return _standing(upload)

    def take_over(self, actor: Actor, code: str, offset: int, body_bytes: int | None) -> PartialWriter:
        """The writer that goes on at `offset`; an older request with this upload stores nothing more.

        Raises as `check_appending`; Busy when the older one does not let go within a second; OffsetConflict
        too when the earlier bytes are gone, and the upload then begins anew.
        """
        with _in_time(), self.partials.hold(code, TAKE_OVER_SECONDS), self._at_once() as session:
            hold = service.take_over(session, actor, code, self.store, offset, body_bytes)
        try:
            return self.partials.open(hold.place, _Rows(self.database, hold, self._life))
        except PartialMissing as error:
            self._start_again(hold.upload_id, code)
            raise tus.OffsetConflict(error.message, offset=0) from error

    def begin_anew(self, actor: Actor, code: str, cause: PartialMissing) -> tus.OffsetConflict:
        """The store lost the earlier bytes while a body came: count nothing any more, and what the client is told.

        NotFound, Ended.
        """
        with self.database.read() as session:
            upload_id = get_upload(session, actor, code, clock.now())[0].id
        self._start_again(upload_id, code)
        return tus.OffsetConflict(cause.message, offset=0)

    def complete(self, actor: Actor, code: str) -> None:
        """Make a file of an upload that has all its bytes, once; nothing happens when that is done already.

        NotFound, Ended; Locked and Invalid as `check_upload`, and the bytes are kept for another try; Busy
        while another thread or process is at it; OffsetConflict when the bytes are gone.
        """
        with self._only_one(code), _in_time(), self.partials.hold(code, TAKE_OVER_SECONDS):
            with self.database.read() as session:
                upload, evidence = get_upload(session, actor, code, clock.now())
                if upload.state is UploadState.COMPLETE:
                    return
                check_upload(session, actor, evidence.code)
                place, known = place_of(session, upload), upload.sha256
            if place.received < place.length:
                raise tus.OffsetConflict("Not everything has arrived yet.", offset=place.received)
            try:
                self._publish(actor, upload.id, place, known)
            except PartialMissing as error:
                self._recover(actor, upload.id, code, error)
        self.clear(upload.id, code)

    def complete_for_sender(self, upload_id: int) -> None:
        """Complete an upload on behalf of the person who sends it: what the job does. Raises as `complete`."""
        with self.database.read() as session:
            upload = session.get(Upload, upload_id)
            if upload is None or upload.state is not UploadState.OPEN:
                return
            actor, code = service.sender_of(session, upload), upload.code
        self.complete(actor, code)

    def terminate(self, actor: Actor, code: str) -> None:
        """Give an upload up and free what it took. Safe to repeat. NotFound, Locked, Busy."""
        try:
            self.look(actor, code)
        except tus.Ended:
            return
        with _in_time(), self.partials.hold(code, TAKE_OVER_SECONDS), self._at_once() as session:
            upload_id = service.terminate_upload(session, actor, code)
        if upload_id is not None:
            self.clear(upload_id, code)

    def expire_overdue(self) -> int:
        """End the uploads whose time is over; how many."""
        with self.database.read() as session:
            overdue = [(row.id, row.code) for row in service.overdue_uploads(session)]
        ended = 0
        for upload_id, code in overdue:
            try:
                with self.partials.hold(code, TAKE_OVER_SECONDS), self.database.write() as session:
                    ended += service.expire_upload(session, upload_id)
            except PartialBusy:
                continue  # somebody is writing: it lives
        return ended

    def clear_ended(self) -> None:
        """Free what ended uploads took and a crash left, then forget the oldest of them."""
        with self.database.read() as session:
            ended = [(row.id, row.code) for row in service.uncleared_uploads(session)]
        for upload_id, code in ended:
            self.clear(upload_id, code)
        with self.database.write() as session:
            service.forget_ended(session)

    def sweep(self, older_than: datetime) -> int:
        """Remove what lies among the unfinished, was last touched before the moment, and no row knows."""
        swept = 0
        for code in sorted(set(self.partials.leftovers(older_than))):
            with self.database.read() as session:
                known = service.is_open(session, code)
            if not known:
                self.partials.remove(code)
                swept += 1
        return swept

    def clear(self, upload_id: int, code: str) -> None:
        """Remove what is left of an ended upload among the unfinished. A store that is away keeps it till later."""
        self.digests.forget(code)
        try:
            self.partials.remove(code)
        except Unavailable as error:
            log.warning("an ended upload is cleared later: %s", error)
            return
        with self.database.write() as session:
            service.note_cleared(session, upload_id)

    def _publish(self, actor: Actor, upload_id: int, place: Place, known: str | None) -> None:
        self.partials.assemble(place)
        sha256 = known or self._digest(place)
        if known is None:
            with self.database.write() as session:
                service.note_digest(session, upload_id, sha256)
        blob = self.partials.publish(place, sha256)
        media_type = sniff_blob(self.store, blob)
        with self.database.write() as session:
            if service.complete_upload(session, actor, upload_id, blob, media_type):
                check_stored(self.store, blob)

    def _digest(self, place: Place) -> str:
        running = self.digests.up_to(place.code, place.length)
        for piece in self.partials.read(place, running.size_bytes):
            running.sha256.update(piece)
        return running.sha256.hexdigest()

    def _recover(self, actor: Actor, upload_id: int, code: str, cause: PartialMissing) -> None:
        """The bytes are not there: somebody else completed it meanwhile, or they are lost and it begins anew."""
        if not self.look(actor, code).is_complete:
            self._start_again(upload_id, code)
            raise tus.OffsetConflict(cause.message, offset=0) from cause

    def _start_again(self, upload_id: int, code: str) -> None:
        log.error("the bytes of an unfinished upload are gone; it begins anew")
        self.digests.forget(code)
        with self.database.write() as session:
            service.start_again(session, upload_id)  # whoever goes on cuts off what is still there

    @contextmanager
    def _at_once(self) -> Iterator[Session]:
        """A write session; Busy when the database stays locked."""
        try:
            with self.database.write(wait_seconds=TAKE_OVER_SECONDS) as session:
                yield session
        except Unavailable as error:
            raise tus.Busy("Too much is going on just now. Try again in a moment.") from error

    @contextmanager
    def _only_one(self, code: str) -> Iterator[None]:
        """Busy while another thread of this process completes the same upload."""
        with self._lock:
            if code in self._completing:
                raise tus.Busy("The file is being checked. Try again in a moment.")
            self._completing.add(code)
        try:
            yield
        finally:
            with self._lock:
                self._completing.discard(code)


class _Rows:
    """The ledger of a writer, over the rows. One short transaction for each call."""

    def __init__(self, database: Database, hold: service.Hold, life: timedelta) -> None:
        self._database, self._hold, self._life = database, hold, life
        self._known_parts = len(hold.place.parts)

    def check(self) -> None:
        with self._database.read() as session:
            service.check_held(session, self._hold)

    def reserve_part(self) -> int:
        with self._database.write() as session:
            return service.reserve_part(session, self._hold)

    def note_multipart(self, multipart_id: str) -> None:
        with self._database.write() as session:
            service.note_multipart(session, self._hold, multipart_id)

    def note(self, place: Place) -> None:
        with self._database.write() as session:
            service.commit_place(session, self._hold, self._known_parts, place, self._life)
        self._known_parts = len(place.parts)


@contextmanager
def _in_time() -> Iterator[None]:
    """What could not be had in time is Busy."""
    try:
        yield
    except PartialBusy as error:
        raise tus.Busy(error.message) from error


def _standing(upload: Upload) -> Standing:
    return Standing(
        upload.code,
        upload.length_bytes,
        upload.received_bytes,
        upload.metadata_line,
        upload.expires_at,
        upload.state is UploadState.COMPLETE,
    )
