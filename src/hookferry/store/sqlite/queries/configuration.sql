-- name: missing_endpoint
-- One of the ids in a JSON list that names no endpoint of the tenant.
select named.value from json_each(?) as named
left join endpoints on endpoints.id = named.value and endpoints.tenant = ? and endpoints.status <> 'deleted'
where endpoints.id is null limit 1

-- name: take_from_alerts
update alerts
set endpoints = (select json_group_array(value) from json_each(alerts.endpoints) where value <> ?1)
where tenant = ?2 and ?1 in (select value from json_each(alerts.endpoints))

-- name: touch_keys
update keys set last_used_at = v.column2 from (values :rows) as v where keys.id = v.column1

-- name: url_taken
select id from endpoints where tenant = ? and url = ? and id <> ? and status <> 'deleted' limit 1
