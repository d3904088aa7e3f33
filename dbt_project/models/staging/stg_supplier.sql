with

current_rows as (

    {{ current_rows('supplier') }}

),

final as (

    select
        current_rows.source_system,
        current_rows.supplier_number,
        current_rows.name,
        current_rows.tax_id,
        current_rows.duns_number,
        current_rows.street,
        current_rows.city,
        current_rows.postal_code,
        current_rows.country,
        current_rows.bank_hash,
        current_rows.status,
        current_rows.email_domain,
        current_rows.credit_rating,
        current_rows.is_preferred,
        current_rows.batch_id,
        current_rows.correlation_id,
        current_rows.recorded_at,
    from current_rows

)

select * from final
