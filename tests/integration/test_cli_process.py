"""`mfg` as a process of its own: start-up, a real terminal, pipes, signals, environment."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfg_assets.settings import Settings
from tests.bills import publish_bills

MFG = str(Path(sys.executable).parent / "mfg")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with small bills published; nothing here changes it."""
    path = tmp_path_factory.mktemp("process") / "home"
    publish_bills(Settings(home=path))  # pyright: ignore[reportCallIssue]
    return path


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MFG_")}
    return {**kept, **variables}


def mfg(*arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [MFG, *arguments], env=environment(**variables), capture_output=True, text=True, cwd=cwd, check=False
    )


def on_a_terminal(*arguments: str, **variables: str) -> bytes:
    """What a terminal would be sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [MFG, *arguments],
        env=environment(TERM="xterm-256color", COLUMNS="200", **variables),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b"".join(_until_closed(ours))
    process.wait(timeout=60)
    os.close(ours)
    return received


def _until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            return
        if not chunk:
            return
        yield chunk


def test_help_loads_nothing_heavy() -> None:
    heavy = ("dagster", "dbt", "great_expectations", "duckdb", "pandas", "pyarrow", "sqlalchemy", "pydantic_settings")
    code = (
        "import sys\nfrom mfg_assets.cli.app import app\nfrom typer.testing import CliRunner\n"
        "assert CliRunner().invoke(app, ['run', '--help']).exit_code == 0\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_version_and_help() -> None:
    assert mfg("--version").stdout.startswith("mfg 0.")
    assert "Examples:" in mfg("--help").stdout
    assert mfg().returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--home", "{home}", "publish", "status"],
        ["publish", "status", "--home", "{home}"],
        ["publish", "--home={home}", "status"],
    ],
)
def test_global_options_may_stand_anywhere_and_win_over_the_environment(
    home: Path, tmp_path: Path, arguments: list[str]
) -> None:
    done = mfg(*(a.format(home=home) for a in arguments), MFG_HOME=str(tmp_path / "other"))
    assert done.returncode == 0
    assert "In force: 000001-" in done.stdout


def test_what_stands_after_two_dashes_is_no_option(home: Path) -> None:
    done = mfg("bom", "explode", "--", "--home", MFG_HOME=str(home))
    assert done.returncode == 2
    assert "there is no item '--home'" in done.stderr


def test_a_terminal_is_sent_no_sequence_that_data_made(home: Path) -> None:
    for arguments in (
        ["bom", "explode", "FRAME"],
        ["query", "from item"],
        ["query", "from item", "--format", "csv"],
        ["query", "from item", "--format", "json"],
        ["bom", "explode", "\x1b]0;owned\x07"],
        ["query", 'select 1 as "\x1b[2J"'],
        ["nonsense\x1b[2J"],
    ):
        received = on_a_terminal(*arguments, MFG_HOME=str(home))
        assert b"\x1b]0;" not in received, arguments
        assert b"\x07" not in received, arguments
        assert b"\x1b[2J" not in received, arguments
        assert received.strip(), arguments


def test_csv_in_a_file_keeps_the_data_apart_from_the_apostrophe(home: Path) -> None:
    sql = "select description from item where item_number = 'TUBE-A'"
    assert "[bold]Tube[/bold] \x1b]0;owned\x07" in mfg("query", sql, "-f", "csv", MFG_HOME=str(home)).stdout


def test_a_table_in_a_pipe_has_no_colour_and_is_not_cut(home: Path) -> None:
    done = mfg("query", "select repeat('x', 500) as wide", MFG_HOME=str(home), COLUMNS="40")
    assert done.stdout.splitlines()[1] == "x" * 500
    assert "\x1b" not in done.stdout


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    command = f"'{MFG}' query 'select range from range(2000000)' --format csv | head -n 3"
    done = subprocess.run(
        ["bash", "-c", command], env=environment(MFG_HOME=str(home)), capture_output=True, text=True, check=True
    )
    assert done.stdout == "range\n0\n1\n"
    assert done.stderr == ""


def test_a_locale_without_the_characters_gets_escapes_not_a_trace(home: Path) -> None:
    done = mfg("query", "select '28″' as size", MFG_HOME=str(home), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "28\\u2033" in done.stdout


def test_sql_may_come_from_standard_input(home: Path) -> None:
    done = subprocess.run(
        [MFG, "query", "-", "--format", "csv"],
        input="select count(*) as n from item",
        env=environment(MFG_HOME=str(home)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "n\n17\n"


def test_nothing_is_written_into_the_working_folder(home: Path, tmp_path: Path) -> None:
    for arguments in (["publish", "status"], ["doctor"], ["bom", "explode", "GATE"], ["contracts"], ["check"]):
        mfg(*arguments, MFG_HOME=str(home), cwd=tmp_path)
    mfg("publish", "status", cwd=tmp_path)
    mfg("query", "select 1", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_check_points_at_file_and_line(tmp_path: Path) -> None:
    from tests.mini import write_mini

    estate = write_mini(tmp_path)
    system = estate / "systems" / "plm.yaml"
    system.write_text(system.read_text().replace("item_number: number", "item_number: numbr"))
    number = next(n for n, text in enumerate(system.read_text().splitlines(), 1) if "numbr" in text)
    done = mfg("check", "--estate", "estate", cwd=tmp_path)
    assert done.returncode == 1
    assert f"estate/systems/plm.yaml:{number}: " in done.stderr
    assert "fix: did you mean number?" in done.stderr
    assert "Traceback" not in done.stderr


def test_check_passes_a_sound_estate(tmp_path: Path) -> None:
    from tests.mini import write_mini

    done = mfg("check", "--estate", str(write_mini(tmp_path)))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Mini: 1 plant, 3 systems, 5 extracts. No problems.\n"
