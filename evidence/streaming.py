"""Reading request bodies: straight into the blob store, in constant memory, whatever the size.

`receive_raw` takes a body that is one file; `receive_form` an HTML form with fields and files. Both run on
the event loop and write in threads. Files of a form that breaks off after them stay in the store without
a row, until the sweep of unused blobs; nothing else is left behind.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from evidence.header_values import decoded, parse_parameters
from evidence.storage import BlobStore, BlobWriter, StoredBlob
from portfolio.core.errors import Invalid, TooLarge

_BUFFER_BYTES = 1024 * 1024
_PIECE_BYTES = 64 * 1024
_HEADER_BYTES = 32 * 1024  # of one part; room for a file name of any shape
_HEADER_COUNT = 16
_MEBIBYTE = 1024 * 1024

# Apart from the threads that serve requests: a slow store delays uploads and nothing else.
_WRITERS = ThreadPoolExecutor(16, thread_name_prefix="blob-write")

Fields = list[tuple[str, str]]
FieldsHook = Callable[[Fields], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class FormLimits:
    """What one form may hold. Sizes in bytes; those of fields count the text as sent."""

    max_file_bytes: int
    max_files: int = 100
    max_fields: int = 1000
    max_field_bytes: int = 1 * _MEBIBYTE
    max_fields_bytes: int = 4 * _MEBIBYTE


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file of a form. `filename` and `claimed_type` are the client's words: clean the one, distrust the other."""

    field: str
    filename: str
    claimed_type: str
    blob: StoredBlob


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """Text fields and files, each in the order they came."""

    fields: Fields = field(default_factory=list)
    files: list[ReceivedFile] = field(default_factory=list)

    def first(self, name: str, default: str = "") -> str:
        """The first value of a field."""
        return next((value for key, value in self.fields if key == name), default)


async def receive_raw(
    stream: AsyncIterator[bytes], store: BlobStore, max_bytes: int, expected_bytes: int | None = None
) -> StoredBlob:
    """Store a body that is one file, and nothing of it when it does not arrive whole.

    `expected_bytes` is the announced Content-Length. TooLarge(limit=…) at once when that or the bytes
    exceed `max_bytes`; Invalid when another number of bytes came than announced; Unavailable from the
    store; whatever the stream raises when the client leaves.
    """
    if expected_bytes is not None and expected_bytes > max_bytes:
        raise TooLarge("The file is larger than is allowed.", limit=max_bytes)
    async with _Sink(store, max_bytes) as sink:
        async for chunk in stream:
            await sink.write(chunk)
        if expected_bytes is not None and sink.size != expected_bytes:
            raise Invalid("The file did not arrive whole.", received=sink.size, expected=expected_bytes)
        return await sink.finish()


async def receive_form(
    headers: Mapping[str, str],
    stream: AsyncIterator[bytes],
    store: BlobStore,
    limits: FormLimits,
    on_fields_before_first_file: FieldsHook | None = None,
) -> ReceivedForm:
    """Read a form, `multipart/form-data` or `application/x-www-form-urlencoded`, files into the store.

    `headers` needs "content-type" (any mapping that ignores case, or lower-case names). The hook gets the
    fields that came before the first file, or all fields when there is no file, and runs before any byte
    of a file is kept; it may be a coroutine function, and what it raises ends the reading.

    An empty file input (no name, no bytes) is left out. Invalid for a body that is no such form or breaks
    off; TooLarge(limit=…) for too many or too large fields and files.
    """
    kind, options = parse_parameters(headers.get("content-type", ""))
    form = ReceivedForm()
    hook = _Once(on_fields_before_first_file, form.fields)
    if kind == "application/x-www-form-urlencoded":
        form.fields.extend(await _urlencoded(stream, limits))
    elif kind == "multipart/form-data" and options.get("boundary"):
        async with _FormReader(store, limits, form, hook) as reader:
            await reader.read(stream, options["boundary"].encode("latin-1", "replace"))
    else:
        raise Invalid("The request is not a form.", content_type=kind)
    await hook.call()
    return form


