"""What must hold in every world's flows,
    as SQL that finds the rows for which it doesn't. Each query returns no row in a right
world. Belongs here: the questions. Doesn't belong here: which worlds are asked."""

NEGATIVE = """
    with legs as (
        select to_plant_id as plant_id, to_location as location, item_number, to_lot as lot, serial_number,
            to_status as status, to_ownership as ownership, event_at, quantity
        from world.movement where to_plant_id is not null
        union all
        select from_plant_id, from_location, item_number, from_lot, serial_number, from_status, from_ownership,
            event_at, -quantity
        from world.movement where from_plant_id is not null
    ),
    instants as (select * exclude (quantity), sum(quantity) as quantity from legs group by all)
    select *, sum(quantity) over (
        partition by plant_id, location, item_number, lot, serial_number, status, ownership order by event_at
    ) as balance
    from instants
    qualify balance < 0
"""

INVARIANTS: dict[str, str] = {
    "stock is never negative, at any key and instant": NEGATIVE,
    "a serial number is in one place, once": """
        with legs as (
            select item_number, serial_number, event_at, case when to_plant_id is null then 0 else 1 end
                - case when from_plant_id is null then 0 else 1 end as pieces, quantity
            from world.movement where serial_number is not null
        )
        select item_number, serial_number, event_at,
            sum(pieces) over (partition by item_number, serial_number order by event_at) as held
        from legs qualify held not in (0, 1) or quantity <> 1
    """,
    "tracked items name their lot or serial in every movement": """
        select movement_id from world.movement inner join world.item using (item_number)
        where (is_serial_tracked and serial_number is null)
            or (is_lot_tracked and not coalesce(is_serial_tracked, false) and coalesce(from_lot, to_lot) is null)
    """,
    "a count's book is what the ledger has in its place at its instant": """
        with legs as (
            select to_plant_id as plant_id, to_location as location, item_number, to_lot as lot_number, event_at,
                quantity
            from world.movement
            where to_plant_id is not null and to_status = 'unrestricted' and to_ownership = 'own'
            union all
            select from_plant_id, from_location, item_number, from_lot, event_at, -quantity
            from world.movement
            where from_plant_id is not null and from_status = 'unrestricted' and from_ownership = 'own'
        )
        select counted.event_id, any_value(counted.book_quantity) as book, sum(legs.quantity) as ledger
        from world.cycle_count as counted
        left join legs on counted.plant_id = legs.plant_id and counted.location = legs.location
            and counted.item_number = legs.item_number and counted.lot_number is not distinct from legs.lot_number
            and legs.event_at <= counted.counted_at
        group by counted.event_id having ledger is distinct from book
    """,
    "what a count finds missing is posted on the same day, minutes later": """
        select counted.event_id, counted.counted_at, any_value(posted.event_at) as event_at
        from world.cycle_count as counted
        inner join world.movement as posted on counted.count_number = posted.reference_number
            and posted.reference_type = 'count' and counted.lot_number is not distinct from posted.from_lot
        group by all
        having not coalesce(min(posted.event_at) - counted.counted_at between interval 10 minute and interval 70 minute,
            false)
    """,
    "movements have one id each": "select movement_id from world.movement group by all having count(*) > 1",
    "a status change nets to nothing": """
        select movement_id from world.movement
        where movement_class = 'status_change' and (
            from_plant_id is distinct from to_plant_id or from_location is distinct from to_location
            or from_lot is distinct from to_lot or from_status is not distinct from to_status
        )
    """,
    "every issued or shipped lot came in before": """
        select movement.movement_id from world.movement as movement
        left join (
            select item_number, coalesce(to_lot, serial_number) as lot, min(event_at) as event_at from world.movement
            where to_plant_id is not null and from_plant_id is null group by all
        ) as arrival on movement.item_number = arrival.item_number
            and coalesce(movement.from_lot, movement.serial_number) = arrival.lot
        where coalesce(movement.from_lot, movement.serial_number) is not null
            and movement.from_plant_id is not null and not coalesce(arrival.event_at < movement.event_at, false)
    """,
    "consumption is what the ledger issued, lot by lot": """
        with used as (
            select production_order_number, item_number, lot_number, serial_number, sum(quantity) as quantity
            from world.material_consumption group by all
        ),
        issued as (
            select reference_number as production_order_number, item_number, from_lot as lot_number, serial_number,
                sum(quantity) as quantity
            from world.movement
            where reference_type = 'production_order' and movement_class in ('issue', 'backflush') group by all
        )
        (select * from used except select * from issued) union all (select * from issued except select * from used)
    """,
    "an order consumes what its components say, when it has ended": """
        select orders.production_order_number, component.line_id
        from world.production_order as orders
        inner join world.production_order_component as component using (production_order_number)
        left join world.material_consumption as used using (production_order_number, line_id)
        where orders.end_tick < (select max(tick) from world.movement) and not component.is_by_product
        group by all
        having coalesce(sum(used.quantity), 0) <> any_value(component.quantity)
    """,
    "confirmations lie between the start and the end of their order": """
        select event_id from world.production_confirmation
        inner join world.production_order as orders using (production_order_number)
        where event_at < orders.actual_start_at or event_at > orders.actual_end_at or event_at > orders.closed_at
    """,
    "yield and scrap of the last step are the order's": """
        select orders.production_order_number
        from world.production_order as orders
        inner join world.production_confirmation as report using (production_order_number)
        where orders.end_tick < (select max(tick) from world.movement)
        group by orders.production_order_number, orders.good_quantity, orders.scrapped_quantity, orders.quantity
        having sum(report.scrap_quantity) <> orders.scrapped_quantity
            or orders.good_quantity + orders.scrapped_quantity <> orders.quantity
            or sum(report.yield_quantity) filter (report.operation_sequence = (
                select max(o.operation_sequence) from world.production_operation as o
                where o.production_order_number = orders.production_order_number
            )) <> orders.good_quantity
    """,
    "steps follow each other within the order": """
        select production_order_number from world.production_operation as step
        inner join world.production_order as orders using (production_order_number)
        where step.actual_end_at < step.actual_start_at or step.actual_start_at < orders.actual_start_at
            or step.actual_end_at > orders.actual_end_at
    """,
    "orders' instants are in order, and none is late": """
        select production_order_number from world.production_order
        where not (created_at <= released_at and released_at <= scheduled_start_at
            and scheduled_start_at <= actual_start_at
            and actual_start_at < actual_end_at and actual_end_at <= due_at and actual_end_at < closed_at)
    """,
    "what is received of an order line is not more than ordered, whole by its due date, and after it was shipped": """
        select line.purchase_order_number, line.line_number
        from world.purchase_order_line as line
        inner join world.receipt as receipt using (purchase_order_number, line_number)
        group by all
        having sum(receipt.quantity) <> line.quantity or max(receipt.received_at) > line.due_at
            or bool_or(receipt.shipped_at >= receipt.received_at) or min(receipt.shipped_at) <= line.ordered_at
    """,
    "receipts in the ledger are those of the order lines, in base units": """
        with posted as (
            select reference_number, reference_line, item_number, sum(quantity) as quantity from world.movement
            where reference_type = 'purchase_order' and movement_class = 'receipt' group by all
        )
        select line.purchase_order_number, line.line_number
        from world.purchase_order_line as line
        left join posted on line.purchase_order_number = posted.reference_number
            and line.line_number = posted.reference_line
            and line.item_number = posted.item_number
        where coalesce(posted.quantity, 0) > line.base_quantity
            or (line.completed_at < (select max(event_at) - interval 2 day from world.movement)
                and coalesce(posted.quantity, 0) <> line.base_quantity)
    """,
    "line numbers are keys": """
        select purchase_order_number, line_number from world.purchase_order_line group by all having count(*) > 1
    """,
    "order numbers are keys": """
        select production_order_number from world.production_order group by all having count(*) > 1
    """,
    "a transfer order received what it shipped": """
        select reference_number from world.movement where reference_type = 'transfer_order' and movement_type = '109'
        group by reference_number
        having sum(quantity) <> (
            select quantity from world.transfer_order where transfer_order_number = reference_number
        )
    """,
    "counts found what the ledger had, less what was posted as missing": """
        select count.event_id from world.cycle_count as count
        where counted_quantity < 0 or counted_quantity > book_quantity
    """,
    "shipments are the sales lines' quantities": """
        select line.sales_order_number from world.sales_order_line as line
        inner join world.shipment as shipment using (sales_order_number)
        group by line.sales_order_number, line.quantity having sum(shipment.quantity) <> line.quantity
    """,
}
