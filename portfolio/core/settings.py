"""Settings: one frozen object, built by the caller and passed to `create_app`.

Each setting is read from an environment variable `PORTFOLIO_<NAME>`. Importing this module reads nothing.
"""

import re
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from portfolio.core.errors import Invalid
from portfolio.core.text import why_odd

GIBIBYTE = 1024**3
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """What an installation can choose. Defaults give the embedded shape: SQLite, local folder, inline worker."""

    model_config = SettingsConfigDict(env_prefix="PORTFOLIO_", frozen=True, extra="ignore")

    data_dir: Path = Field(Path("var/portfolio"), description="Folder for the database and the files")
    database_url: str = Field("", description="SQLAlchemy URL; empty means SQLite in the data folder")
    base_url: str = Field("", description="Public address, e.g. https://portfolio.example.org; used in mail")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one")
    forwarded_allow_ips: str = Field("127.0.0.1", description="Proxies whose X-Forwarded-* are believed")
    demo: bool = Field(False, description="A demonstration installation: banner, loopback only")
    allow_demo_outside: bool = Field(False, description="Let a demonstration listen on other than loopback")
    inline_worker: bool = Field(True, description="Run the job worker as a thread inside the server")
    threads: int = Field(40, ge=4, le=400, description="Request threads; the connection pool is as large")

    store: Literal["local", "s3"] = Field("local", description="Where files live")
    s3_endpoint: str = Field(
        "", description="Address of the S3-compatible store; empty means the provider's own"
    )
    s3_region: str = Field("us-east-1", description="Region name")
    s3_bucket: str = Field("", description="Bucket, which must exist")
    s3_prefix: str = Field("", description="Key prefix inside the bucket")
    s3_access_key: SecretStr = Field(SecretStr(""), description="Access key")
    s3_secret_key: SecretStr = Field(SecretStr(""), description="Secret key")

    s3_signed_seconds: int = Field(
        0,
        ge=0,
        le=3600,
        description="Send recordings and downloads from S3 by addresses good for this long; 0: not",
    )
    accel_path: str = Field(
        "", description="Internal location of nginx that is the folder of files, e.g. /stored; empty: not"
    )

    max_file_bytes: int = Field(10 * GIBIBYTE, ge=1, description="Largest file that is accepted, in bytes")
    upload_days: int = Field(7, ge=1, le=365, description="Unfinished uploads are kept this long, in days")
    max_unfinished_bytes: int = Field(
        50 * GIBIBYTE, ge=1, description="Announced bytes of unfinished uploads per person"
    )
    max_unfinished_uploads: int = Field(200, ge=1, description="Number of unfinished uploads per person")
    sweep_after_hours: int = Field(
        24, ge=1, description="Stored bytes without a row are removed after this long, in hours"
    )
    max_form_bytes: int = Field(4 * 1024**2, ge=1024, description="Largest form without files, in bytes")

    clamd: str = Field(
        "",
        description="Virus scanner: host:port or the path of clamd's socket; empty leaves files not scanned",
    )

    smtp_host: str = Field("", description="Mail server; empty keeps messages in the outbox page")
    smtp_port: int = Field(587, ge=1, le=65535, description="Mail server's port")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="Transport security of mail"
    )
    smtp_user: str = Field("", description="Mail account")
    smtp_password: SecretStr = Field(SecretStr(""), description="Mail password")
    mail_from: str = Field("Competency Portfolio <no-reply@localhost>", description="Sender of mail")

    session_idle_minutes: int = Field(
        12 * 60, ge=5, description="Signed out after this long without a request"
    )
    session_absolute_hours: int = Field(14 * 24, ge=1, description="Signed out after this long in any case")

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        if isinstance(value, str | Path) and (reason := why_odd(str(value))):
            raise ValueError(reason)
        return value

    @field_validator("data_dir", mode="before")
    @classmethod
    def _folder(cls, value: object) -> object:
        if isinstance(value, str) and not value.strip():
            raise ValueError("must name a folder")
        return value

    @field_validator("base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        try:
            named = not value or (bool(urlsplit(value).hostname) and urlsplit(value).port != 0)
        except ValueError:
            named = False
        if not named or not value.isprintable():
            raise ValueError("must name a host, as in https://portfolio.example.org")
        parts = urlsplit(value)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                "must end with the host (and port): the application is served at the root of its own address, "
                "not under a path"
            )
        return value.rstrip("/")

    @field_validator("host")
    @classmethod
    def _one_host(cls, value: str) -> str:
        try:
            is_name = bool(value.strip()) and bool(value.encode("idna"))
        except UnicodeError:
            is_name = False
        if not is_name:  # an empty one would listen on every address
            raise ValueError("must be an address or a name; 0.0.0.0 listens on all addresses")
        return value

    @field_validator("accel_path")
    @classmethod
    def _location(cls, value: str) -> str:
        if value and not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+/?", value):
            raise ValueError("must be a path such as /stored")
        return value.rstrip("/")

    @field_validator("s3_endpoint")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        try:
            kind = make_url(value).drivername if value else "sqlite"
        except ArgumentError:
            kind = ""
        if kind not in ("sqlite", "postgresql", "postgresql+psycopg"):
            raise ValueError("must be postgresql+psycopg://user@host/name or sqlite:////path/to/file")
        return value

    @field_validator("clamd")
    @classmethod
    def _socket_or_host(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        named = bool(host.strip("[]")) and port.isascii() and port.isdigit() and 0 < int(port) < 65536
        if value and not (value.startswith("/") or named):
            raise ValueError(
                "must be host:port, as in 127.0.0.1:3310, or the path of a socket that begins with /"
            )
        return value

    @field_validator("mail_from")
    @classmethod
    def _one_sender(cls, value: str) -> str:
        name, address = parseaddr(value)
        if "@" not in address or not (name + address).isprintable() or not value.isprintable():
            raise ValueError("must be one address such as Portfolio <no-reply@example.org>")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.store == "s3" and not self.s3_bucket:
            raise ValueError("PORTFOLIO_STORE is s3, so PORTFOLIO_S3_BUCKET must name a bucket")
        if self.demo and self.host not in LOOPBACK and not self.allow_demo_outside:
            raise ValueError(
                "a demonstration has printed passwords, so it listens on loopback only; "
                "PORTFOLIO_ALLOW_DEMO_OUTSIDE=true overrides this"
            )
        return self

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'portfolio.sqlite3').absolute()}"

    @property
    def public_url(self) -> str:
        """The address people use, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.base_url or f"http://{host}:{self.port}"

    @property
    def https(self) -> bool:
        """Whether people reach the installation by https, so that cookies may say Secure."""
        return self.public_url.startswith("https://")

    @property
    def blob_dir(self) -> Path:
        """Where the local store keeps files."""
        return self.data_dir / "blobs"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment, with `overrides` on top. Raises Invalid naming each wrong variable."""
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        fields = {
            ("PORTFOLIO_" + str(e["loc"][0]).upper() if e["loc"] else "settings"): e["msg"].removeprefix(
                "Value error, "
            )
            for e in error.errors()
        }
        lines = "; ".join(f"{name}: {message}" for name, message in fields.items())
        raise Invalid(f"The settings are not usable. {lines}", fields) from error
