"""Who sells what: suppliers, their terms, makers that engineering approved, and documents.

Belongs here: world.supplier, supplier_item, approved_manufacturer, document. Doesn't belong here: orders (`sourcing`,
`procurement`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.options import Options

_TRADES = """
    ('fasteners', 2), ('mechanics', 3), ('castings', 3), ('metals', 2), ('electrics', 2), ('chemicals', 3),
        ('motors', 2),
    ('electronics', 5), ('boards', 2), ('software', 1), ('packaging', 2), ('machining', 2)
"""
"""Trade and how many suppliers a small manufacturer has of it. `boards` are the contract manufacturers, `machining` the
subcontractors."""

_NAMES = """[
    'Adler', 'Brandt', 'Castor', 'Dietz', 'Engel', 'Falk', 'Grimm', 'Hansa', 'Isar', 'Jordan', 'Kessler', 'Lindner',
        'Merz',
    'Nordmark', 'Osten', 'Pfeiffer', 'Quell', 'Richter', 'Sander', 'Thiele', 'Ulmer', 'Vogt', 'Weber', 'Xanten',
        'Yorck',
    'Zeller', 'Ashford', 'Bellamy', 'Calloway', 'Dunmore', 'Everett', 'Fairbank', 'Granger', 'Hollis', 'Kendrick',
        'Lassiter',
    'Monroe', 'Norwood', 'Prescott', 'Radcliff', 'Sutter', 'Truman', 'Winslow', 'An Phu', 'Binh Minh', 'Dai Nam',
        'Hoa Sen',
    'Long Thanh', 'Nam Viet', 'Phuong Dong', 'Tan Tien', 'Viet Hung'
]"""

_PLACES = """[
    {'country': 'DE', 'city': 'Bremen', 'street': 'Hafenstrasse', 'currency': 'EUR', 'form': 'GmbH', 'tld': 'de'},
    {'country': 'DE', 'city': 'Kassel', 'street': 'Werkstrasse', 'currency': 'EUR', 'form': 'AG', 'tld': 'de'},
    {'country': 'DE', 'city': 'Augsburg', 'street': 'Industrieweg', 'currency': 'EUR', 'form': 'KG', 'tld': 'de'},
    {'country': 'US', 'city': 'Toledo', 'street': 'Harbor Road', 'currency': 'USD', 'form': 'Inc.', 'tld': 'com'},
    {'country': 'US', 'city': 'Waco', 'street': 'Mill Street', 'currency': 'USD', 'form': 'LLC', 'tld': 'com'},
    {'country': 'VN', 'city': 'Bien Hoa', 'street': 'Duong so', 'currency': 'VND', 'form': 'JSC', 'tld': 'vn'}
]"""


def create(con: DuckDBPyConnection, options: Options) -> None:
    """Make the tables, with prices after `costs`.

    Every bought item has a source that is active, approved and sells in a convertible unit.
    """
    _suppliers(con, options.items)
    _terms(con)
    _approved(con)
    _documents(con)


def _suppliers(con: DuckDBPyConnection, items: int) -> None:
    # one firm for each name, trade and place; the number goes into what must be its own
    factor = max(1, round((items / 2_000) ** 0.5))
    con.execute(
        f"""
        create or replace table world.supplier as
        with firms as (
            select trade, n, cast(row_number() over (order by trade, n) as integer) as ordinal
            from (values {_TRADES}) as trades (trade, firms)
            cross join range($factor * 6) as numbers (n)
            where numbers.n < trades.firms * $factor
        ),
        drawn as (
            select
                *, cast(700000 + ordinal as varchar) as supplier_number,
                {_NAMES}[1 + (ordinal * 7) % 52] as family,
                case when ordinal > 52 then ' ' || (1 + ordinal // 52) else '' end as series,
                chance_pick('place', ordinal, {_PLACES}) as place
            from firms
        )
        select
            supplier_number,
            family || series || ' ' || case trade
                when 'fasteners' then 'Fasteners' when 'mechanics' then 'Bearings and Seals' when 'castings'
                    then 'Foundry'
                when 'metals' then 'Steel' when 'electrics' then 'Cables' when 'chemicals' then 'Chemicals'
                when 'motors' then 'Motors' when 'electronics' then 'Components' when 'boards'
                    then 'Electronic Manufacturing'
                when 'software' then 'Software' when 'packaging' then 'Packaging' else 'Precision Machining'
            end || ' ' || place.form as name,
            place.country || lpad(cast(100000000 + chance_int('tax', ordinal, 90000000) * 10 + ordinal % 10
                as varchar), 9, '0') as tax_id,
            lpad(cast(10000000 + chance_int('duns', ordinal, 8000000) * 100 + ordinal % 100 as varchar), 9, '0')
                as duns_number,
            place.street || ' ' || (1 + chance_int('street', ordinal, 180)) as street,
            place.city,
            lpad(cast(10000 + chance_int('postal', ordinal, 89999) as varchar), 5, '0') as postal_code,
            place.country,
            sha256('bank of ' || supplier_number) as bank_hash,
            'active' as status,
            lower(replace(family || series, ' ', '')) || '-' || trade || '.' || place.tld as email_domain,
            chance_pick('rating', ordinal, ['A', 'A', 'B', 'B', 'C']) as credit_rating,
            n = 0 as is_preferred,
            place.currency,
            trade,
            n as trade_rank
        from drawn
        order by supplier_number
        """,
        {"factor": factor},
    )


def _terms(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.supplier_item as
        with bought as (
            select
                item.item_number, item.base_unit, item.category, kind.trade, kind.lead_from, kind.lead_to,
                min(site.lead_time_days) filter (site.sourcing in ('buy', 'subcontract')) as lead_time_days,
                min(site.lot_size) as lot_size,
                max(costed.cost) as cost_eur
            from world.item_plant as site
            inner join world.item as item using (item_number)
            inner join world.kind as kind on item.category = kind.kind
            inner join costed on site.item_number = costed.item_number and site.plant_id = costed.plant_id
            where site.sourcing in ('buy', 'subcontract')
            group by item.item_number, item.base_unit, item.category, kind.trade, kind.lead_from, kind.lead_to
        ),
        trades as (select trade, count(*) as firms from world.supplier group by trade),
        offers as (
            select
                bought.*, source.source,
                (chance_int('first source', bought.item_number, trades.firms) + source.source) % trades.firms
                    as trade_rank
            from bought
            inner join trades using (trade)
            cross join (select unnest([0, 1]) as source) as source
            where source.source = 0 or (trades.firms > 1 and chance('second source', bought.item_number) < 0.25)
        )
        select
            supplier.supplier_number,
            offers.item_number,
            right(supplier.supplier_number, 3) || '-' || offers.item_number as supplier_part_number,
            case when offers.category in ('screw', 'washer') then 'XBX' else offers.base_unit end as order_unit,
            -- a second source takes a little longer
            cast(offers.lead_time_days + 2 * offers.source as integer) as lead_time_days,
            cast(case when offers.category in ('screw', 'washer') then 1
                else 1 + cast(offers.lot_size as bigint) // 20 end
                as decimal(18, 6)) as minimum_quantity,
            cast(null as decimal(18, 6)) as maximum_quantity,
            -- cents, or tenths of a dong
            cast(round(
                cast(greatest(offers.cost_eur, 0.01) as decimal(24, 4))
                * case when offers.category in ('screw', 'washer') then 100 else 1 end
                * cast(case supplier.currency when 'USD' then 1.1 when 'VND' then 27000 else 1 end as decimal(6, 1))
                * cast(1 + 0.03 * offers.source as decimal(3, 2)),
                2
            ) as decimal(18, 6)) as price,
            supplier.currency,
            offers.source = 0 as is_first_source
        from offers
        inner join world.supplier as supplier on offers.trade = supplier.trade
            and offers.trade_rank = supplier.trade_rank
        order by supplier.supplier_number, offers.item_number
        """
    )


