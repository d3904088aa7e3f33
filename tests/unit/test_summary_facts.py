"""What the end of a run says about findings."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from mfg_assets.summary_facts import count_findings


def test_values_are_summed_in_the_currency_that_the_finding_says_else_in_its_plants() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table procurement_finding as from (values "
            "('P1', 'over_receipt', 'high', 10.5, 'EUR'), ('P1', 'over_receipt', 'high', 2, 'EUR'), "
            "('P1', 'over_receipt', 'high', 40000, 'VND'), ('P1', 'over_receipt', 'high', null, null)) "
            "f(plant_id, finding_class, severity, value_at_stake, currency)"
        )
        connection.execute(
            "create table bom_finding as from (values ('P2', 'quantity', 'low', 7.25)) "
            "f(plant_id, finding_class, severity, value_at_stake)"
        )
        found = count_findings(connection, {"P1": "EUR", "P2": "USD"})
    assert [(f.domain, f.finding_class, f.count, f.value, f.currency) for f in found] == [
        ("procurement", "over_receipt", 1, Decimal(40000), "VND"),
        ("procurement", "over_receipt", 3, Decimal("12.5"), "EUR"),
        ("bom", "quantity", 1, Decimal("7.25"), "USD"),
    ]
