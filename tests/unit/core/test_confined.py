"""Children that parse what strangers sent: held to their limits, and never left behind."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio.core import confined
from portfolio.core.confined import Crashed, Limits, Missing, OutOfMemory, TimedOut, TooMuchOutput
from portfolio.core.errors import AppError, Invalid, TooLarge

JOBS = "tests.unit.core.confined_jobs"
SHORT = Limits(seconds=1.0)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test does, it leaves no child behind, dead or alive, and no open descriptor."""
    before = children(), descriptors()
    yield
    assert (children(), descriptors()) == before


def children() -> set[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def shell(script: str, *arguments: str) -> list[str]:
    return ["sh", "-c", script, "sh", *arguments]


# ---------------------------------------------------------------- functions


def test_a_function_gets_data_and_options_and_answers_in_json() -> None:
    answer = confined.call(f"{JOBS}:describe", b"12345", {"word": "naïve\n"})
    assert (answer["length"], answer["word"]) == (5, "naïve\n")


def test_an_answer_may_be_bytes() -> None:
    assert confined.call(f"{JOBS}:shout", b"json\nabc\x00\xff") == b"JSON\nABC\x00\xff"


def test_large_data_goes_both_ways() -> None:
    assert confined.call(f"{JOBS}:shout", b"a" * 5_000_000) == b"A" * 5_000_000


def test_nothing_of_our_environment_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTFOLIO_S3_SECRET_KEY", "hush")
    seen = confined.call(f"{JOBS}:describe")["environment"]
    assert set(seen) - {"LC_CTYPE"} == {"PATH", "LANG", "HOME", "TMPDIR"}


def test_its_folder_goes_with_it() -> None:
    assert not Path(confined.call(f"{JOBS}:describe")["here"]).exists()


def test_a_given_folder_stays(tmp_path: Path) -> None:
    assert Path(confined.call(f"{JOBS}:describe", folder=tmp_path)["here"]) == tmp_path.resolve()


def test_a_refusal_crosses_over() -> None:
    with pytest.raises(Invalid) as refused:
        confined.call(f"{JOBS}:refuse", b"7")
    assert refused.value.errors == {"name": "Not this."}
    assert refused.value.data == {"line": 7}
    with pytest.raises(TooLarge, match="Too large"):
        confined.call(f"{JOBS}:refuse_size")


def test_a_bug_is_a_crash_with_its_trace() -> None:
    with pytest.raises(Crashed) as crashed:
        confined.call(f"{JOBS}:fall_over")
    assert "ZeroDivisionError: a bug" in crashed.value.data["complaints"]


@pytest.mark.parametrize("name", ["no_such_module:parse", f"{JOBS}:absent"])
def test_what_cannot_be_imported_is_a_crash(name: str) -> None:
    with pytest.raises(Crashed):
        confined.call(name)


def test_an_unreadable_answer_is_a_crash() -> None:
    with pytest.raises(Crashed, match="not readable"):
        confined.call(f"{JOBS}:answer_rubbish")


@pytest.mark.parametrize(
    ("name", "limits", "error"),
    [
        ("sleep", Limits(seconds=0.5), TimedOut),
        ("compute", Limits(seconds=20, cpu_seconds=1), TimedOut),
        ("eat", Limits(memory_bytes=300 * confined.MIBIBYTE), OutOfMemory),
        ("talk", Limits(output_bytes=100_000), TooMuchOutput),
    ],
)
def test_a_function_beyond_its_limits(name: str, limits: Limits, error: type[AppError]) -> None:
    with pytest.raises(error):
        confined.call(f"{JOBS}:{name}", limits=limits)


def test_a_flood_of_complaints_is_read_and_forgotten() -> None:
    assert confined.call(f"{JOBS}:complain") == 1


def test_files_are_counted_and_measured() -> None:
    few = Limits(open_files=32, file_bytes=8 * confined.MIBIBYTE)
    assert confined.call(f"{JOBS}:open_many", limits=few) < 32
    assert confined.call(f"{JOBS}:write_large", limits=few) == "OSError"


def test_the_network_is_away_where_the_system_allows() -> None:
    if subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False).returncode:
        pytest.skip("the system gives no process a network of its own")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1]).encode()
        assert confined.call(f"{JOBS}:connect", port) == "refused"
        assert confined.call(f"{JOBS}:connect", port, limits=Limits(network=True)) == "connected"


