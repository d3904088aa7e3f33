"""Defects of routings: what a plant's ERP and MES hold of how an item is made.

Belongs here: entries of the catalogue about single operations. Doesn't belong here: orders that are made by them
(`production`).

The operations of one item at one plant have one defect at most.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Defect, hide, replace_values


def operations(kind: str, where: str = "true") -> str:
    """Operations as systems of that kind hold them, of items with more than one."""
    return f"""
    select
        'routing|' || plant_id || '|' || item_number as claim, visible_from as known_at, visible_to as until_at,
        plant_id,
        [json_object(
            'item_number', item_number, 'operation_sequence', cast(operation_sequence as varchar)
        )::varchar] as keys,
        cast(null as decimal(18, 6)) as quantity, source_system as system, row_id
    from held.routing_operation as operation
    where left(source_system, 3) = '{kind}' and visible_from <= $first and (visible_to is null or $first < visible_to)
    qualify count(*) over (partition by source_system, plant_id, item_number, alternative) > 1 and ({where})
    """


ROUTING: tuple[Defect, ...] = (
    Defect(
        "routing",
        "work_instruction",
        "The shop floor shows the work instruction's version before.",
        "mes routing_operation",
        operations("mes", "try_cast(work_instruction_version as integer) > 1"),
        (
            replace_values(
                "routing_operation",
                {
                    "work_instruction_version": (
                        "cast(cast(held_row.work_instruction_version as integer) - 1 as varchar)"
                    )
                },
            ),
        ),
    ),
    Defect(
        "routing",
        "work_center",
        "The shop floor does the operation at another work centre.",
        "mes routing_operation",
        operations("mes"),
        (replace_values("routing_operation", {"work_center": "'ALT-' || right(held_row.plant_id, 3) || '-9'"}),),
    ),
    Defect(
        "routing",
        "run_time",
        "The ERP reckons with half as long again for each piece.",
        "erp routing_operation",
        operations("erp", "run_time > 0.1"),
        (replace_values("routing_operation", {"run_time": "cast(held_row.run_time * 1.5 as decimal(18, 6))"}),),
    ),
    Defect(
        "routing",
        "setup_time",
        "The shop floor reckons with ten minutes more to set up.",
        "mes routing_operation",
        operations("mes"),
        (replace_values("routing_operation", {"setup_time": "held_row.setup_time + 10"}),),
    ),
    Defect(
        "routing",
        "yield",
        "The ERP expects five pieces more of a hundred to be spoiled.",
        "erp routing_operation",
        operations("erp", "yield_fraction > 0.1"),
        (
            replace_values(
                "routing_operation", {"yield_fraction": "cast(held_row.yield_fraction - 0.05 as decimal(9, 6))"}
            ),
        ),
    ),
    Defect(
        "routing",
        "missing_in_mes",
        "The shop floor lacks an operation.",
        "mes routing_operation",
        operations("mes"),
        (hide("routing_operation"),),
    ),
    Defect(
        "routing",
        "missing_in_erp",
        "The ERP lacks an operation that the shop floor has.",
        "erp routing_operation",
        operations("erp"),
        (hide("routing_operation"),),
    ),
    Defect(
        "routing",
        "run_time",
        "The ERP reckons with half a thousandth more, which is within tolerance.",
        "erp routing_operation",
        operations("erp", "run_time >= 2"),
        (replace_values("routing_operation", {"run_time": "cast(held_row.run_time * 1.0005 as decimal(18, 6))"}),),
        is_near_miss=True,
        name="within_tolerance",
    ),
)
