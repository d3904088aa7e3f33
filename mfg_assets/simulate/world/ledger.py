"""The stock ledger: every movement with both its sides, from the counts at the start.

A side that is empty lies outside all plants (a supplier, a customer, an order in work). The balance of any key at any
instant is the sum of what came to it less what left it; nothing else is stock.
"""

from duckdb import DuckDBPyConnection

UNRESTRICTED, INSPECTION, BLOCKED = "'unrestricted'", "'quality_inspection'", "'blocked'"
OWN, THEIRS = "'own'", "'supplier_consignment'"


def create(con: DuckDBPyConnection, first_tick: int, cut_tick: int) -> None:
    """Make world.movement from the supplies and uses, up to the end of the world."""
    con.execute(
        """
        create or replace table flow.movement (
            movement_id varchar, movement_type varchar, movement_class varchar, q bigint, tick bigint,
            from_node_id bigint, from_location varchar, from_status varchar, from_ownership varchar,
            to_node_id bigint, to_location varchar, to_status varchar, to_ownership varchar,
            lot varchar, serial varchar,
            reference_type varchar, reference_number varchar, reference_line varchar, origin varchar
        )
        """
    )
    con.execute(
        """
        create or replace table flow.place as
        select
            plant_id,
            min(location) filter (kind = 'transit') as transit,
            min(location) filter (kind = 'subcontractor') as subcontractor
        from world.location
        group by plant_id
        """
    )
    _opening(con, first_tick)
    _supplies(con)
    _uses(con)
    _transfers(con)
    _subcontracted(con)
    _by_products(con)
    _finish(con, cut_tick)


def _add(con: DuckDBPyConnection, columns: str, source: str) -> None:
    con.execute(f"insert into flow.movement by name select {columns} from {source}")


def _opening(con: DuckDBPyConnection, first_tick: int) -> None:
    # no document stands behind the counts at the start: they are what the ledger opens with
    _add(
        con,
        f"""
        'OB' || node.code || '-' || supplied.sub_part as movement_id, '561' as movement_type, 'count'
            as movement_class,
        supplied.q, {first_tick}::bigint as tick,
        node.node_id as to_node_id, node.location as to_location, {UNRESTRICTED} as to_status, {OWN} as to_ownership,
        supplied.lot, supplied.serial, 'wms' as origin
        """,
        """flow.supplied as supplied inner join flow.node as node using (node_id)
        where supplied.number is null and supplied.q > 0""",
    )


def _supplies(con: DuckDBPyConnection) -> None:
    # one row per receipt and lot or serial; what is thrown away later has the lot of its receipt
    con.execute(
        f"""
        create or replace temp table arrived as
        select
            receipt.receipt_key, receipt.number, receipt.kind, receipt.path, receipt.tick, receipt.found_tick,
            receipt.available_tick, receipt.scrapped_tick, supplied.sub_part, supplied.lot, supplied.serial,
            supplied.q as good_q,
            case when supplied.sub_part = min(supplied.sub_part) over (partition by receipt.receipt_key)
                then receipt.lost_q else 0 end as lost_q,
            node.node_id, node.location,
            coalesce(line.purchase_order_number, receipt.number) as reference_number,
            coalesce(line.line_number, '1') as reference_line,
            case when receipt.kind = 'make' then 'production_order' else 'purchase_order' end as reference_type,
            case when receipt.path = 'consigned' then {THEIRS} else {OWN} end as ownership,
            case when receipt.path in ('inspected', 'held', 'rejected') then {INSPECTION} else {UNRESTRICTED}
                end as status,
            receipt.receipt_key || '-' || supplied.sub_part as key
        from flow.receipt as receipt
        inner join flow.node as node using (node_id)
        inner join flow.supplied as supplied
            on receipt.node_id = supplied.node_id and receipt.number = supplied.number
                and receipt.part = supplied.part
        left join flow.purchase as line on receipt.number = line.number
        where receipt.kind <> 'transfer'
        """
    )
    same = """node_id as from_node_id, location as from_location, node_id as to_node_id, location as to_location,
        lot, serial,
        reference_type, reference_number, reference_line, 'wms' as origin"""
    _add(
        con,
        """
        'GR' || key as movement_id, '101' as movement_type, 'receipt' as movement_class, good_q + lost_q as q, tick,
        node_id as to_node_id, location as to_location, status as to_status, ownership as to_ownership, lot, serial,
        reference_type, reference_number, reference_line, 'wms' as origin
        """,
        "arrived",
    )
    _add(
        con,
        f"""
        'QR' || key as movement_id, '321' as movement_type, 'status_change' as movement_class, good_q as q,
        available_tick as tick, {same}, {OWN} as from_ownership, {OWN} as to_ownership,
        case path when 'held' then {BLOCKED} else {INSPECTION} end as from_status, {UNRESTRICTED} as to_status
        """,
        "arrived where path in ('inspected', 'held', 'rejected')",
    )
    _add(
        con,
        f"""
        'QB' || key as movement_id, '350' as movement_type, 'status_change' as movement_class,
        case path when 'held' then good_q else lost_q end as q, found_tick as tick, {same},
        {OWN} as from_ownership, {OWN} as to_ownership, {INSPECTION} as from_status, {BLOCKED} as to_status
        """,
        "arrived where path = 'held' or lost_q > 0",
    )
    _add(
        con,
        f"""
        'SC' || key as movement_id, '555' as movement_type, 'scrap' as movement_class, lost_q as q, scrapped_tick
            as tick,
        node_id as from_node_id, location as from_location, {BLOCKED} as from_status, {OWN} as from_ownership, lot,
            serial,
        reference_type, reference_number, reference_line, 'wms' as origin
        """,
        "arrived where lost_q > 0",
    )
    _add(
        con,
        f"""
        'CW' || key as movement_id, '411' as movement_type, 'transfer' as movement_class, good_q as q,
        available_tick as tick, {same}, {THEIRS} as from_ownership, {OWN} as to_ownership,
        {UNRESTRICTED} as from_status, {UNRESTRICTED} as to_status
        """,
        "arrived where path = 'consigned'",
    )