def _approved(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.approved_manufacturer as
        select
            terms.item_number,
            terms.supplier_number,
            supplier.name as manufacturer,
            'M' || terms.supplier_part_number as manufacturer_part_number,
            cast(null as varchar) as plant_id,
            'approved' as status,
            cast(null as timestamptz) as effective_from,
            cast(null as timestamptz) as effective_to,
            cast(case when terms.is_first_source then 1 else 2 end as integer) as preference
        from world.supplier_item as terms
        inner join world.supplier as supplier using (supplier_number)
        order by terms.item_number, preference
        """
    )


def _documents(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace table world.document as
        with papers as (
            select item_number, drawing_number as document_number, 'drawing' as kind,
                1 + chance_int('drawing version', item_number, 4) as versions
            from world.item where drawing_number is not null
            union all
            select item_number, 'WI-' || item_number, 'work_instruction',
                1 + chance_int('instruction version', item_number, 3)
            from world.item where level > 0
            union all
            select item_number, 'SPEC-' || item_number, 'specification', 1
            from world.item where category in ('paint', 'grease', 'chemical', 'adhesive', 'motor')
        )
        select
            item_number,
            document_number,
            cast(versions.n as varchar) as version,
            kind,
            case when versions.n = papers.versions then 'released' else 'superseded' end as status,
            sha256(document_number || '/' || versions.n) as content_hash
        from papers
        cross join range(1, 5) as versions (n)
        where versions.n <= papers.versions
        order by item_number, document_number, versions.n
        """
    )
