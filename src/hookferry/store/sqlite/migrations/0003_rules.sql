-- What rules know: alerts, which name endpoints, and sets whose first and last member count.

create table alerts (
    tenant      text    not null,
    id          text    not null,
    name        text    not null,
    message     text    not null,
    event_types text    not null check (json_valid(event_types)),
    scope       text    not null check (json_valid(scope)),
    -- Ids of endpoints that are not deleted.
    endpoints   text    not null check (json_valid(endpoints)),
    active      integer not null check (active in (0, 1)),
    created_at  integer not null,
    updated_at  integer not null,
    primary key (tenant, id)
) without rowid;

create table members_of_sets (
    tenant  text not null,
    rule    text not null,
    subject text not null,
    member  text not null,
    primary key (tenant, rule, subject, member)
) without rowid;
