"""The truth follows what systems took over: a defect is mended when what it made wrong is held as if it had never been.

Belongs here: comparing what systems hold with what they would hold were nothing wrong, before and after messages were
taken over. Doesn't belong here: taking over (`adopt`), planting (`defects`).

No rule of the reconciliation is needed for that: the world knows how it would be held. A part is a component of a bill
or an attribute of an item in one system, or an operation of a routing, of which a plant's systems agree or don't. What
of a defect's parts was wrong and no longer is was mended; what a message made wrong, or put back, is wrong again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.adopt import Adopted
from mfg_assets.simulate.held import VERSION_COLUMNS
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant
from mfg_assets.warehouse.sql import identifier, literal

_ENTITIES = ("bom_header", "bom_line", "routing_operation", "item")
# What the world words quantities of bills in → what it is of which unit.
_UNITS = """
    ('GRM', 'KGM', 0.001), ('KGM', 'KGM', 1), ('LBR', 'KGM', 0.45359237), ('ONZ', 'KGM', 0.028349523125),
    ('MMT', 'MTR', 0.001), ('CMT', 'MTR', 0.01), ('MTR', 'MTR', 1), ('INH', 'MTR', 0.0254), ('FOT', 'MTR', 0.3048),
    ('MLT', 'LTR', 0.001), ('LTR', 'LTR', 1), ('GLL', 'LTR', 3.785411784)
"""
# What a bill's line says besides its quantity.
_OF_A_LINE = (
    *("coalesce(line.is_fixed_quantity, false)", "coalesce(line.component_scrap, 0)"),
    *("coalesce(line.is_phantom, false)", "line.alternate_group", "line.alternate_priority"),
    *("line.reference_designators", "line.component_revision", "line.effective_from", "line.effective_to"),
)
# Classes about a change that stand in bills alone.
_IN_BILLS = (
    "overdue",
    "partial_update",
    "deviated",
    "unauthorised_change",
    "unit_incompatible",
    "effectivity_conflict",
)


def remember(con: DuckDBPyConnection, options: Options) -> None:
    """Keep what systems hold at the cut while nothing is wrong."""
    for entity in _ENTITIES:
        con.execute(f"create or replace temp table right_{entity} as {_at(entity, options)}")


def compare(con: DuckDBPyConnection, options: Options, table: str) -> None:
    """Make a temp table of the parts that are held otherwise than they would be."""
    for entity in _ENTITIES:
        con.execute(f"create or replace temp table now_{entity} as {_at(entity, options)}")
    parts = [_bills(options), _operations(con), *_attributes(con)]
    con.execute(f"create or replace temp table {identifier(table)} as {' union '.join(parts)}")


def follow(con: DuckDBPyConnection, options: Options, adopted: Sequence[Adopted], before: str, after: str) -> None:
    """Bring the truth to what is held now.

    Args:
        con: has the truth as it was planted, and what `remember` keeps.
        options: their cut is now.
        adopted: what was taken over, refusals among it.
        before: table of `compare` from before that.
        after: the same from now.
    """
    last = max(one.at for one in adopted)
    con.execute(_STEPS["altered"].format(before=before, after=after))
    con.execute(
        "create or replace temp table put_back (source_system varchar, plant_id varchar, object varchar, part varchar)"
    )
    put_back = _put_back(adopted)
    if put_back:
        con.executemany("insert into put_back values (?, ?, ?, ?)", put_back)
    for truth_of, table in (("planted", "finding"), ("alike", "near_miss")):
        con.execute(_STEPS["parts"].format(name=truth_of, table=table, classes=_IN_BILLS, cut=instant(options.cut)))
        con.execute(_STEPS["judged"].format(name=truth_of))
        # a change that was seen to be carried out, and then was taken back
        con.execute(
            f"update truth.{table} as f set finding_class = 'deviated' from {truth_of}_judged as j "
            "where f.rowid = j.id and j.is_put_back and f.domain = 'change' "
            "and f.finding_class in ('overdue', 'partial_update')"
        )
        # what lost a part of what was wrong, but not all
        con.execute(
            f"update truth.{table} as f set finding_class = 'partial_update' from {truth_of}_judged as j "
            "where f.rowid = j.id and j.is_left_in_one and f.domain = 'change' and f.finding_class = 'overdue'"
        )
        con.execute(
            f"update truth.{table} as f set mended_at = null from {truth_of}_judged as j "
            "where f.rowid = j.id and j.is_wrong_again"
        )
        con.execute(
            f"create or replace temp table {truth_of}_mended as select f.rowid as id, f.plant_id, f.planted_at, f.note "
            f"from truth.{table} as f inner join {truth_of}_judged as j on f.rowid = j.id and j.is_mended"
        )
        con.execute(
            f"update truth.{table} as f set mended_at = {instant(last)} from {truth_of}_mended as m "
            "where f.rowid = m.id"
        )
        con.execute(
            f"update truth.consequence as c set mended_at = {instant(last)} from {truth_of}_mended as m "
            "where c.note = m.note and c.planted_at = m.planted_at "
            "and coalesce(c.plant_id = m.plant_id, true) and coalesce(c.mended_at > c.planted_at, true)"
        )
    con.execute(_STEPS["caused"].format(at=instant(last)))


def _put_back(adopted: Sequence[Adopted]) -> list[list[str]]:
    """Parts of bills whose last word is a compensation, and which a delivery had shown as released before."""
    since: dict[tuple[str, str, str], datetime] = {}
    gone: dict[tuple[str, str, str], bool] = {}
    for one in sorted(adopted, key=lambda adopted_one: adopted_one.at):
        message = one.message
        if message["object_type"] != "bom_header":
            continue
        for change in message["changes"]:
            part = (message["target_system"], message["object_key"], change["key"])
            is_release = message["kind"] == "release"
            # deliveries are a day apart at least, what is taken over between two of them seconds
            gone[part] = not is_release and part in since and one.at - since[part] > timedelta(hours=12)
            if is_release:
                since[part] = one.at
    return [[system, *key.split("|"), part] for (system, key, part), is_gone in gone.items() if is_gone]


def _at(entity: str, options: Options) -> str:
    cut = instant(options.cut)
    return (
        f"select * from held.{identifier(entity)} where visible_from <= {cut} "
        f"and (visible_to is null or {cut} < visible_to)"
    )


_BILL = """
    select
        line.source_system, line.plant_id, line.parent_item_number, line.component_item_number, line.alternative,
        row_number() over (
            partition by line.source_system, line.plant_id, line.parent_item_number, line.component_item_number,
                line.alternative
            order by line.effective_from, line.quantity
        ) as place,
        [{said}] as said,
        cast(line.quantity as double) / case when coalesce(is_fixed_quantity, false) then 1 else
            coalesce(header.base_quantity, 1) end * coalesce(
            case when line.unit = item.base_unit then 1 end,
            own.numerator / own.denominator,
            case when coalesce(size.kind, line.unit) = base.kind then size.size / base.size end,
            size.size * through.numerator / through.denominator
        ) as pieces
    from {world}_bom_line as line
    inner join world.item as item on line.component_item_number = item.item_number
    left join {world}_bom_header as header
        on line.source_system = header.source_system and line.plant_id is not distinct from header.plant_id
        and line.parent_item_number = header.parent_item_number
        and line.alternative is not distinct from header.alternative
    left join (values {units}) as size (unit, kind, size) on line.unit = size.unit
    left join (values {units}) as base (unit, kind, size) on item.base_unit = base.unit
    left join world.item_unit as own on line.component_item_number = own.item_number and line.unit = own.unit
    left join world.item_unit as through
        on line.component_item_number = through.item_number and size.kind = through.unit
    where line.plant_id is not null and coalesce(line.effective_to > {cut}, true)