async def drain(stream: AsyncIterator[bytes], max_bytes: int = 16 * _MEBIBYTE, seconds: float = 5.0) -> bool:
    """Read on and throw away, so that a browser which is still sending gets to read a refusal.

    Stops after `max_bytes` or `seconds`. Whether the end was reached.
    """
    left = max_bytes
    try:
        async with asyncio.timeout(seconds):
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    return False
    except TimeoutError:
        return False
    return True


class _Sink:
    """A blob writer behind the event loop: one buffer fills while the last one is written in a thread."""

    def __init__(self, store: BlobStore, max_bytes: int) -> None:
        self._store, self._max = store, max_bytes
        self._writer: BlobWriter | None = None
        self._closed = False
        self._lock = threading.Lock()  # orders the threads when the loop no longer waits for one
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._writing: asyncio.Future[None] | None = None
        self.size = 0

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self._max:
            raise TooLarge("The file is larger than is allowed.", limit=self._max)
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting >= _BUFFER_BYTES:
            await self._hand_over()

    async def finish(self) -> StoredBlob:
        await self._hand_over()
        await self._settled()
        return await asyncio.get_running_loop().run_in_executor(_WRITERS, self._finish)

    async def close(self) -> None:
        """Abort unless finished. Safe to call twice; when cancelled meanwhile, the thread still does it."""
        if not self._closed:
            if self._writing is not None:
                self._writing.add_done_callback(_heard)
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(_WRITERS, self._abort))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _hand_over(self) -> None:
        chunks, self._chunks, self._waiting = self._chunks, [], 0
        await self._settled()
        self._writing = asyncio.get_running_loop().run_in_executor(_WRITERS, self._write, chunks)

    async def _settled(self) -> None:
        """Wait for the write that is under way, and raise what it raised."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    def _write(self, chunks: list[bytes]) -> None:
        with self._lock:
            if self._closed:
                return
            if self._writer is None:
                self._writer = self._store.writer(self._max)
            self._writer.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def _finish(self) -> StoredBlob:
        with self._lock:
            assert self._writer is not None
            blob = self._writer.finish()
            self._closed = True
            return blob

    def _abort(self) -> None:
        with self._lock:
            self._closed = True
            if self._writer is not None:
                self._writer.abort()


def _heard(writing: "asyncio.Future[None]") -> None:
    """Nobody waits for this write any more; take its error, so that asyncio does not report it."""
    if not writing.cancelled():
        writing.exception()


class _Once:
    """Calls the hook at most once, with the fields read so far."""

    def __init__(self, hook: FieldsHook | None, fields: Fields) -> None:
        self._hook, self._fields = hook, fields

    async def call(self) -> None:
        hook, self._hook = self._hook, None
        if hook is not None and (waiting := hook(list(self._fields))) is not None:
            await waiting


async def _urlencoded(stream: AsyncIterator[bytes], limits: FormLimits) -> Fields:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > limits.max_fields_bytes:
            raise TooLarge("The form holds too much text.", limit=limits.max_fields_bytes)
    if body.count(b"&") >= limits.max_fields:
        raise TooLarge("The form holds too many fields.", limit=limits.max_fields)
    # Latin-1 gives every byte one letter, so that the encoding can be judged value by value
    text = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in text]
    if any(len(value) > limits.max_field_bytes for _, value in pairs):
        raise TooLarge("A field of the form holds too much text.", limit=limits.max_field_bytes)
    return [(decoded(name), decoded(value)) for name, value in pairs]


@dataclass(slots=True)
class _Part:
    """The part that is being read: text collects in `text`, a file goes through `sink`."""

    name: str
    filename: str | None
    claimed_type: str
    charset: str
    text: bytearray = field(default_factory=bytearray)
    sink: _Sink | None = None


class _Mark(Enum):
    PART_END = 1
    END = 2


class _FormReader:
    """Turns what the parser calls back, which cannot wait, into steps that can."""

    def __init__(self, store: BlobStore, limits: FormLimits, form: ReceivedForm, hook: _Once) -> None:
        self._store, self._limits, self._form, self._hook = store, limits, form, hook
        self._events: list[_Part | bytes | _Mark] = []
        self._headers: dict[str, str] = {}
        self._name, self._value = bytearray(), bytearray()
        self._part: _Part | None = None
        self._fields_bytes = 0
        self._fields_count = 0

    async def read(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        ended = False
        try:
            parser = self._parser(boundary)
            async for chunk in stream:
                for start in range(0, len(chunk), _PIECE_BYTES):
                    parser.write(chunk[start : start + _PIECE_BYTES])
                    ended = await self._process() or ended
        except FormParserError as error:
            raise Invalid("The form did not arrive as a browser sends it.", reason=str(error)) from error
        if not ended:
            raise Invalid("The form broke off before its end.")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._part is not None and self._part.sink is not None:
            await self._part.sink.close()

    def _parser(self, boundary: bytes) -> MultipartParser:
        note = self._events.append
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_begin": self._clear_header,
                "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._keep_header,
                "on_headers_finished": lambda: note(self._begun_part()),
                "on_part_data": lambda data, start, end: note(data[start:end]),
                "on_part_end": lambda: note(_Mark.PART_END),
                "on_end": lambda: note(_Mark.END),
            },
            max_header_count=_HEADER_COUNT,
            max_header_size=_HEADER_BYTES,
        )

    def _clear_header(self) -> None:
        self._name.clear()
        self._value.clear()

    def _keep_header(self) -> None:
        self._headers[self._name.decode("ascii", "replace").lower()] = decoded(bytes(self._value))

    def _begun_part(self) -> _Part:
        kind, options = parse_parameters(self._headers.get("content-disposition", ""))
        if kind != "form-data" or "name" not in options:
            raise Invalid("The form did not arrive as a browser sends it.", reason="a part without a name")
        claimed, type_options = parse_parameters(self._headers.get("content-type", ""))
        return _Part(options["name"], options.get("filename"), claimed, type_options.get("charset", ""))

    async def _process(self) -> bool:
        """Do what the last piece of the body asks for. Whether it held the end of the form."""
        events = self._events[:]
        self._events.clear()
        for event in events:
            if isinstance(event, _Part):
                self._part = event
                self._count(event)
            elif isinstance(event, bytes):
                await self._take(event)
            elif event is _Mark.PART_END:
                await self._end_part()
        return _Mark.END in events

    def _count(self, part: _Part) -> None:
        if part.filename is None:
            self._fields_count += 1
            if self._fields_count > self._limits.max_fields:
                raise TooLarge("The form holds too many fields.", limit=self._limits.max_fields)

    async def _take(self, data: bytes) -> None:
        part = self._part
        assert part is not None
        if part.filename is not None:
            await (await self._sink(part)).write(data)
            return
        part.text += data
        self._fields_bytes += len(data)
        if len(part.text) > self._limits.max_field_bytes:
            limit = self._limits.max_field_bytes
            raise TooLarge("A field of the form holds too much text.", limit=limit, field=part.name)
        if self._fields_bytes > self._limits.max_fields_bytes:
            raise TooLarge("The form holds too much text.", limit=self._limits.max_fields_bytes)

    async def _sink(self, part: _Part) -> _Sink:
        """The sink of a file part, opened when its first byte (or its end) comes, after the hook."""
        if part.sink is None:
            if len(self._form.files) >= self._limits.max_files:
                raise TooLarge("The form holds too many files.", limit=self._limits.max_files)
            await self._hook.call()
            part.sink = _Sink(self._store, self._limits.max_file_bytes)
        return part.sink

    async def _end_part(self) -> None:
        part = self._part
        assert part is not None
        if part.filename is None:
            self._form.fields.append((part.name, decoded(bytes(part.text), part.charset)))
        elif part.filename or part.sink:
            blob = await (await self._sink(part)).finish()
            self._form.files.append(ReceivedFile(part.name, part.filename, part.claimed_type, blob))
        self._part = None
