"""What two records of suppliers have in common, and how much each thing weighs.

Belongs here: comparisons, blocking and the stated prior weights. Doesn't belong here: running them (`match`).

The weights are those of Fellegi and Sunter: m is the share of true pairs that agree so, u the share of pairs of
different firms that do. They are stated, not learned, because most manufacturers have a few hundred suppliers and a
handful of duplicates, of which nothing can be learned; `match` trains them where there is enough. A number that two
different firms can't share (tax id, DUNS) weighs most, for and against.
"""

from __future__ import annotations

from typing import Any

# Level, its condition over l and r, m and u. The last one is all the rest; an absent value says nothing either way.
_JW = "jaro_winkler_similarity({column}_l, {column}_r)"
_SAME_MAIL = "mail_domain_l is not distinct from mail_domain_r and mail_domain_l is not null"
_SAME_ADDRESS = (
    f"(postal_code_l is not distinct from postal_code_r and {_JW.format(column='street_plain')} >= 0.92) is true"
)
Levels = tuple[tuple[str, str, float, float], ...]

COMPARISONS: dict[str, tuple[tuple[str, ...], Levels]] = {
    "name": (
        ("name_plain",),
        (
            ("same", "name_plain_l = name_plain_r", 0.72, 0.0015),
            ("very_similar", f"{_JW.format(column='name_plain')} >= 0.95", 0.13, 0.003),
            ("similar", f"{_JW.format(column='name_plain')} >= 0.88", 0.08, 0.01),
            ("different", "ELSE", 0.07, 0.9855),
        ),
    ),
    "tax_id": (
        ("tax_code",),
        (
            ("same", "tax_code_l = tax_code_r", 0.93, 0.00005),
            ("one_sign_off", "damerau_levenshtein(tax_code_l, tax_code_r) = 1", 0.05, 0.00005),
            ("different", "ELSE", 0.02, 0.9999),
        ),
    ),
    "duns": (
        ("duns_code",),
        (
            ("same", "duns_code_l = duns_code_r", 0.94, 0.00005),
            ("different", "ELSE", 0.06, 0.99995),
        ),
    ),
    "bank": (
        ("bank_code",),
        (
            ("same", "bank_code_l = bank_code_r", 0.8, 0.0005),
            ("different", "ELSE", 0.2, 0.9995),
        ),
    ),
    # One comparison, because the two go together: sisters of a group share address and domain and are other firms.
    "place": (
        ("mail_domain", "postal_code"),
        (
            ("same_mail_and_address", f"{_SAME_MAIL} and {_SAME_ADDRESS}", 0.62, 0.0002),
            ("same_address", _SAME_ADDRESS, 0.12, 0.0005),
            ("same_mail", _SAME_MAIL, 0.14, 0.0015),
            ("same_postal_code", "postal_code_l = postal_code_r", 0.02, 0.005),
            ("same_town", "city_plain_l = city_plain_r", 0.05, 0.05),
            ("different", "ELSE", 0.05, 0.9428),
        ),
    ),
    "country": (
        ("country",),
        (
            ("same", "country_l = country_r", 0.97, 0.3),
            ("different", "ELSE", 0.03, 0.7),
        ),
    ),
}
# Two records that share none of these are never compared: each is cheap to look up, and a true pair shares several.
BLOCKS = ("tax_code", "duns_code", "bank_code", "mail_domain", "name_start", "postal_code")
# One supplier in fifty stands twice, so that much of all pairs is expected to be true.
DUPLICATE_SHARE = 0.02


def prior(records: int) -> float:
    """Probability that two records drawn at random are one firm."""
    return min(0.01, 2 * DUPLICATE_SHARE / max(records - 1, 1))


def settings(records: int) -> dict[str, Any]:
    """Splink's settings with the stated weights for this number of records."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": prior(records),
        "blocking_rules_to_generate_predictions": [f"l.{column} = r.{column}" for column in BLOCKS],
        "comparisons": [_comparison(name, *parts) for name, parts in COMPARISONS.items()],
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "max_iterations": 25,
    }


def _comparison(name: str, columns: tuple[str, ...], levels: Levels) -> dict[str, Any]:
    absent = " and ".join(f"({column}_l is null or {column}_r is null)" for column in columns)
    return {
        "output_column_name": name,
        "comparison_levels": [
            {"sql_condition": absent, "label_for_charts": "absent", "is_null_level": True},
            *(
                {"sql_condition": condition, "label_for_charts": label, "m_probability": m, "u_probability": u}
                for label, condition, m, u in levels
            ),
        ],
    }
