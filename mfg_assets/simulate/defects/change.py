"""Defects of engineering changes on their way into plants.

Belongs here: entries of the catalogue about a change at a plant. Doesn't belong here: bills that no change touches
(`bom`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import ANY_REQUIREMENT, brought_in, changes_of
from mfg_assets.simulate.defects.model import (
    Consequence,
    Defect,
    Edit,
    add_rows,
    change_event,
    hide,
    post_late,
    replace_values,
)

_FOLLOWS = (
    Consequence("bom", "json_object('parent_item_number', parent_item_number)::varchar"),
    Consequence("change", "json_object('change_number', change_number)::varchar"),
    ANY_REQUIREMENT,
)


def _changes(kind: str = "erp", where: str = "true") -> str:
    """Changes at plants, known since the plant's system of that kind had all of their lines."""
    return f"""
    select
        claim, {kind}_known_at as known_at, plant_id, cast(null as decimal(18, 6)) as quantity, change_number,
        parent_item_number, new_component, old_component, effective_at, erp, mes, erp_new, erp_old, mes_new, mes_old,
        zone, mes_known_at, [json_object('change_number', change_number)::varchar] as keys
    from change_at
    where {where}
    """


def _rows(system: str, lines: str, since: str = "planted_at") -> str:
    return (
        f"select {system} as source_system, unnest({lines}) as row_id, {since} as planted_at, mended_at, zone "
        "from chosen"
    )


def _given_up(system: str, since: str = "planted_at") -> tuple[Edit, ...]:
    """What the change brings in isn't there, and what it takes out has no end."""
    return (
        hide("bom_line", _rows(system, f"{system}_new", since)),
        replace_values(
            "bom_line",
            {"effective_to": "null", "engineering_change_out": "null"},
            _rows(system, f"{system}_old", since),
        ),
    )


def _answers_late(system: str, entity: str, number: str) -> Edit:
    """What a system says of the change, it says when it takes it over."""
    return post_late(
        entity,
        f"select said.source_system, said.row_id, chosen.mended_at from chosen inner join held.{entity} as said "
        f"on chosen.{system} = said.source_system and chosen.plant_id = said.plant_id "
        f"and chosen.change_number = said.{number}",
    )


def _never_taken_over(system: str) -> tuple[Edit, ...]:
    """As if given up from the beginning.

    An ERP's log knows nothing of it. A shop floor answers all the same that it took it over: an answer proves nothing.
    """
    silent = (_answers_late("erp", "change_log", "change_number"),) if system == "erp" else ()
    return (*_given_up(system), *silent)


# A source or a record that is missing is missing for every change that brings the same thing in.
_OWN_COMPONENT = """
    new_component in (
        select new_component from change_at group by new_component having count(distinct change_number) = 1
    )
"""
_IN_PIECES = "new_unit = 'EA' and not has_designators"
_STARTED = "effective_at <= $first and len(mes_new) + len(mes_old) > 0"

