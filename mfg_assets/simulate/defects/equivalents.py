"""Look-alikes of bills and changes: said otherwise, renumbered or within tolerance, and the same is built.

Belongs here: entries that came after those of `bom` and `change`, so that these choose what they have always chosen.
Doesn't belong here: what is to be reported.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import LINE, UNCHANGED
from mfg_assets.simulate.defects.model import (
    OWN_ROW,
    Consequence,
    Defect,
    Edit,
    add_rows,
    copy_row,
    hide,
    replace_values,
)
from mfg_assets.simulate.defects.procurement import CURRENT, OF_ITEM, OF_LIFECYCLE

_ZONED = "select system as source_system, row_id, planted_at, mended_at, zone from chosen"
_UNDATED = f"{LINE}, zone from erp_line where {UNCHANGED} and effective_from is null and effective_to is null"


def _day(days: int) -> str:
    """A midnight of the plant so many days before the line is told otherwise."""
    return f"timezone(zone, cast(cast(timezone(zone, planted_at) as date) - {days} as timestamp))"


def _line(
    finding_class: str, name: str, does: str, candidates: str, *edits: Edit, is_information: bool = False
) -> Defect:
    """An entry about what an ERP holds of a line."""
    return Defect(
        "bom",
        finding_class,
        does,
        "erp bom_line",
        candidates,
        edits,
        is_near_miss=not is_information,
        is_information=is_information,
        name=name,
    )


def _replaced(values: dict[str, str], targets: str = OWN_ROW) -> Edit:
    return replace_values("bom_line", values, targets)


# Alternates of one group, all that the ERP has of it.
_ALTERNATES = f"""
select
    'bom|' || plant_id || '|' || parent_item_number as claim, max(visible_from) as known_at,
    min(visible_to) as until_at, plant_id, cast(null as decimal(18, 6)) as quantity, source_system as system,
    list(row_id order by row_id) as rows, parent_item_number,
    list(json_object(
        'parent_item_number', parent_item_number, 'component_item_number', component_item_number
    )::varchar order by component_item_number) as keys
from held.bom_line
where {CURRENT} and left(source_system, 3) = 'erp' and alternate_group is not null
group by source_system, plant_id, parent_item_number, alternate_group
having count(*) > 1 and count(effective_from) = 0 and count(effective_to) = 0
"""

# Lines for a component's revision in force, until there is a later one.
_IN_FORCE = f"""
select
    line.* replace (least(line.until_at, later.told_at) as until_at), now.revision
from ({LINE} from erp_line where {UNCHANGED} and component_revision is null) as line
inner join held.item_revision as now on line.component_item_number = now.item_number
    and left(now.source_system, 3) = 'plm' and now.status = 'released'
    and now.visible_from <= $first and (now.visible_to is null or $first < now.visible_to)
    and coalesce(now.effective_from <= $first - interval 30 day, true)
left join (
    select item_number, revision_sequence, min(visible_from) as told_at
    from held.item_revision
    where left(source_system, 3) = 'plm'
    group by item_number, revision_sequence
) as later on now.item_number = later.item_number and now.revision_sequence + 1 = later.revision_sequence
where coalesce(later.told_at > $first, true)
"""

# Whole bills of an ERP in one alternative, without a change, until something in them changes.
_BILLS = f"""
with header as (
    select source_system, plant_id, parent_item_number, any_value(row_id) as header_row, max(visible_from) as told_at
    from held.bom_header
    where {CURRENT} and left(source_system, 3) = 'erp'
    group by source_system, plant_id, parent_item_number
    having count(*) = 1
),
line as (
    select
        source_system, plant_id, parent_item_number, max(visible_from) as told_at,
        list(row_id order by row_id) filter (not coalesce(is_fixed_quantity, false)) as rows,
        min(component_item_number) filter (not coalesce(is_fixed_quantity, false)) as component_item_number
    from held.bom_line
    where {CURRENT} and left(source_system, 3) = 'erp'
    group by source_system, plant_id, parent_item_number
    having component_item_number is not null and max(quantity) < 100000
        and bool_and(
            engineering_change_in is null and engineering_change_out is null
            and effective_from is null and effective_to is null
        )
),
later as (
    select source_system, plant_id, parent_item_number, min(visible_from) as told_at
    from held.bom_line
    where visible_from > $first
    group by source_system, plant_id, parent_item_number
)
select
    'bom|' || header.plant_id || '|' || header.parent_item_number as claim,
    greatest(header.told_at, line.told_at) as known_at, later.told_at as until_at, header.plant_id,
    cast(null as decimal(18, 6)) as quantity, header.source_system as system, header.header_row, line.rows,
    header.parent_item_number,
    [json_object(
        'parent_item_number', header.parent_item_number, 'component_item_number', line.component_item_number
    )::varchar] as keys
