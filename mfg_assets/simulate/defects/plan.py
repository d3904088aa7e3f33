"""Which objects of a catalogue entry's candidates have the defect, from when and until when.

Belongs here: choosing. Doesn't belong here: what is done to them (`model`), what can be done (the catalogue).

A choice depends on the first delivery's candidates and, for each later day, on that day's, never on how far the world
is looked at: days follow one another in the outer loop, and an object that one entry has is no other's.
"""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.defects.model import Defect
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant
from mfg_assets.warehouse.sql import literal

NEW_PER_DAY = 0.03
"""Defects of states that newly arise on a later day, as a share of those of the first delivery."""

AT_LEAST_PER_DAY = 0.15
"""Chance of one on a later day where there would hardly be any."""

ENTRY_SHARE = 0.1
"""Of the defect rate that an entry of the catalogue has by itself; there are about ten for each kind of object."""

MENDED_EARLY = 0.08
MENDED = 0.5
"""Shares that are mended before the first delivery, and within two weeks of it or of their planting."""


def choose(con: DuckDBPyConnection, options: Options, catalogue: Sequence[Defect]) -> None:
    """Make `planned` (entry, claim, planted_at, mended_at) and a temp table `candidate_<n>` for each entry.

    Args:
        con: has what the systems hold, and the macros of `chance`.
        options: rate, first cut and later days.
        catalogue: its entries in a fixed order.
    """
    con.execute(
        "create or replace temp table pool (entry integer, claim varchar, document varchar, day integer, "
        "known_at timestamptz, until_at timestamptz, luck double)"
    )
    con.execute("create or replace temp table pool_size (entry integer, day integer, objects bigint)")
    con.execute(
        "create or replace temp table picked (entry integer, claim varchar, document varchar, day integer, "
        "known_at timestamptz, until_at timestamptz, place bigint)"
    )
    rows = ", ".join(f"({n}, {literal(d.id)}, {d.kind == 'event'}, {d.is_lasting})" for n, d in enumerate(catalogue))
    con.execute(f"create or replace temp table entries as from (values {rows}) as t (entry, id, is_event, is_lasting)")
    for entry, defect in enumerate(catalogue):
        _gather(con, options, entry, defect)
    for day in range(options.advanced_days + 1):
        for entry, defect in enumerate(catalogue):
            _pick(con, options, entry, defect, day)
    _date(con, options)


def _gather(con: DuckDBPyConnection, options: Options, entry: int, defect: Defect) -> None:
    first = instant(options.first_cut)
    source = f"({defect.candidates.replace('$first', first)}) as candidate"
    columns = {row[0] for row in con.execute(f"describe from {source}").fetchall()}
    # Ties are broken by what a row is, never by where it stands.
    tie = ", row_id" if "row_id" in columns else ""
    distinct = "" if defect.has_unique_claims else "distinct on (claim) "
    order = "" if defect.has_unique_claims else f"order by claim, known_at, keys{tie}"
    luck = "luck" if "luck" in columns else f"chance({literal(defect.id)}, claim)"
    document = "coalesce(document, claim)" if "document" in columns else "claim"
    until = "until_at" if "until_at" in columns else "cast(null as timestamptz)"
    # Of millions of candidates a few are wanted. What the choice needs is read first, and the rest for the chosen only.
    con.execute(
        f"create or replace temp table arriving as with one_each as (select {distinct}claim, {document} as document, "
        f"known_at, {until} as until_at, {luck} as luck from {source} {order}) "
        f"select *, cast(greatest(0, ceil(epoch(known_at - {first}) / 86400)) as integer) as day, "
        f"chance({literal(defect.id)}, claim) as tie from one_each where known_at <= {instant(options.cut)}"
    )
    con.execute(f"insert into pool_size select {entry}, day, count(*) from arriving group by day")
    share = options.defect_rate * defect.share * ENTRY_SHARE
    con.execute(
        f"insert into pool select {entry}, claim, document, day, known_at, until_at, luck from arriving "
        "qualify row_number() over (partition by day order by luck, tie, claim) "
        f"<= 60 + 4 * {share} * count(*) over (partition by day)"
    )
    con.execute(
        f"create or replace temp table candidate_{entry} as select {distinct}* from {source} "
        f"where claim in (select claim from pool where entry = {entry}) {order}"
    )


def _pick(con: DuckDBPyConnection, options: Options, entry: int, defect: Defect, day: int) -> None:
    is_again = day > 0 and defect.kind == "state"
    source_day = 0 if is_again else day
    row = con.execute("select objects from pool_size where entry = ? and day = ?", [entry, source_day]).fetchone()
    if row is None:
        return
    expected = options.defect_rate * defect.share * ENTRY_SHARE * row[0]
    if day == 0:
        wanted = max(1, round(expected))
    else:
        expected = (expected * NEW_PER_DAY if is_again else expected) + min(1.0, row[0]) * AT_LEAST_PER_DAY
        drawn = con.execute("select chance('how many', ?)", [f"{defect.id}/{day}"]).fetchone()
        wanted = int(expected + (drawn[0] if drawn else 0.0))
    if wanted == 0:
        return
    order = f"chance({literal(f'{defect.id}/{day}')}, claim)" if is_again else "luck"
    con.execute(
        "insert into picked select entry, claim, document, $day, known_at, until_at, "
        f"row_number() over (order by {order}, chance({literal(defect.id)}, claim), claim) from pool "
        "where entry = $entry and day = $from and document not in (select document from picked) "
        f"order by {order}, chance({literal(defect.id)}, claim), claim limit $wanted",
        {"day": day, "entry": entry, "from": source_day, "wanted": wanted},
    )


def _date(con: DuckDBPyConnection, options: Options) -> None:
    # A state goes wrong in the weeks before the first delivery or on its later day; an event is wrong when it happens.
    first = instant(options.first_cut)
    con.execute(
        f"""
        create or replace temp table planned as
        with dated as (
            select
                picked.*,
                entries.is_event,
                entries.is_lasting,
                entries.id || '/' || picked.claim || '/' || picked.day as key,
                {first} + to_days(picked.day) as day_end
            from picked
            inner join entries using (entry)
        ),
        began as (
            select
                *,
                case
                    when is_event then known_at
                    when day = 0 then
                        greatest(known_at, {first} - interval 21 day) + to_milliseconds(cast(
                            epoch_ms({first} - greatest(known_at, {first} - interval 21 day))
                            * (0.05 + 0.9 * chance('planted', key)) as bigint
                        ))
                    else day_end - to_seconds(3600 + chance_int('planted', key, 72000))
                end as planted_at
            from dated
        ),
        ended as (
            select
                *,
                case
                    when is_lasting then null
                    -- of each class there is at least one to be found
                    when chance('mended', key) < {MENDED_EARLY} and day = 0 and place > 1
                        and planted_at < {first} - interval 2 day then
                        planted_at + to_milliseconds(cast(epoch_ms({first} - planted_at) * 0.8 as bigint))
                    when chance('mended', key) < {MENDED} then
                        greatest(planted_at, {first})
                            + to_days(1 + cast(chance_int('mended after', key, 13) as integer))
                            + to_seconds(chance_int('mended at', key, 20000))
                end as mended_at
            from began
        )
        select
            entry, claim, date_trunc('second', planted_at) as planted_at,
            date_trunc('second', least(mended_at, until_at)) as mended_at
        from ended
        where until_at is null or planted_at < until_at
        """
    )
