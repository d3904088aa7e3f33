"""Events that reach their system long after they happened.

Belongs here: entries of the catalogue about when a system hears of something that nothing disagrees about. Doesn't
belong here: what goes wrong with records on their way (`faults`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Defect, change_event

LATE: tuple[Defect, ...] = (
    Defect(
        "record",
        "late",
        "The shop floor hears three days later that a station stood still.",
        "mes downtime_event",
        """
        select
            source_system || '|' || row_id as claim, visible_from as known_at, plant_id,
            [json_object('source_system', source_system, 'entity', 'downtime_event', 'record', event_id)::varchar]
                as keys,
            cast(null as decimal(18, 6)) as quantity, source_system as system, row_id
        from held.downtime_event
        """,
        (change_event("downtime_event", {"visible_from": "held_row.visible_from + interval 3 day"}),),
        share=20,
        kind="event",
        is_near_miss=True,
    ),
)