"""


def _bills(options: Options) -> str:
    """Of lines that still count or will: who ends a line may as well not have it any more."""
    said = ", ".join(f"cast({one} as varchar)" for one in _OF_A_LINE)
    facts = {"said": said, "units": _UNITS, "cut": instant(options.cut)}
    right, now = (_BILL.format(world=world, **facts) for world in ("right", "now"))
    key = "source_system, plant_id, parent_item_number, component_item_number, alternative, place"
    return f"""
        select
            source_system, plant_id, 'bom' as domain, parent_item_number as object, component_item_number as part
        from ({right}) as r
        full join ({now}) as n using ({key})
        where r.said is null or n.said is null or r.said <> n.said
            -- systems round what they convert
            or coalesce(abs(r.pieces - n.pieces) > 0.0001 * abs(r.pieces) + 0.000002, true)
    """


def _operations(con: DuckDBPyConnection) -> str:
    """Of operations only the plant's systems know: where they agree, there is nothing to be found."""
    key = ("item_number", "plant_id", "alternative", "operation_sequence")
    differs = [
        # systems round what they convert
        f"coalesce(abs(e.{name} - m.{name}) > 0.0001, (e.{name} is null) <> (m.{name} is null))"
        if sql_type.startswith("DECIMAL")
        else f"e.{name} is distinct from m.{name}"
        for name, sql_type in _columns(con, "routing_operation", key)
    ]
    return f"""
        select
            'erp and mes' as source_system, plant_id, 'routing' as domain, item_number as object,
            cast(operation_sequence as varchar) as part
        from (from now_routing_operation where left(source_system, 3) = 'erp') as e
        full join (from now_routing_operation where left(source_system, 3) = 'mes') as m using ({", ".join(key)})
        where e.row_id is null or m.row_id is null or {" or ".join(differs)}
    """


def _attributes(con: DuckDBPyConnection) -> list[str]:
    return [
        "select source_system, null as plant_id, 'master_data' as domain, item_number as object, "
        f"{literal(name)} as part "
        "from right_item as r inner join now_item as n using (source_system, item_number) "
        f"where r.{identifier(name)} is distinct from n.{identifier(name)}"
        for name, _ in _columns(con, "item", ("item_number",))
    ]


