"""`mfg publish`: versions of the published state.

Belongs here: showing them. Doesn't belong here: making them (publish).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.output import Format, FormatOption, emit, show

if TYPE_CHECKING:
    from mfg_assets.publish import PublicationStatus

app = typer.Typer(name="publish", help="Versions of the published state.", no_args_is_help=True)

_COLUMNS = (
    "version",
    "state",
    "published_at",
    "as_of",
    "run_id",
    "tables_changed",
    "rows_added",
    "rows_removed",
    "rows_changed",
    "content_hash",
)


@app.callback()
def _group() -> None:
    """Versions of the published state."""


@app.command(
    epilog=examples.of("mfg publish status", "mfg publish status --format json"),
)
def status(output: FormatOption = Format.table) -> None:
    """Show which version is in force, what came before it, and what was refused."""
    from mfg_assets import publish as publication

    found = publication.status(context.settings())
    if output is not Format.table:
        rows = [
            (
                v.version,
                _state(found, v.version, v.folder is not None),
                v.published_at,
                v.as_of,
                v.run_id,
                list(v.tables_changed),
                v.rows_added,
                v.rows_removed,
                v.rows_changed,
                v.content_hash,
            )
            for v in found.versions
        ]
        emit(_COLUMNS, rows, output)
        return
    _show_in_force(found)
    if found.versions:
        show()
        rows = [
            (
                v.version,
                _state(found, v.version, v.folder is not None),
                v.published_at.isoformat(sep=" ", timespec="seconds"),
                v.as_of.isoformat(sep=" ", timespec="seconds"),
                len(v.tables_changed),
                v.rows_added,
                v.rows_removed,
                v.rows_changed,
            )
            for v in found.versions
        ]
        emit(("version", "state", "published", "as of", "tables", "+rows", "-rows", "~rows"), rows, output)
    if found.refusals:
        show()
        show("Refused:")
        for refusal in found.refusals[:10]:
            show(f"  {refusal.refused_at.isoformat(sep=' ', timespec='seconds')}  {'; '.join(refusal.reasons)}")


def _show_in_force(found: PublicationStatus) -> None:
    if found.current is None:
        show("Nothing is published yet. `mfg run` makes the first version.")
        return
    current = found.current
    when = current.published_at.isoformat(sep=" ", timespec="seconds")
    show(f"In force: {current.version}, published {when} by run {current.run_id}")
    if current.folder is not None:
        show(f"Files:    {current.folder}")
    if found.refused_since is not None:
        refusal = found.refused_since
        show(
            f"A later publication was refused at {refusal.refused_at.isoformat(sep=' ', timespec='seconds')}: "
            "readers still see this version."
        )


def _state(found: PublicationStatus, version: str, is_kept: bool) -> str:
    if found.current is not None and found.current.version == version:
        return "in force"
    return "kept" if is_kept else "removed"
