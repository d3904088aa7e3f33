"""One comparable record per supplier number, in SQL: the words of all systems put together and written alike.

Belongs here: reading landed suppliers, and what makes two spellings one. Doesn't belong here: weights (`weights`).

Names are compared without legal form, punctuation, accents and the many ways to write an umlaut: `Müller Werke GmbH`,
`MUELLER WERKE G.m.b.H.` and `Muller Werke` are one. Cyrillic and Greek letters are written in Latin ones first.
"""

from __future__ import annotations

import duckdb

from mfg_assets.warehouse.sql import literal

# Several letters for one, where no accent can be taken off: what a keyboard without the letter makes of it.
_LETTERS = (
    *(("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("ø", "o"), ("å", "a"), ("ł", "l"), ("đ", "d"), ("ı", "i"), ("þ", "th")),
    *(("ж", "zh"), ("х", "kh"), ("ц", "ts"), ("ч", "ch"), ("ш", "sh"), ("щ", "shch"), ("ю", "yu"), ("я", "ya")),
    *(("ё", "e"), ("є", "ye"), ("ї", "yi"), ("ъ", ""), ("ь", ""), ("θ", "th"), ("χ", "ch"), ("ψ", "ps")),
)
_SINGLE = (
    ("абвгдезийклмнопрстуфыэіґ", "abvgdeziyklmnoprstufyeig"),
    ("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstyfo"),
)
# Two letters that stand for one with dots, and the plain one: all three are the plain one.
_UMLAUTS = (("ae", "a"), ("oe", "o"), ("ue", "u"), ("aa", "a"))

# As they stand once letters are plain; dots are gone, so that s.r.o. is sro. Longer ones first.
_FORMS = (
    *("gesellschaft mit beschrankter haftung", "aktiengesellschaft", "joint stock company", "public limited company"),
    *("limited liability company", "cong ty co phan", "cong ty tnhh", "sociedad anonima", "societe anonyme"),
    *(
        "kabushiki kaisha",
        "besloten vennootschap",
        "naamloze vennootschap",
        "societa per azioni",
        "trach nhiem huu han",
    ),
    *("gmbh", "mbh", "ag", "kg", "kgaa", "ohg", "gbr", "se", "ug", "ek", "eg", "incorporated", "inc", "corporation"),
    *("corp", "company", "co", "limited", "ltd", "llc", "llp", "lp", "plc", "pllc", "sa", "sas", "sarl", "sasu", "srl"),
    *("spa", "snc", "sl", "slu", "bv", "nv", "vof", "oy", "oyj", "ab", "as", "asa", "aps", "kk", "gk", "jsc", "pjsc"),
    *("ojsc", "ooo", "oao", "ao", "zao", "pao", "tov", "spzoo", "sp zoo", "sp z oo", "sro", "as", "doo", "dd", "kft"),
    *(
        "zrt",
        "nyrt",
        "eood",
        "ood",
        "pty",
        "pte",
        "pvt",
        "private",
        "sdn bhd",
        "bhd",
        "tbk",
        "pt",
        "cv",
        "ltda",
        "eireli",
    ),
    *("me", "tnhh", "ctcp", "cty", "tmcp", "mtv", "as", "sti", "ltd sti", "epe", "ae", "ike", "lda", "sca", "scrl"),
)
_JOINERS = ("and", "und", "et", "y", "e", "i", "og", "och", "ja", "va", "en")
# Whoever may have a mailbox there says nothing about a firm.
_FREE_MAIL = (
    *("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "gmx.de", "gmx.net", "web.de"),
    *("t-online.de", "icloud.com", "aol.com", "qq.com", "163.com", "126.com", "mail.ru", "yandex.ru", "protonmail.com"),
)


def plain(text: str) -> str:
    """SQL of a text in plain small Latin letters, digits and single spaces."""
    sql = f"strip_accents(lower({text}))"
    for letter, letters in _LETTERS:
        sql = f"replace({sql}, {literal(letter)}, {literal(letters)})"
    for letters, latin in _SINGLE:
        sql = f"translate({sql}, {literal(letters)}, {literal(latin)})"
    # Dots and apostrophes join (s.r.o., A/S, O'Neill), everything else separates.
    sql = f"regexp_replace({sql}, '[.''’`]', '', 'g')"
    sql = f"regexp_replace({sql}, '\\b([a-z])/([a-z])\\b', '\\1\\2', 'g')"
    for pair, single in _UMLAUTS:
        sql = f"replace({sql}, {literal(pair)}, {literal(single)})"
    return f"trim(regexp_replace({sql}, '[^a-z0-9]+', ' ', 'g'))"


def plain_name(text: str) -> str:
    """SQL of a firm's name without legal form and joining words; the whole name where nothing else would be left."""
    forms = "|".join(sorted({_umlauts_out(form) for form in _FORMS}, key=lambda form: (-len(form), form)))
    joiners = "|".join(_JOINERS)
    sql = f"' ' || {plain(text)} || ' '"
    # Twice, because two forms in a row share the space between them: GmbH & Co. KG.
    for words in (joiners, forms, forms, joiners):
        sql = f"regexp_replace({sql}, ' ({words})(?: ({words}))* ', ' ', 'g')"
    return f"coalesce(nullif(trim({sql}), ''), {plain(text)})"


def _umlauts_out(words: str) -> str:
    for pair, single in _UMLAUTS:
        words = words.replace(pair, single)
    return words


def plain_street(text: str) -> str:
    """SQL of a street with the usual words written short: Hauptstraße 5, Haupt-Str. 5."""
    sql = plain(text)
    for long, short in (("strasse", "str"), ("street", "st"), ("road", "rd"), ("avenue", "av"), ("duong so", "duong")):
        sql = f"replace({sql}, {literal(_umlauts_out(long))}, {literal(short)})"
    return f"replace({sql}, ' ', '')"


def code(text: str) -> str:
    """SQL of a number without signs between its characters: DE 123.456-789; null where nothing is left."""
    return f"nullif(regexp_replace(upper({text}), '[^A-Z0-9]', '', 'g'), '')"


def read(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Make the temp table `supplier_record`: one row per supplier number, each value from who owns it.

    Reads landing.supplier as dbt's staging does: a record's newest version counts, deleted ones don't.
    """
    free = ", ".join(literal(domain) for domain in _FREE_MAIL)
    columns = ("name", "tax_id", "duns_number", "street", "city", "postal_code", "country", "bank_hash", "email_domain")
    chosen = ", ".join(
        f"arg_min({column}, (coalesce(priority, 1000), source_system)) filter ({column} is not null) as {column}"
        for column in columns
    )
    warehouse.execute(
        f"""
        create or replace temp table supplier_record as
        with current_rows as (
            select *
            from landing.supplier
            where is_in_force
            qualify row_number() over (
                partition by source_system, supplier_number
                order by
                    case when delivery = 'snapshot' then extracted_at else recorded_at end desc, recorded_at desc,
                    extracted_at desc, batch_sequence desc, source_file desc, source_row desc
            ) = 1
        ),

        owners as (
            select source_system, min(priority) as priority
            from estate.attribute_owner
            where entity = 'supplier'
            group by source_system
        ),

        held as (
            select current_rows.*, owners.priority
            from current_rows
            left join owners using (source_system)
            where not coalesce(is_deleted, false)
        ),

        one as (
            select supplier_number, {chosen}
            from held
            group by supplier_number
        )

        select
            supplier_number as unique_id,
            {plain_name("name")} as name_plain,
            left({plain_name("name")}, 4) as name_start,
            {code("tax_id")} as tax_code,
            {code("duns_number")} as duns_code,
            lower(bank_hash) as bank_code,
            case when lower(email_domain) not in ({free}) then lower(email_domain) end as mail_domain,
            {plain_street("street")} as street_plain,
            {code("postal_code")} as postal_code,
            {plain("city")} as city_plain,
            upper(country) as country,
            name as shown_name
        from one
        where name is not null
        order by supplier_number
        """
    )