# ---------------------------------------------------------------- programs


def test_a_program_reads_what_it_is_given() -> None:
    done = confined.run(shell("cat; echo so it goes >&2"), given=b"x" * 300_000)
    assert (len(done.output), done.complaints) == (300_000, "so it goes\n")


def test_a_program_reads_a_file_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.read(4)
        assert confined.run(["cat"], given=file).output == b"456789"


def test_without_input_there_is_none() -> None:
    assert confined.run(["cat"]).output == b""


def test_a_program_need_not_read_its_input() -> None:
    assert confined.run(["true"], given=b"x" * 1_000_000).output == b""


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(Missing, match="no-such-program"):
        confined.run(["no-such-program", "-v"])


def test_a_program_that_fails_says_how() -> None:
    with pytest.raises(Crashed) as crashed:
        confined.run(shell("echo why >&2; exit 3"))
    assert crashed.value.data == {"status": 3, "complaints": "why\n"}


def test_a_program_that_dies_of_a_signal() -> None:
    with pytest.raises(Crashed, match="signal 11"):
        confined.run(shell("kill -SEGV $$"))


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    noted = tmp_path / "pids"
    script = f"echo $$ >>{noted}; sh -c 'echo $$ >>{noted}; sleep 60' & sleep 60"
    with pytest.raises(TimedOut):
        confined.run(shell(script), limits=SHORT)
    assert gone(int(pid) for pid in noted.read_text().split())


def test_a_program_that_ends_leaves_no_children(tmp_path: Path) -> None:
    began = time.monotonic()
    done = confined.run(shell("sleep 60 & echo $!"))
    assert time.monotonic() - began < 10
    assert gone([int(done.output)])


def test_a_program_that_floods_its_output_is_stopped() -> None:
    with pytest.raises(TooMuchOutput):
        confined.run(["yes"], limits=Limits(output_bytes=1_000_000))


def test_a_program_that_writes_too_large_a_file() -> None:
    with pytest.raises(TooMuchOutput, match="larger file"):
        confined.run(
            ["dd", "if=/dev/zero", "of=big", "bs=1M", "count=9"], limits=Limits(file_bytes=3_000_000)
        )


def test_a_program_that_closes_its_ends_is_still_waited_for() -> None:
    began = time.monotonic()
    confined.run(shell("exec >&- 2>&-; sleep 0.5"))
    assert time.monotonic() - began >= 0.5


def test_a_tick_may_stop_it() -> None:
    ticks = []

    def tick() -> None:
        ticks.append(time.monotonic())
        if len(ticks) == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        confined.run(["sleep", "60"], on_tick=tick)


def test_many_at_once_from_threads() -> None:
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(confined.run(["echo", str(n)]).output))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"{n}\n".encode() for n in range(12))


@pytest.mark.slow
def test_a_killed_parent_leaves_nothing_running(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    script = (
        f"from portfolio.core import confined; confined.run(['sh', '-c', 'echo $$ >{noted}; exec sleep 60'])"
    )
    with subprocess.Popen([sys.executable, "-c", script]) as parent:
        deadline = time.monotonic() + 20
        while not (noted.exists() and noted.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.05)
        parent.kill()
    assert gone([int(noted.read_text())])


def gone(pids: Iterator[int] | list[int]) -> bool:
    """Whether all of these end within five seconds. Somebody else's dead child may linger; it runs no more."""
    waiting = list(pids)
    assert waiting
    deadline = time.monotonic() + 5
    while (waiting := [pid for pid in waiting if runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not waiting


def runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