from header
inner join line using (source_system, plant_id, parent_item_number)
left join later using (source_system, plant_id, parent_item_number)
"""

# What an answer says that a shop floor took a change over, and what PLM says of changes that take something out.
_TAKEN_OVER = """
select
    change.claim, answer.visible_from as known_at, change.plant_id, cast(null as decimal(18, 6)) as quantity,
    answer.source_system as system, answer.row_id,
    [json_object('change_number', change.change_number)::varchar] as keys
from change_at as change
inner join held.sync_acknowledgement as answer on change.plant_id = answer.plant_id
    and change.change_number = answer.object_key and answer.acknowledgement_state = 'processed'
"""
_DECIDED = f"""
select
    change.claim, greatest(change.erp_known_at, told.visible_from) as known_at, told.visible_to as until_at,
    change.plant_id, cast(null as decimal(18, 6)) as quantity, told.source_system as system, told.row_id,
    [json_object('change_number', change.change_number)::varchar] as keys
from change_at as change
inner join (select * from held.engineering_change_plant where {CURRENT}) as told
    on change.change_number = told.change_number and change.plant_id = told.plant_id
where told.constraint_kind is null and told.disposition is not null
    and change.old_component is not null and change.old_component is distinct from change.new_component
"""
_SECOND_SOURCE = f"""
select
    change.claim, change.erp_known_at as known_at, change.plant_id, cast(null as decimal(18, 6)) as quantity,
    approval.source_system as system, max(approval.row_id) as row_id, change.new_component as item_number,
    'approval|' || change.new_component as document,
    [json_object('change_number', change.change_number)::varchar] as keys
from change_at as change
inner join (select * from held.approved_manufacturer where {CURRENT}) as approval
    on change.new_component = approval.item_number and approval.status = 'approved'
group by change.claim, change.erp_known_at, change.plant_id, approval.source_system, change.new_component,
    change.change_number