CHANGE: tuple[Defect, ...] = (
    Defect(
        "change",
        "open_orders_on_old_revision",
        "An order that starts after the change asks for the revision before.",
        "erp and mes production_order",
        f"""
        select
            -- each system heard of the order in its own time
            change.* exclude (known_at), max(greatest(change.known_at, orders.visible_from)) as known_at,
            min(orders.visible_to) as until_at, list(orders.row_id order by orders.source_system) as rows,
            list(orders.source_system order by orders.source_system) as systems,
            before.revision as before, orders.production_order_number
        from ({_changes()}) as change
        inner join held.production_order as orders on change.plant_id = orders.plant_id
            and change.parent_item_number = orders.item_number and orders.scheduled_start_at >= change.effective_at
            and orders.status in ('planned', 'released') and orders.visible_from <= $first
            and (orders.visible_to is null or $first < orders.visible_to)
        inner join held.item_revision as now on orders.item_number = now.item_number and orders.revision = now.revision
            and left(now.source_system, 3) = 'plm' and now.visible_to is null
        inner join held.item_revision as before on orders.item_number = before.item_number
            and left(before.source_system, 3) = 'plm' and before.revision_sequence + 1 = now.revision_sequence
            and before.visible_to is null
        group by all
        having count(*) = 2
        """,
        (
            replace_values(
                "production_order",
                {"revision": "held_row.before"},
                "select unnest(systems) as source_system, unnest(rows) as row_id, planted_at, mended_at, before "
                "from chosen",
            ),
        ),
        consequences=(
            *_FOLLOWS,
            Consequence("production", "json_object('object_key', production_order_number)::varchar"),
        ),
    ),
    Defect(
        "change",
        "target_unavailable",
        "The shop floor's system answered that it failed, and took nothing over.",
        "mes bom_line, sync_acknowledgement",
        _changes("mes", f"{_STARTED} and acknowledgements > 0"),
        (
            *_never_taken_over("mes"),
            change_event(
                "sync_acknowledgement",
                {"acknowledgement_state": "'failed'", "detail": "'no connection to the target system'"},
                "select answer.source_system, answer.row_id from chosen inner join held.sync_acknowledgement as answer "
                "on chosen.mes = answer.source_system and chosen.plant_id = answer.plant_id "
                "and chosen.change_number = answer.object_key",
            ),
        ),
        share=2,
        kind="event",
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "overdue",
        "Neither ERP nor shop floor took the change over, and its day has come.",
        "erp and mes bom_line",
        _changes("erp", _STARTED),
        # the shop floor would have heard of it later than the ERP
        (*_never_taken_over("erp"), *_given_up("mes", "mes_known_at")),
        share=2,
        kind="event",
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "partial_update",
        "The ERP took the change over, the shop floor didn't.",
        "mes bom_line",
        _changes("mes", _STARTED),
        _never_taken_over("mes"),
        share=3,
        kind="event",
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "partial_update",
        "The shop floor took the change over, the ERP didn't.",
        "erp bom_line",
        _changes("erp", _STARTED),
        _never_taken_over("erp"),
        share=2,
        kind="event",
        name="reverse",
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "partial_update",
        "The shop floor takes the change over some days after the ERP, and well before its day.",
        "mes bom_line",
        f"""
        select *, effective_at - interval 6 day as until_at
        from ({_changes("mes", "effective_at > $first + interval 8 day and len(mes_new) + len(mes_old) > 0")})
        """,
        (*_given_up("mes"), _answers_late("mes", "sync_acknowledgement", "object_key")),
        share=5,
        kind="event",
        is_near_miss=True,
        name="in_progress",
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "deviated",
        "The change was carried out, and later the ERP went back to what was before.",
        "erp bom_line",
        _changes("erp", f"{_STARTED} and effective_at < $first - interval 25 day"),
        _given_up("erp"),
        share=3,
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "missing_item_master",
        "The plant's ERP has no master data of what the change brings in.",
        "erp item_plant",
        f"""
        select change.*, site.row_id, site.source_system as system, site.visible_to as until_at
        from ({_changes("erp", _OWN_COMPONENT)}) as change
        inner join held.item_plant as site on change.erp = site.source_system and change.plant_id = site.plant_id
            and change.new_component = site.item_number and site.visible_from <= $first
            and (site.visible_to is null or $first < site.visible_to)
        """,
        (hide("item_plant"),),
        consequences=(
            *_FOLLOWS,
            Consequence("bom", "json_object('component_item_number', new_component)::varchar"),
            Consequence("bom", "json_object('parent_item_number', new_component)::varchar"),
            Consequence("change", brought_in("new_component"), "missing_item_master"),
        ),
    ),
    Defect(
        "change",
        "no_approved_source",
        "Nobody is approved to make what the change brings in.",
        "plm approved_manufacturer",
        f"""
        select change.* exclude (erp_new, erp_old, mes_new, mes_old), list(approval.row_id) as rows,
            any_value(approval.source_system) as system, 'approval|' || change.new_component as document
        from ({_changes("erp", _OWN_COMPONENT)}) as change
        inner join (select distinct source_system, row_id, item_number from held.approved_manufacturer) as approval
            on change.new_component = approval.item_number
        group by all
        """,
        (
            hide(
                "approved_manufacturer",
                "select system as source_system, unnest(rows) as row_id, planted_at, mended_at from chosen",
            ),
        ),
        consequences=(
            *_FOLLOWS,
            Consequence("change", brought_in("new_component"), "no_approved_source", is_everywhere=True),
            Consequence("procurement", "json_object('item_number', new_component)::varchar"),
        ),
    ),
    Defect(
        "change",
        "unit_incompatible",
        "The ERP counts what the change brings in by length, to which it has no conversion.",
        "erp bom_line",
        _changes("erp", f"len(erp_new) = 1 and {_IN_PIECES}"),
        (
            replace_values(
                "bom_line",
                {"unit": "case held_row.source_system when 'erp_legacy' then 'FOT' else 'MTR' end"},
                _rows("erp", "erp_new"),
            ),
        ),
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "effectivity_conflict",
        "The ERP begins a week later than planned.",
        "erp bom_line",
        _changes("erp", "len(erp_new) > 0"),
        (
            replace_values(
                "bom_line",
                {"effective_from": "timezone(held_row.zone, timezone(held_row.zone, effective_from) + interval 7 day)"},
                _rows("erp", "erp_new"),
            ),
        ),
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "unauthorised_change",
        "Somebody changed the quantity of a line of the change once more, without a change.",
        "erp bom_line",
        _changes("erp", f"{_STARTED} and len(erp_new) = 1 and not has_designators"),
        (
            replace_values(
                "bom_line",
                {"quantity": "cast(held_row.quantity * 3 as decimal(18, 6))", "engineering_change_in": "null"},
                _rows("erp", "erp_new"),
            ),
        ),
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "regulated_stock",
        "Stock of what goes out is under regulation, the plant may go ahead, and nobody decided what becomes of it.",
        "plm engineering_change_plant",
        f"""
        select change.*, told.source_system as system, told.row_id
        from ({_changes("erp", "old_component <> new_component or new_component is null")}) as change
        inner join (select * from held.engineering_change_plant where visible_to is null) as told
            on change.change_number = told.change_number and change.plant_id = told.plant_id
            and told.constraint_kind is null
        semi join (
            select source_system, plant_id, item_number
            from (
                select source_system, to_plant_id as plant_id, item_number, quantity from held.inventory_movement
                where visible_from <= $first
                union all
                select source_system, from_plant_id, item_number, -quantity from held.inventory_movement
                where visible_from <= $first
            )
            group by all
            having sum(quantity) > 0
        ) as stock on change.erp = stock.source_system and change.plant_id = stock.plant_id
            and change.old_component = stock.item_number
        """,
        (replace_values("engineering_change_plant", {"constraint_kind": "'regulated_stock'", "disposition": "null"}),),
        consequences=_FOLLOWS,
    ),
    Defect(
        "change",
        "bom_cycle",
        "In the ERP the changed assembly holds one that it goes into.",
        "erp bom_line",
        f"""
        select change.*, upper_line.parent_item_number as stranger, change.erp_new[1] as row_id, change.erp as system
        from ({_changes("erp", f"len(erp_new) = 1 and {_IN_PIECES} and effective_at <= $first")}) as change
        inner join erp_line as upper_line on change.plant_id = upper_line.plant_id
            and change.parent_item_number = upper_line.component_item_number
        -- where it goes into several, each way up to the stranger would be a cycle of its own
        qualify min(upper_line.parent_item_number) over (partition by change.claim)
            = max(upper_line.parent_item_number) over (partition by change.claim)
        """,
        (
            add_rows(
                "bom_line",
                """
                select
                    held_row.* replace (
                        chosen.stranger as component_item_number, held_row.line_id || 'X' as line_id, '985' as position,
                        cast(1 as decimal(18, 6)) as quantity, held_row.row_id || 'X' as row_id,
                        chosen.planted_at as visible_from, chosen.mended_at as visible_to
                    )
                from chosen
                inner join held.bom_line as held_row
                    on chosen.system = held_row.source_system and chosen.row_id = held_row.row_id
                    and held_row.visible_from <= chosen.planted_at
                    and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
                """,
            ),
        ),
        share=0.5,
        consequences=(
            *_FOLLOWS,
            Consequence("change", changes_of("stranger"), "bom_cycle"),
            Consequence("bom", "json_object('component_item_number', parent_item_number)::varchar"),
        ),
    ),
)
