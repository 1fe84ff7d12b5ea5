"""Letting somebody faster send the bytes: nginx beside us for a local store, the S3 store itself for a bucket.

Both are off unless the settings name them. Whoever asks for a response here has checked the right to the file, for
this very request: what leaves is of no use to others (nginx) or for long (a signed address).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from starlette.responses import Response

from evidence.storage import BlobStore
from evidence.storage.local import LocalStore
from evidence.storage.protocol import key_for

_SHOWN_BY_RANGES = ("audio/", "video/")


@runtime_checkable
class Signing(Protocol):
    """A store that can give out an address of a blob, for a while."""

    def signed_url(self, key: str, seconds: int, content_type: str, disposition: str) -> str:
        """An address at which anybody may GET the blob for so many seconds, with these two headers."""
        ...


@dataclass(frozen=True, slots=True)
class Handing:
    """How bytes leave. `accel_path`: the internal location of nginx that is the store's folder, "" for none.
    `signed_seconds`: how long a signed address of S3 is good for, 0 for none."""

    accel_path: str = ""
    signed_seconds: int = 0

    def response(
        self, store: BlobStore, key: str, headers: Mapping[str, str], *, method: str
    ) -> Response | None:
        """An answer without the bytes, which somebody else sends; None when we send them ourselves.

        `headers` are those of a whole answer. Ranges are the business of who sends. May raise Unavailable.
        """
        if not (self.accel_path or self.signed_seconds):
            return None
        for holder in _holders(store):
            if isinstance(holder, LocalStore) and self.accel_path and holder.exists(key):
                # nginx adds that it takes ranges
                kept = {name: value for name, value in headers.items() if name != "Accept-Ranges"}
                return Response(headers={**kept, "X-Accel-Redirect": f"{self.accel_path}/{key}"})
            if isinstance(holder, Signing) and self._signs(headers, method) and holder.exists(key):
                return self._redirect(holder, key, headers)
        return None

    def media_origin(self, store: BlobStore) -> str:
        """Where players get bytes from beside our own address, such as "https://s3.example.org"; "" for nowhere."""
        if not self.signed_seconds:
            return ""
        signing = [each for each in _holders(store) if isinstance(each, Signing)]
        if not signing:
            return ""
        parts = urlsplit(signing[0].signed_url(key_for("0" * 64), 1, "video/mp4", "inline"))
        return f"{parts.scheme}://{parts.netloc}"

    def _signs(self, headers: Mapping[str, str], method: str) -> bool:
        """Recordings and downloads; what is shown inside our pages keeps the protection of our headers."""
        kind, way = headers["Content-Type"], headers["Content-Disposition"]
        # The method is part of the signature, so HEAD is answered here
        return (
            bool(self.signed_seconds)
            and method == "GET"
            and (kind.startswith(_SHOWN_BY_RANGES) or way.startswith("attachment"))
        )

    def _redirect(self, holder: Signing, key: str, headers: Mapping[str, str]) -> Response:
        kind, way = headers["Content-Type"], headers["Content-Disposition"]
        return Response(
            status_code=307,
            headers={
                "Location": holder.signed_url(key, self.signed_seconds, kind, way),
                "Cache-Control": "private, no-store",
                "Referrer-Policy": "no-referrer",
            },
        )


OURSELVES = Handing()


def _holders(store: BlobStore) -> Iterator[BlobStore]:
    """The stores behind a store, its own first."""
    own = store.name
    for name in sorted(store.names, key=lambda name: name != own):
        yield store.at(name)