having count(distinct approval.supplier_number) > 1
"""

EQUIVALENTS: tuple[Defect, ...] = (
    _line(
        "alternate_priority",
        "by_tens",
        "The ERP counts its alternates by tens, in the same order.",
        _ALTERNATES,
        _replaced(
            {"alternate_priority": "10 * held_row.alternate_priority"},
            "select system as source_system, unnest(rows) as row_id, planted_at, mended_at from chosen",
        ),
    ),
    _line(
        "reference_designators",
        "other_order",
        "The ERP names the same places on the board backwards and in small letters.",
        f"{LINE} from erp_line where {UNCHANGED} and reference_designators is not null",
        _replaced(
            {
                "reference_designators": (
                    "array_to_string(list_reverse(string_split(lower(held_row.reference_designators), ',')), ', ')"
                )
            }
        ),
    ),
    _line(
        "unit",
        "centimetres",
        "The ERP counts a length in centimetres; the same is needed.",
        f"{LINE} from erp_line where {UNCHANGED} and unit = 'MTR'",
        _replaced({"unit": "'CMT'", "quantity": "cast(held_row.quantity * 100 as decimal(18, 6))"}),
        is_information=True,
    ),
    _line(
        "quantity",
        "other_base",
        "The ERP says its whole bill for ten times as many; for one the same is needed.",
        _BILLS,
        _replaced(
            {"quantity": "cast(held_row.quantity * 10 as decimal(18, 6))"},
            "select system as source_system, unnest(rows) as row_id, planted_at, mended_at from chosen",
        ),
        replace_values(
            "bom_header",
            {"base_quantity": "held_row.base_quantity * 10"},
            "select system as source_system, header_row as row_id, planted_at, mended_at from chosen",
        ),
    ),
    _line(
        "revision",
        "in_force",
        "The ERP names the component's revision that is in force anyway.",
        _IN_FORCE,
        _replaced(
            {"component_revision": "held_row.told_revision"},
            "select system as source_system, row_id, planted_at, mended_at, revision as told_revision from chosen",
        ),
    ),
    _line(
        "effectivity",
        "dated",
        "The ERP says since when a line has held that PLM gives no first day.",
        _UNDATED,
        _replaced({"effective_from": _day(700)}, _ZONED),
    ),
    _line(
        "duplicate_line",
        "handed_over",
        "A line ended in the ERP on the day on which the same line begins anew.",
        _UNDATED,
        copy_row(
            "bom_line",
            {
                "line_id": "held_row.line_id || 'F'",
                "row_id": "held_row.row_id || 'F'",
                "effective_from": _day(40),
            },
            _ZONED,
        ),
        _replaced({"effective_to": _day(40)}, _ZONED),
    ),
    _line(
        "missing_in_erp",
        "renumbered",
        "Somebody deleted a line in the ERP and entered it anew under another number.",
        f"{LINE} from erp_line where {UNCHANGED}",
        copy_row("bom_line", {"line_id": "held_row.line_id || 'N'", "row_id": "held_row.row_id || 'N'"}, OWN_ROW),
        hide("bom_line"),
    ),
    _line(
        "scrap",
        "within_tolerance",
        "The ERP allows for four in ten thousand more scrap, which is within tolerance.",
        f"{LINE} from erp_line where {UNCHANGED} and coalesce(component_scrap, 0) < 0.5",
        _replaced(
            {"component_scrap": "cast(coalesce(held_row.component_scrap, 0) + 0.0004 as decimal(9, 6))"},
        ),
    ),
    Defect(
        "bom",
        "superseded_component_in_use",
        "A component is phased out in the PLM, and what there is of it is used up.",
        "plm item",
        f"""
        select
            'item|*|' || erp_line.component_item_number as claim, plm.visible_from as known_at,
            plm.visible_to as until_at, min(erp_line.plant_id) as plant_id, list(distinct line_key order by line_key)
                as keys,
            cast(null as decimal(18, 6)) as quantity, plm.source_system as system, plm.row_id,
            erp_line.component_item_number as item_number
        from erp_line
        inner join (select * from held.item where {CURRENT}) as plm
            on erp_line.component_item_number = plm.item_number and left(plm.source_system, 3) = 'plm'
        where {UNCHANGED} and coalesce(plm.lifecycle_status, 'active') = 'active'
        group by all
        """,
        (replace_values("item", {"lifecycle_status": "'phase_out'"}),),
        is_near_miss=True,
        name="phased_out",
        consequences=tuple(c for c in OF_LIFECYCLE if c.domain != "bom"),
    ),
    Defect(
        "change",
        "target_unavailable",
        "The shop floor's system failed first, and took the change over a minute later.",
        "mes sync_acknowledgement",
        _TAKEN_OVER,
        (
            add_rows(
                "sync_acknowledgement",
                """
                select held_row.* replace (
                    held_row.row_id || 'F' as row_id, held_row.event_id || 'F' as event_id,
                    'failed' as acknowledgement_state, 'no connection to the target system' as detail,
                    held_row.event_at - interval 1 minute as event_at
                )
                from chosen
                inner join held.sync_acknowledgement as held_row
                    on chosen.system = held_row.source_system and chosen.row_id = held_row.row_id
                """,
            ),
        ),
        share=2,
        kind="event",
        is_near_miss=True,
        name="at_second_try",
    ),
    Defect(
        "change",
        "regulated_stock",
        "Stock of what goes out is under regulation, and it is decided what becomes of it.",
        "plm engineering_change_plant",
        _DECIDED,
        (replace_values("engineering_change_plant", {"constraint_kind": "'regulated_stock'"}),),
        is_near_miss=True,
        name="decided",
    ),
    Defect(
        "change",
        "no_approved_source",
        "One of those approved to make what the change brings in is none any more, and another one still is.",
        "plm approved_manufacturer",
        _SECOND_SOURCE,
        (hide("approved_manufacturer"),),
        is_near_miss=True,
        name="second_source",
        consequences=(OF_ITEM, Consequence("procurement", "json_object('item_number', item_number)::varchar")),
    ),
)
