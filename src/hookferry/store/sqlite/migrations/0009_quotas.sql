-- How many events a tenant may publish, and how many of its deliveries may wait; null for as many as there are.
alter table tenants add column events_per_second real check (events_per_second > 0);
alter table tenants add column waiting integer check (waiting > 0);
