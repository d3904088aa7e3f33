"""The reference of the command line names commands that exist, and all of them."""

from __future__ import annotations

import re

from typer.main import get_command
from typer.testing import CliRunner

from mfg_assets.cli.app import app
from mfg_assets.settings import PROJECT_ROOT

DOCUMENTED = re.findall(r"^\| `mfg ([a-z -]+)` \|", (PROJECT_ROOT / "docs" / "cli.md").read_text(), re.MULTILINE)


def _existing() -> set[str]:
    root = get_command(app)
    found = set()
    for name, command in getattr(root, "commands", {}).items():
        below = getattr(command, "commands", None)
        found |= {f"{name} {sub}" for sub in below} if below else {name}
    return found


def test_every_command_is_in_the_reference_and_every_one_there_exists() -> None:
    assert set(DOCUMENTED) == _existing()


def test_every_documented_command_answers_help() -> None:
    for command in DOCUMENTED:
        result = CliRunner().invoke(app, [*command.split(), "--help"])
        assert result.exit_code == 0, command
        assert "Usage: " in result.stdout


def test_every_documented_option_exists() -> None:
    text = (PROJECT_ROOT / "docs" / "cli.md").read_text()
    helps = CliRunner().invoke(app, ["--help"]).stdout
    helps += "".join(CliRunner().invoke(app, [*c.split(), "--help"]).stdout for c in DOCUMENTED)
    for option in set(re.findall(r"`(--[a-z-]+)", text)):
        assert option in helps, option
