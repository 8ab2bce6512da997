-- name: database_now
select clock_timestamp()

-- name: condition
-- What of a database matters to us, before it has any table of ours.
select current_setting('server_version'),
       current_setting('transaction_read_only') = 'on' or pg_is_in_recovery(),
       has_schema_privilege(current_schema(), 'create') and not exists (
           select from pg_class
           where relnamespace = current_schema()::regnamespace and relname = any($1::text[])
             and not pg_has_role(relowner, 'usage')
       ),
       (extract(epoch from clock_timestamp()) * 1000)::bigint,
       least(
           current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
           (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user),
           (select nullif(datconnlimit, -1) from pg_database where datname = current_database())
       ),
       (select count(*) from pg_stat_activity
        where backend_type = 'client backend' and usename is distinct from current_user),
       current_setting('autovacuum') = 'on' and current_setting('track_counts') = 'on',
       current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on',
       current_setting('synchronous_commit') <> 'off'
