"""The store that the settings name is opened, and only that one is paid for."""

import subprocess
import sys
from pathlib import Path

import pytest

from evidence.storage.local import LocalStore
from evidence.storage.s3 import S3Store
from portfolio.core.settings import load_settings
from portfolio.stores import open_store

START = """
import sys
from portfolio.app import open_parts
from portfolio.cli import cli
from portfolio.core.settings import load_settings
open_parts(load_settings()).close()
print(sorted({"boto3", "botocore", "evidence.storage.s3"} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    ("given", "kind"), [({"store": "local"}, LocalStore), ({"store": "s3", "s3_bucket": "evidence"}, S3Store)]
)
def test_the_store_of_the_settings_is_opened(given: dict[str, str], kind: type, tmp_path: Path) -> None:
    assert isinstance(open_store(load_settings(data_dir=tmp_path, **given)), kind)


@pytest.mark.slow
def test_files_on_this_machine_do_without_the_s3_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTFOLIO_DATA_DIR", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
