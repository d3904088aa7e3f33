"""Defects of bills: what an ERP holds of a structure, against what engineering released.

Belongs here: entries of the catalogue, all of them about single bills. Doesn't belong here: changes on their way
(`change`).

A bill has one defect at most, so that what follows from it can be told.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.lines import (
    ANY_REQUIREMENT,
    FLAT,
    LINE,
    OF_LINE,
    OF_PARENT,
    STRANGER,
    UNCHANGED,
    add_stranger,
    brought_in,
    changes_of,
    flatten,
)
from mfg_assets.simulate.defects.master_data import differs
from mfg_assets.simulate.defects.model import OWN_ROW, Consequence, Defect, copy_row, hide, replace_values

BOM: tuple[Defect, ...] = (
    Defect(
        "bom",
        "structural_equivalent",
        "A phantom's components stand in its parent's own bill in the ERP; the same pieces are needed.",
        "erp bom_line",
        FLAT.replace("$component", "null"),
        flatten("1"),
        is_information=True,
    ),
    Defect(
        "bom",
        "net_requirement",
        "A phantom's components stand in its parent's own bill in the ERP, one of them twice as often.",
        "erp bom_line",
        FLAT.replace("$component", "part.first_component"),
        flatten("2"),
        consequences=(OF_PARENT, ANY_REQUIREMENT),
    ),
    Defect(
        "bom",
        "alternate_missing",
        "The ERP lacks an alternate that engineering released.",
        "erp bom_line",
        f"{LINE} from erp_line where alternate_group is not null and alternate_priority > 1",
        (hide("bom_line"),),
        consequences=(ANY_REQUIREMENT, OF_PARENT),
    ),
    Defect(
        "bom",
        "alternate_priority",
        "The ERP takes the second alternate first.",
        "erp bom_line",
        """
        select
            claim, max(known_at) as known_at, min(until_at) as until_at, plant_id, list(line_key) as keys,
            cast(null as decimal(18, 6)) as quantity, system, list(row_id) as rows, parent_item_number
        from erp_line
        where alternate_group is not null and alternate_priority in (1, 2)
        group by claim, plant_id, system, parent_item_number, alternate_group
        having count(*) = 2 and sum(alternate_priority) = 3
        """,
        (
            replace_values(
                "bom_line",
                {"alternate_priority": "3 - held_row.alternate_priority"},
                "select system as source_system, unnest(rows) as row_id, planted_at, mended_at from chosen",
            ),
        ),
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "phantom_flag",
        "The ERP builds a phantom to stock, or lets an assembly pass through.",
        "erp bom_line",
        f"{LINE} from erp_line where is_phantom is not null and {UNCHANGED}",
        (replace_values("bom_line", {"is_phantom": "not held_row.is_phantom"}),),
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "reference_designators",
        "The ERP has other places on the board, as many as before.",
        "erp bom_line",
        f"{LINE} from erp_line where reference_designators is not null and {UNCHANGED}",
        (
            replace_values(
                "bom_line",
                {"reference_designators": "regexp_replace(held_row.reference_designators, '[A-Z]+', 'ZX', 'g')"},
            ),
        ),
    ),
    Defect(
        "bom",
        "effectivity",
        "The ERP changes over a week later than engineering meant.",
        "erp bom_line",
        f"{LINE}, zone, plm_change_in as change_number from erp_line "
        "where effective_from is not null and effective_from < $first - interval 30 day and plm_change_in is not null "
        "and alternate_group is null",
        (
            replace_values(
                "bom_line",
                {"effective_from": "timezone(held_row.zone, timezone(held_row.zone, effective_from) + interval 7 day)"},
                "select chosen.system as source_system, chosen.row_id, planted_at, mended_at, zone from chosen",
            ),
        ),
        consequences=(Consequence("change", "json_object('change_number', change_number)::varchar"), ANY_REQUIREMENT),
    ),
    Defect(
        "bom",
        "cycle",
        "A bill in the ERP holds the assembly that it goes into.",
        "erp bom_line",
        f"""
        select
            lower_line.claim, greatest(upper_line.known_at, lower_line.known_at) as known_at, lower_line.until_at,
            lower_line.plant_id, lower_line.system, lower_line.row_id, lower_line.parent_item_number,
            upper_line.parent_item_number as stranger, cast(null as decimal(18, 6)) as quantity,
            [json_object(
                'parent_item_number', least(upper_line.parent_item_number, lower_line.parent_item_number),
                'component_item_number', greatest(upper_line.parent_item_number, lower_line.parent_item_number)
            )::varchar] as keys
        from erp_line as upper_line
        inner join erp_line as lower_line on upper_line.plant_id = lower_line.plant_id
            and upper_line.component_item_number = lower_line.parent_item_number
        where lower_line.unit = 'EA' and lower_line.reference_designators is null and lower_line.effective_from is null
            and lower_line.{UNCHANGED.replace(" and ", " and lower_line.")}
            and upper_line.{UNCHANGED.replace(" and ", " and upper_line.")}
            -- where it goes into several, each way up to the stranger would be a cycle of its own
            and not exists (
                select 1
                from erp_line as other
                where other.plant_id = upper_line.plant_id
                    and other.component_item_number = upper_line.component_item_number
                    and other.parent_item_number <> upper_line.parent_item_number
            )
        """,
        add_stranger("null"),
        share=0.2,
        consequences=(
            OF_PARENT,
            ANY_REQUIREMENT,
            Consequence("change", changes_of("parent_item_number"), "bom_cycle"),
            Consequence("change", changes_of("stranger"), "bom_cycle"),
        ),
    ),
    Defect(
        "bom",
        "missing_item_master",
        "The plant's ERP has no master data of a component.",
        "erp item_plant",
        f"""
        select
            'item|' || erp_line.plant_id || '|' || erp_line.component_item_number as claim,
            greatest(erp_line.known_at, site.visible_from) as known_at, site.visible_to as until_at,
            erp_line.plant_id, [any_value(line_key)] as keys, cast(null as decimal(18, 6)) as quantity,
            site.source_system as system, site.row_id, erp_line.component_item_number
        from erp_line
        inner join held.item_plant as site on erp_line.system = site.source_system
            and erp_line.plant_id = site.plant_id and erp_line.component_item_number = site.item_number
            and site.visible_from <= $first and (site.visible_to is null or $first < site.visible_to)
        where {UNCHANGED}
        group by erp_line.plant_id, erp_line.component_item_number, erp_line.known_at, site.visible_from,
            site.visible_to, site.source_system, site.row_id
        having count(*) = 1
        """,
        (hide("item_plant"),),
        consequences=(
            Consequence("bom", "json_object('component_item_number', component_item_number)::varchar"),
            Consequence("bom", "json_object('parent_item_number', component_item_number)::varchar"),
            Consequence("change", brought_in("component_item_number"), "missing_item_master"),
        ),
    ),
    Defect(
        "bom",
        "superseded_component_in_use",
        "A component is superseded in the PLM and still stands in a bill.",
        "plm item",
        f"""
        select
            'item|*|' || erp_line.component_item_number as claim, plm.visible_from as known_at,
            plm.visible_to as until_at, any_value(erp_line.plant_id) as plant_id, [any_value(line_key)] as keys,
            cast(null as decimal(18, 6)) as quantity, plm.source_system as system, plm.row_id,
            erp_line.component_item_number
        from erp_line
        inner join held.item as plm on erp_line.component_item_number = plm.item_number
            and left(plm.source_system, 3) = 'plm'
            and plm.visible_from <= $first and (plm.visible_to is null or $first < plm.visible_to)
        where {UNCHANGED} and coalesce(plm.lifecycle_status, 'active') = 'active'
        group by all
        having count(*) = 1
        """,
        (replace_values("item", {"lifecycle_status": "'superseded'"}),),
        consequences=(
            Consequence(
                "bom", "json_object('component_item_number', component_item_number)::varchar", is_everywhere=True
            ),
            Consequence(
                "procurement", "json_object('item_number', component_item_number)::varchar", is_everywhere=True
            ),
            differs("component_item_number"),
        ),
    ),
    Defect(
        "bom",
        "revision",
        "The ERP asks for a component's revision of before.",
        "erp bom_line",
        f"""
        select line.*, before.revision as before
        from ({LINE} from erp_line where {UNCHANGED} and component_revision is null) as line
        inner join held.item_revision as now on line.component_item_number = now.item_number
            and left(now.source_system, 3) = 'plm' and now.status = 'released' and now.visible_from <= $first
            and (now.visible_to is null or $first < now.visible_to)
            and coalesce(now.effective_from <= $first - interval 30 day, true)
        inner join (
            select distinct item_number, revision, revision_sequence from held.item_revision
            where left(source_system, 3) = 'plm'
        ) as before on line.component_item_number = before.item_number
            and before.revision_sequence + 1 = now.revision_sequence
        """,
        (
            replace_values(
                "bom_line",
                {"component_revision": "held_row.before"},
                "select system as source_system, row_id, planted_at, mended_at, before from chosen",
            ),
        ),
    ),
    Defect(
        "bom",
        "duplicate_line",
        "A line stands twice in the ERP.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and reference_designators is null",
        (
            copy_row(
                "bom_line",
                {"line_id": "held_row.line_id || 'D'", "row_id": "held_row.row_id || 'D'"},
                OWN_ROW,
            ),
        ),
        consequences=(
            OF_LINE,
            ANY_REQUIREMENT,
        ),
    ),
    Defect(
        "bom",
        "fixed_quantity",
        "The ERP takes a quantity per order for one per piece, or the reverse.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and reference_designators is null",
        (replace_values("bom_line", {"is_fixed_quantity": "not coalesce(held_row.is_fixed_quantity, false)"}),),
        consequences=(OF_LINE, ANY_REQUIREMENT),
    ),
    Defect(
        "bom",
        "scrap",
        "The ERP allows for three per cent more scrap.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and coalesce(component_scrap, 0) < 0.5",
        (
            replace_values(
                "bom_line", {"component_scrap": "cast(coalesce(held_row.component_scrap, 0) + 0.03 as decimal(9, 6))"}
            ),
        ),
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "unit",
        "The ERP counts pieces in a unit of length, to which the item has no conversion.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and unit = 'EA' and reference_designators is null",
        (
            replace_values(
                "bom_line", {"unit": "case held_row.source_system when 'erp_legacy' then 'FOT' else 'MTR' end"}
            ),
        ),
        consequences=(
            OF_LINE,
            ANY_REQUIREMENT,
        ),
    ),
    Defect(
        "bom",
        "quantity",
        "The ERP needs twice as many.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and reference_designators is null",
        (replace_values("bom_line", {"quantity": "cast(held_row.quantity * 2 as decimal(18, 6))"}),),
        share=2,
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "missing_in_erp",
        "The ERP lacks a released line.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED}",
        (hide("bom_line"),),
        share=2,
        consequences=(ANY_REQUIREMENT,),
    ),
    Defect(
        "bom",
        "missing_in_plm",
        "The ERP has a line under a change that says nothing of it.",
        "erp bom_line",
        STRANGER,
        add_stranger("chosen.change_number"),
        consequences=(Consequence("change", "json_object('change_number', change_number)::varchar"), ANY_REQUIREMENT),
    ),
    Defect(
        "bom",
        "unauthorised_change",
        "Somebody added a line in the ERP without an engineering change.",
        "erp bom_line",
        STRANGER,
        add_stranger("null"),
        consequences=(Consequence("change", changes_of("parent_item_number"), "unauthorised_change"), ANY_REQUIREMENT),
    ),
    Defect(
        "bom",
        "position_only",
        "A line has another position in the ERP.",
        "erp bom_line",
        f"{LINE} from erp_line where try_cast(position as integer) is not null and source_system <> 'erp_legacy'",
        (replace_values("bom_line", {"position": "cast(cast(held_row.position as integer) + 5 as varchar)"}),),
        is_information=True,
    ),
    Defect(
        "bom",
        "quantity",
        "The ERP needs half a thousandth more, which is within tolerance.",
        "erp bom_line",
        f"{LINE} from erp_line where {UNCHANGED} and unit not in ('EA', 'C62') and quantity >= 0.1",
        (replace_values("bom_line", {"quantity": "cast(held_row.quantity * 1.0005 as decimal(18, 6))"}),),
        is_near_miss=True,
        name="within_tolerance",
    ),
)
