with

final as (

    select
        source_system,
        supplier_number,
        name,
        tax_id,
        duns_number,
        street,
        city,
        postal_code,
        country,
        bank_hash,
        status,
        email_domain,
        credit_rating,
        is_preferred,
        batch_id,
        correlation_id,
        recorded_at,
    from {{ ref('stg_supplier') }}

)

select * from final
