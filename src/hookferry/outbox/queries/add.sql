insert into hookferry_outbox (id, tenant, type, payload, occurred_at, changes, scope)
values (:id, :tenant, :type, :payload, :occurred_at, :changes, :scope)
