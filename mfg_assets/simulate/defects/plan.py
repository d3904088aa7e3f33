"""Which objects of a catalogue entry's candidates have the defect, from when and until when.

Belongs here: choosing. Doesn't belong here: what is done to them (`model`), what can be done (the catalogue).

A choice depends on the first delivery's candidates and, for each later day, on that day's, never on how far the world
is looked at: days follow one another in the outer loop, and an object that one entry has is no other's.
"""

from __future__ import annotations

from collections.abc import Sequence

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.defects.model import Defect, delivered_on
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

SPARE = 60
"""Candidates of a day that are kept beyond four times what is wanted: some will be another entry's."""

BIG = 50_000
"""Rows of the largest table of what systems hold, from which on candidates are thinned before they are read in whole.

It takes a second look at them, which costs more than it saves where there are few.
"""


def choose(con: DuckDBPyConnection, options: Options, catalogue: Sequence[Defect]) -> None:
    """Make `planned` (entry, claim, planted_at, mended_at) and a temp table `candidate_<n>` for each entry.

    Args:
        con: has what the systems hold, and the macros of `chance`.
        options: rate, first cut and later days.
        catalogue: its entries in a fixed order.
    """
    con.execute(
        "create or replace temp table arriving (entry integer, claim varchar, document varchar, "
        "known_at timestamptz, until_at timestamptz, luck double, objects bigint)"
    )
    con.execute(
        "create or replace temp table picked (entry integer, claim varchar, document varchar, day integer, "
        "known_at timestamptz, until_at timestamptz, place bigint)"
    )
    rows = ", ".join(
        f"({n}, {literal(d.id)}, {d.kind == 'event'}, {d.is_lasting}, {options.defect_rate * d.share * ENTRY_SHARE!r})"
        for n, d in enumerate(catalogue)
    )
    con.execute(
        f"create or replace temp table entries as from (values {rows}) as t (entry, id, is_event, is_lasting, share)"
    )
    largest = con.execute("select max(estimated_size) from duckdb_tables() where schema_name = 'held'").fetchone()
    is_big = largest is not None and (largest[0] or 0) >= BIG
    for entry, defect in enumerate(catalogue):
        _gather(con, options, entry, defect, is_big=is_big)
    con.execute(f"create or replace temp table pool as {_luckiest(options, 'arriving')}")
    found = con.execute("select distinct entry, day, objects from pool").fetchall()
    sizes = {(entry, day): objects for entry, day, objects in found}
    drawn = con.execute(
        "select entry, day, chance('how many', id || '/' || day) "
        f"from entries cross join range(1, {options.advanced_days + 1}) as days (day)"
    ).fetchall()
    draws = {(entry, day): chance for entry, day, chance in drawn}
    for day in range(options.advanced_days + 1):
        for entry, defect in enumerate(catalogue):
            _pick(con, options, entry, defect, day, sizes, draws)
    _date(con, options)


def _gather(con: DuckDBPyConnection, options: Options, entry: int, defect: Defect, *, is_big: bool) -> None:
    first, cut = instant(options.first_cut), instant(options.cut)
    source = f"({defect.candidates.replace('$first', first)}) as candidate"
    columns = {row[0] for row in con.execute(f"describe from {source}").fetchall()}
    luck = "luck" if "luck" in columns else f"chance({literal(defect.id)}, claim)"
    only = _thin_out(con, options, entry, defect, source, luck) if is_big else ""
    # Ties are broken by what a row is, never by where it stands.
    tie = ", row_id" if "row_id" in columns else ""
    distinct = "" if defect.has_unique_claims else "distinct on (claim) "
    order = "" if defect.has_unique_claims else f"order by claim, known_at, keys{tie}"
    table = f"candidate_{entry}"
    con.execute(f"create or replace temp table {table} as select {distinct}* from {source} {only} {order}")
    document = "coalesce(document, claim)" if "document" in columns else "claim"
    until = "until_at" if "until_at" in columns else "null"
    objects = "(select objects from lucky where lucky.claim = candidate.claim)" if is_big else "null"
    con.execute(
        f"insert into arriving select {entry}, claim, {document}, known_at, {until}, {luck}, {objects} "
        f"from {table} as candidate where known_at <= {cut}"
    )


def _thin_out(con: DuckDBPyConnection, options: Options, entry: int, defect: Defect, source: str, luck: str) -> str:
    """Find out who has a chance without making anybody's keys, and give the WHERE of them."""
    first, cut = instant(options.first_cut), instant(options.cut)
    each = (
        f"select claim, known_at, {luck} as luck from {source}"
        if defect.has_unique_claims
        else f"select claim, min(known_at) as known_at, min({luck}) as luck from {source} group by claim"
    )
    con.execute(
        f"create or replace temp table offered as select {entry} as entry, claim, null as document, known_at, "
        f"cast(null as timestamptz) as until_at, luck, cast(null as bigint) as objects "
        f"from ({each}) where known_at <= {cut}"
    )
    con.execute(f"create or replace temp table lucky as {_luckiest(options, 'offered')}")
    con.execute("drop table offered")
    row = con.execute("select max(luck) from lucky where day = 0").fetchone()
    # Compared with a number, so that it happens before anything is joined; later days have few candidates.
    bound = "0" if row is None or row[0] is None else f"double '{row[0]!r}'"
    return f"where claim in (select claim from lucky) and ({luck} <= {bound} or known_at > {first})"


def _luckiest(options: Options, offered: str) -> str:
    """SELECT of the candidates from which each day's defects are chosen, and of how many `objects` the day has."""
    return f"""
        with dated as (
            select
                offered.*, entries.id, entries.share,
                {delivered_on("known_at", instant(options.first_cut))} as day
            from {offered} as offered
            inner join entries using (entry)
        ),
        counted as (
            select * replace (coalesce(objects, count(*) over (partition by entry, day)) as objects)
            from dated
        )
        select entry, claim, document, day, known_at, until_at, luck, objects
        from counted
        qualify row_number() over (partition by entry, day order by luck, chance(id, claim), claim)
            <= {SPARE} + 4 * share * objects
    """


def _pick(
    con: DuckDBPyConnection,
    options: Options,
    entry: int,
    defect: Defect,
    day: int,
    sizes: dict[tuple[int, int], int],
    draws: dict[tuple[int, int], float],
) -> None:
    is_again = day > 0 and defect.kind == "state"
    source_day = 0 if is_again else day
    objects = sizes.get((entry, source_day))
    if objects is None:
        return
    expected = options.defect_rate * defect.share * ENTRY_SHARE * objects
    if day == 0:
        wanted = max(1, round(expected))
    else:
        expected = (expected * NEW_PER_DAY if is_again else expected) + min(1.0, objects) * AT_LEAST_PER_DAY
        wanted = int(expected + draws[entry, day])
    if wanted == 0:
        return
    order = f"chance({literal(f'{defect.id}/{day}')}, claim)" if is_again else "luck"
    order = f"order by {order}, chance({literal(defect.id)}, claim), claim"
    con.execute(
        f"insert into picked select entry, claim, document, {day}, known_at, until_at, row_number() over ({order}) "
        f"from (from pool where entry = {entry} and day = {source_day} and claim not in (select claim from picked) "
        f"and document not in (select document from picked) "
        f"qualify row_number() over (partition by document {order}) = 1) {order} limit {wanted}"
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