def _uses(con: DuckDBPyConnection) -> None:
    taken = f"""use.q, use.tick, node.node_id as from_node_id, node.location as from_location,
        {UNRESTRICTED} as from_status, {OWN} as from_ownership, use.lot, use.serial,
        use.reference as reference_number, use.line as reference_line"""
    source = "flow.use as use inner join flow.node as node using (node_id)"
    _add(
        con,
        f"""
        case when node.is_backflushed then 'BF' else 'GI' end || use.reference || '-' || use.line || '-' || use.part
            as movement_id,
        case when node.is_backflushed then '261B' else '261' end as movement_type,
        case when node.is_backflushed then 'backflush' else 'issue' end as movement_class,
        'production_order' as reference_type,
        case when node.is_backflushed then 'erp' else 'wms' end as origin,
        {taken}
        """,
        f"{source} where use.kind = 'component' and left(use.reference, 1) = '1'",
    )
    _add(
        con,
        f"""
        'SO' || use.reference || '-' || use.line || '-' || use.part as movement_id, '601' as movement_type,
        'issue' as movement_class, 'sales_order' as reference_type, 'wms' as origin, {taken}
        """,
        f"{source} where use.kind = 'sales'",
    )
    _add(
        con,
        f"""
        'CD' || use.reference || '-' || use.line || '-' || use.part as movement_id, '702' as movement_type,
        'count' as movement_class, 'count' as reference_type, 'wms' as origin, {taken}
        """,
        f"{source} where use.kind = 'loss'",
    )


def _transfers(con: DuckDBPyConnection) -> None:
    # rule 26: what is on the road is in transit, in the receiving plant's books and nobody's available stock
    con.execute(
        """
        create or replace temp table sent as
        select
            use.reference, use.line, use.part, use.q, use.lot, use.serial, use.tick as sent_tick, supply.end_tick,
            source.node_id as from_node_id, source.location as from_location,
            target.node_id as to_node_id, target.location as to_location, place.transit
        from flow.use as use
        inner join flow.node as source using (node_id)
        inner join flow.supply as supply on use.reference = supply.number
        inner join flow.node as target on supply.node_id = target.node_id
        inner join flow.place as place on target.plant_id = place.plant_id
        where use.kind = 'transfer'
        """
    )
    common = f"""q, lot, serial, 'transfer_order' as reference_type, reference as reference_number, line
        as reference_line,
        'wms' as origin, 'transfer' as movement_class, {OWN} as from_ownership, {OWN} as to_ownership"""
    _add(
        con,
        f"""
        'TS' || reference || '-' || line || '-' || part as movement_id, '641' as movement_type, sent_tick as tick,
        from_node_id, from_location, {UNRESTRICTED} as from_status,
        to_node_id, transit as to_location, 'in_transit' as to_status, {common}
        """,
        "sent",
    )
    _add(
        con,
        f"""
        'TR' || reference || '-' || line || '-' || part as movement_id, '109' as movement_type, end_tick as tick,
        to_node_id as from_node_id, transit as from_location, 'in_transit' as from_status,
        to_node_id, to_location, {UNRESTRICTED} as to_status, {common}
        """,
        "sent",
    )