def _columns(con: DuckDBPyConnection, entity: str, key: Sequence[str]) -> list[tuple[str, str]]:
    found = con.execute(f"describe right_{entity}").fetchall()
    return [(name, sql_type) for name, sql_type, *_ in found if name not in VERSION_COLUMNS and name not in key]


_STEPS = {
    # Parts that were wrong, or are now.
    "altered": """
        create or replace temp table altered as
        select
            coalesce(b.source_system, a.source_system) as source_system, coalesce(b.plant_id, a.plant_id) as plant_id,
            coalesce(b.domain, a.domain) as domain, coalesce(b.object, a.object) as object,
            coalesce(b.part, a.part) as part, b.domain is not null as was_wrong, a.domain is not null as is_wrong
        from {before} as b
        full join {after} as a on b.source_system = a.source_system and b.plant_id is not distinct from a.plant_id
            and b.domain = a.domain and b.object = a.object and b.part = a.part
    """,
    # Which of them are a planted thing's.
    "parts": """
        create or replace temp table {name}_part as
        with told as (
            select
                rowid as id, domain, finding_class, plant_id, planted_at, mended_at,
                business_key->>'$.parent_item_number' as parent,
                business_key->>'$.component_item_number' as component,
                business_key->>'$.change_number' as change_number,
                business_key->>'$.item_number' as item_number,
                business_key->>'$.operation_sequence' as operation,
                business_key->>'$.object_key' as object_key,
                business_key->>'$.attribute' as attribute,
                business_key->>'$.source_system' as source_system
            from truth.{table}
            where domain in ('bom', 'change', 'routing', 'master_data') and planted_at <= {cut}
        ),
        of_change as (
            select distinct plant_id, parent_item_number, component_item_number,
                unnest([engineering_change_in, engineering_change_out]) as change_number
            from right_bom_line
            where plant_id is not null
        )
        select told.id, altered.*
        from told
        inner join altered on told.domain = 'bom' and altered.domain = 'bom' and told.plant_id = altered.plant_id
            and told.parent = altered.object and coalesce(told.component = altered.part, true)
        union all
        -- of a cycle the key says who, not which of them stands in whose bill
        select told.id, altered.*
        from told
        inner join altered on told.finding_class = 'cycle' and altered.domain = 'bom'
            and told.plant_id = altered.plant_id and told.parent = altered.part and told.component = altered.object
        union all
        select told.id, altered.*
        from told
        inner join of_change on told.domain = 'change' and told.finding_class in {classes}
            and told.change_number = of_change.change_number and told.plant_id = of_change.plant_id
        inner join altered on altered.domain = 'bom' and of_change.plant_id = altered.plant_id
            and of_change.parent_item_number = altered.object and of_change.component_item_number = altered.part
        union all
        select told.id, altered.*
        from told
        inner join altered on told.domain = 'routing' and altered.domain = 'routing'
            and told.plant_id = altered.plant_id and told.item_number = altered.object
            and told.operation = altered.part
        union all
        select told.id, altered.*
        from told
        inner join altered on told.domain = 'master_data' and altered.domain = 'master_data'
            and told.object_key = altered.object and told.attribute = altered.part
            and told.source_system = altered.source_system
    """,
    "judged": """
        create or replace temp table {name}_judged as
        select
            id,
            bool_or(was_wrong) and not bool_or(is_wrong) as is_mended,
            bool_or(is_wrong) and not bool_or(was_wrong) as is_wrong_again,
            bool_or(is_wrong) and bool_and(not is_wrong or put_back.part is not null) as is_put_back,
            bool_or(is_wrong) and count(distinct left(source_system, 3)) filter (was_wrong) = 2
                and count(distinct left(source_system, 3)) filter (is_wrong) = 1 as is_left_in_one
        from {name}_part
        left join put_back using (source_system, plant_id, object, part)
        group by id
    """,
    # What a message made wrong by itself, since what it asked for followed from something else that was wrong.
    "caused": """
        insert into truth.consequence
        select
            domain, plant_id,
            case domain
                when 'bom' then json_object('parent_item_number', object, 'component_item_number', part)
                when 'routing' then json_object('item_number', object, 'operation_sequence', part)
                else json_object('object_type', 'item', 'object_key', object, 'attribute', part)
            end::varchar,
            '*', null, {at}, null, 'A message asked for it, because of something else that was wrong.'
        from altered
        anti join (select * from planted_part union all select * from alike_part) as known
            using (source_system, domain, object, part)
        where is_wrong and not was_wrong
        union
        -- no engineering change stands behind what an ERP is made to put back
        select
            'bom', plant_id, json_object('parent_item_number', object, 'component_item_number', part)::varchar,
            'unauthorised_change', null, {at}, null, 'A message put it back.'
        from altered
        semi join put_back using (source_system, plant_id, object, part)
        where is_wrong and left(source_system, 3) = 'erp'
    """,
}
