-- In requests a second; null for as many as there are.
alter table endpoints add column rate_limit double precision check (rate_limit > 0);