def _subcontracted(con: DuckDBPyConnection) -> None:
    # rule 25: provided to the subcontractor it is still ours, and used up when what it made of it arrives
    source = """flow.use as use
        inner join flow.node as node using (node_id)
        inner join flow.supply as supply on use.reference = supply.number
        inner join flow.purchase as line on supply.number = line.number
        inner join flow.place as place on node.plant_id = place.plant_id
        where use.kind = 'component' and supply.kind = 'subcontract'"""
    common = f"""use.q, use.lot, use.serial, 'purchase_order' as reference_type,
        line.purchase_order_number as reference_number, line.line_number as reference_line, 'wms' as origin,
        {OWN} as from_ownership, {UNRESTRICTED} as from_status, node.node_id as from_node_id"""
    _add(
        con,
        f"""
        'PS' || use.reference || '-' || use.line || '-' || use.part as movement_id, '541' as movement_type,
        'transfer' as movement_class, use.tick, node.location as from_location, node.node_id as to_node_id,
        place.subcontractor as to_location, {UNRESTRICTED} as to_status, {OWN} as to_ownership, {common}
        """,
        source,
    )
    _add(
        con,
        f"""
        'PC' || use.reference || '-' || use.line || '-' || use.part as movement_id, '543' as movement_type,
        'issue' as movement_class, supply.end_tick as tick, place.subcontractor as from_location, {common}
        """,
        source,
    )


def _by_products(con: DuckDBPyConnection) -> None:
    _add(
        con,
        f"""
        'BP' || component.number || '-' || component.line as movement_id, '531' as movement_type,
        'receipt' as movement_class, component.q, component.tick, node.node_id as to_node_id, node.location
            as to_location,
        {UNRESTRICTED} as to_status, {OWN} as to_ownership,
        case when node.is_lot then 'L' || node.code || '-B' || component.number end as lot,
        'production_order' as reference_type, component.number as reference_number, component.line as reference_line,
        'wms' as origin
        """,
        """flow.component as component inner join flow.node as node using (node_id)
        where component.is_by_product and not node.is_serial and left(component.number, 1) = '1'""",
    )


def _finish(con: DuckDBPyConnection, cut_tick: int) -> None:
    con.execute(
        """
        create or replace table world.movement as
        select
            movement.movement_id,
            movement.movement_type,
            movement.movement_class,
            node.item_number,
            cast(cast(movement.q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(18, 6)) as quantity,
            node.unit,
            source.plant_id as from_plant_id,
            movement.from_location,
            movement.from_status,
            case when source.node_id is not null then movement.lot end as from_lot,
            movement.from_ownership,
            target.plant_id as to_plant_id,
            movement.to_location,
            movement.to_status,
            case when target.node_id is not null then movement.lot end as to_lot,
            movement.to_ownership,
            movement.serial as serial_number,
            movement.reference_type,
            movement.reference_number,
            movement.reference_line,
            movement.origin,
            movement.tick,
            instant(movement.tick, node.timezone) as event_at,
            working_day(movement.tick) as posting_date,
            -- what is worth more than the contract can hold is posted without a value
            try_cast(
                cast(movement.q as decimal(38, 0)) * 0.000001::decimal(7, 6) * node.standard_cost as decimal(18, 6)
            ) as amount,
            node.currency,
        from flow.movement as movement
        left join flow.node as source on movement.from_node_id = source.node_id
        left join flow.node as target on movement.to_node_id = target.node_id
        inner join flow.node as node on coalesce(movement.from_node_id, movement.to_node_id) = node.node_id
        where movement.q > 0 and movement.tick < ?
        """,
        [cut_tick],
    )
