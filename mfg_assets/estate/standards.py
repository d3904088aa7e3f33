"""Codes that the world agrees on: units of measure and currencies.

Belongs here: the known codes. Doesn't belong here: an estate's own codes (its code maps).
"""

from __future__ import annotations

import csv
from functools import lru_cache

from mfg_assets.settings import PROJECT_ROOT

UNITS_SEED = PROJECT_ROOT / "dbt_project" / "seeds" / "unit_of_measure_unece.csv"

# ISO 4217, the currencies in use (2026), without funds codes and metals.
_CURRENCIES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
CURRENCIES = frozenset(_CURRENCIES.split())


@lru_cache(maxsize=1)
def units() -> dict[str, str]:
    """UNECE Recommendation 20 codes the warehouse can convert, with their names."""
    with UNITS_SEED.open(encoding="utf-8", newline="") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}
