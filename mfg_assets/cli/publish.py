"""`mfg publish`: versions of the published state.

Belongs here: showing and choosing them. Doesn't belong here: making and comparing them (publish).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mfg_assets.cli import context, examples
from mfg_assets.cli.actor import By, actor
from mfg_assets.cli.output import Format, FormatOption, emit, say, show
from mfg_assets.errors import Problem, UsageError

if TYPE_CHECKING:
    from mfg_assets.publish import PublicationStatus, RowDifference, TableDifference

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
    "rollback_of",
    "published_by",
    "reason",
)
_CHANGES = ("table", "state", "+rows", "-rows", "~rows", "columns")
_LIMIT = 100

VersionArgument = typer.Argument(
    metavar="VERSION", help="A version's name, its number, the start of its name, `current` or `previous`."
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
                v.rollback_of,
                v.published_by,
                v.reason,
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
                f"rollback to {v.rollback_of}" if v.rollback_of else "",
            )
            for v in found.versions
        ]
        emit(("version", "state", "published", "as of", "tables", "+rows", "-rows", "~rows", "note"), rows, output)
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
    if current.rollback_of is not None:
        last = next((v for v in found.versions if v.published_by is not None), current)
        show(
            f"Rolled back to {current.rollback_of} by {last.published_by}: {last.reason}. Withdrawn content comes back "
            "by `mfg publish rollback` only; a run that builds anything else makes the next version."
        )
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


@app.command(
    epilog=examples.of(
        "mfg publish diff previous",
        "mfg publish diff 6 7",
        "mfg publish diff 6 7 --table bom_finding --format csv > changes.csv",
    ),
)
def diff(
    old: Annotated[str, VersionArgument],
    new: Annotated[str, VersionArgument] = "current",
    table: Annotated[str | None, typer.Option(help="Show every value of this table that differs.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most this many rows; 0 for all.")] = _LIMIT,
    output: FormatOption = Format.table,
) -> None:
    """Show what changed from one version to another: rows by table, or each value of one table."""
    from mfg_assets import publish as publication

    settings = context.settings()
    before, after = (publication.find_version(settings, name) for name in (old, new))
    if output is Format.table:
        show(f"{before} -> {after}")
    if table is not None:
        rows = publication.row_differences(settings, before, after, table)
        emit(("change", "key", "column", "old", "new"), _values(rows, output), output, limit=limit or None)
        return
    found = publication.differences(settings, before, after)
    if not found and output is Format.table:
        show("The content is the same.")
        return
    emit(_CHANGES, _tables(found), output, limit=limit or None)


@app.command(
    epilog=examples.of(
        "mfg publish rollback 6 --reason 'the plant sent a wrong extract'        # shows what would change",
        "mfg publish rollback 6 --reason 'the plant sent a wrong extract' --yes",
    ),
)
def rollback(
    version: Annotated[str, VersionArgument],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the version and in the audit log.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it the changes are only shown.")] = False,
    by: By = None,
) -> None:
    """Publish what an older version held, as a new version; acts on exceptions stay as they are."""
    from mfg_assets import publish as publication
    from mfg_assets.audit import facts
    from mfg_assets.ledger import open_ledger
    from mfg_assets.release import release
    from mfg_assets.report import write_report

    if not reason.strip():
        raise UsageError(Problem("--reason is missing", fix="say why: it is kept with the version"))
    settings = context.settings()
    target = publication.find_version(settings, version)
    if not yes:
        found = publication.differences(settings, publication.find_version(settings, "current"), target)
        emit(_CHANGES, _tables([one for one in found if not one.is_ledger]), Format.table)
        say(f"Nothing was done: add --yes to put back {target}.")
        return
    estate = context.estate()
    done = publication.rollback(settings, target, published_by=actor(by), reason=reason)
    with open_ledger(settings) as ledger:
        facts.note_publications(settings, ledger, estate, at=estate.now())
    write_report(settings, estate.file.name)
    if done.state == "unchanged":
        show(f"{done.version} is in force and holds the same: nothing was done.")
        return
    show(f"In force: {done.version}, with the content of {target}.")
    if estate.file.releases:
        with open_ledger(settings) as ledger:
            sent = release(settings, estate, ledger, as_of=estate.now())
        show(f"Releases taken back: {sent.compensations:,} by compensations, {sent.withdrawn:,} before they left.")
        for problem in sent.problems:
            say(f"- {problem}")
    if settings.serving_url is not None:
        serve()


@app.command(epilog=examples.of("mfg publish serve", "mfg publish serve --full"))
def serve(
    full: Annotated[bool, typer.Option("--full", help="Write every row anew, whatever PostgreSQL holds.")] = False,
) -> None:
    """Bring PostgreSQL (MFG_SERVING_URL) to the version in force; runs do so by themselves."""
    from mfg_assets import serving

    settings = context.settings()
    url = serving.serving_url(settings)
    if url is None:
        raise UsageError(Problem("MFG_SERVING_URL is not set", fix="postgresql://user:password@host/database"))
    done = serving.sync(settings, url, now=datetime.now(UTC), full=full)
    if not done.tables_changed:
        show(f"PostgreSQL holds version {done.version} already.")
        return
    show(
        f"PostgreSQL holds version {done.version}: {len(done.tables_changed):,} tables changed, "
        f"{done.rows_written:,} rows written, {done.rows_removed:,} removed."
    )


def _tables(found: list[TableDifference]) -> list[tuple[object, ...]]:
    return [(d.table, d.state, d.rows_added, d.rows_removed, d.rows_changed, " ".join(d.columns)) for d in found]


def _values(found: Iterator[RowDifference], output: Format) -> Iterator[tuple[Any, ...]]:
    for one in found:
        key = one.key if output is Format.json else " ".join(str(v) for v in one.key.values() if v is not None)
        yield one.change, key, one.column, one.old, one.new
