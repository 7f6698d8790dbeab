-- Settling many vehicles at once, only the part of their past that may still change, and lists that stay fast.

-- Everything of a vehicle before "final_before_ms" is settled for good, by the rules of "edition"; a late read takes
-- it back. "trouble": why the vehicle could not be settled; it is set aside until something new comes, or a restart.
ALTER TABLE vehicle
  ADD COLUMN final_before_ms bigint,
  ADD COLUMN edition text,
  ADD COLUMN trouble text;
CREATE INDEX vehicle_trouble ON vehicle (vehicle_key) WHERE trouble IS NOT NULL;

-- A fate is written a moment after its read: room for it on the same page spares every index.
ALTER TABLE read SET (fillfactor = 80);

-- Lists are read from the end, page by page.
DROP INDEX charge_time, charge_vehicle, trip_state, trip_vehicle;
CREATE INDEX charge_time ON charge (event_time_ms DESC, charge_key);
CREATE INDEX charge_vehicle ON charge (vehicle_key, event_time_ms DESC, charge_key);
CREATE INDEX trip_state ON trip (state, event_time_ms DESC, charge_key);
CREATE INDEX trip_vehicle ON trip (vehicle_key, event_time_ms DESC, charge_key);
