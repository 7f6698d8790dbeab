-- Tolls: what was seen, who it belongs to, what it cost, and the ledger.
-- Times are milliseconds of UTC; money is integers of the minor unit. No plate, tag or stationID outside "identity".

-- The one erasable table: plain identities. Everything else knows vehicles by their HMAC key only.
CREATE TABLE identity (
  identity_key text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('tag', 'plate', 'own')),
  plain text NOT NULL,
  vehicle_key text NOT NULL,
  contract_id text
);
CREATE INDEX identity_vehicle ON identity (vehicle_key);

-- What rating must know about a vehicle under contract; no personal data.
CREATE TABLE contract (
  contract_id text PRIMARY KEY,
  vehicle_key text NOT NULL UNIQUE,
  vehicle_class text NOT NULL,
  means text NOT NULL CHECK (means IN ('tag', 'plate', 'own')),
  exempt boolean NOT NULL DEFAULT false,
  exempt_from_ms bigint,
  exempt_until_ms bigint,
  registered_ms bigint NOT NULL
);

-- One sensor's observation at a toll point, as acknowledged to its sender. "doubt": why it is no evidence for a charge.
CREATE TABLE read (
  read_id text PRIMARY KEY,
  source text NOT NULL,
  device text NOT NULL,
  sequence text,
  time_ms bigint NOT NULL,
  toll_point text NOT NULL,
  means text NOT NULL CHECK (means IN ('tag', 'plate', 'own')),
  identity_key text NOT NULL,
  vehicle_key text NOT NULL,
  vehicle_class text,
  movement text NOT NULL CHECK (movement IN ('entry', 'exit', 'through', 'unknown')),
  received_ms bigint NOT NULL,
  doubt text,
  fate text NOT NULL DEFAULT 'open' CHECK (fate IN ('open', 'charged', 'duplicate', 'exempt', 'held', 'rejected')),
  reason text
);
CREATE INDEX read_vehicle ON read (vehicle_key, time_ms);
CREATE INDEX read_identity ON read (identity_key);

-- Reads that could not be accepted: kept with the reason and without the identity.
CREATE TABLE rejected_read (
  read_id text PRIMARY KEY,
  body json NOT NULL,
  reason text NOT NULL,
  received_ms bigint NOT NULL
);

-- Fixes that an opted-in vehicle sent of itself: the two around each crossing. Erased: without the position.
CREATE TABLE fix (
  vehicle_key text NOT NULL,
  time_ms bigint NOT NULL,
  latitude_deg double precision,
  longitude_deg double precision,
  speed_mps double precision,
  carriageway text,
  measure_m double precision,
  PRIMARY KEY (vehicle_key, time_ms)
);
CREATE TABLE crossing (
  read_id text PRIMARY KEY REFERENCES read,
  vehicle_key text NOT NULL,
  before_ms bigint NOT NULL,
  after_ms bigint NOT NULL,
  FOREIGN KEY (vehicle_key, before_ms) REFERENCES fix DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (vehicle_key, after_ms) REFERENCES fix DEFERRABLE INITIALLY DEFERRED
);

-- One row per vehicle: locked while it is settled. "due_ms" null: nothing to do; "track": its last fix.
CREATE TABLE vehicle (
  vehicle_key text PRIMARY KEY,
  due_ms bigint,
  watermark_ms bigint,
  track json
);
CREATE INDEX vehicle_due ON vehicle (due_ms, vehicle_key) WHERE due_ms IS NOT NULL;

-- What the rules made of the reads at the last settlement; rewritten with every settlement of the vehicle.
CREATE TABLE trip (
  charge_key text PRIMARY KEY,
  system text NOT NULL,
  vehicle_key text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'charged', 'held')),
  reason text,
  said text,
  event_time_ms bigint NOT NULL,
  passages json NOT NULL,
  read_ids text[] NOT NULL
);
CREATE INDEX trip_vehicle ON trip (vehicle_key);
CREATE INDEX trip_state ON trip (state, event_time_ms DESC);

-- Why an amount was charged, by the SHA-256 of its canonical JSON; never changed.
CREATE TABLE explanation (
  sha256 text PRIMARY KEY,
  body json NOT NULL
);

-- The ledger. Append-only: entries are chained by hash, postings of an entry add up to 0 in every currency.
CREATE TABLE entry (
  id bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('charge', 'reversal', 'payment', 'adjustment')),
  charge_key text NOT NULL,
  revision integer NOT NULL,
  reverses text UNIQUE,
  content_hash text NOT NULL UNIQUE,
  event_time_ms bigint NOT NULL,
  recorded_at_ms bigint NOT NULL,
  explanation_sha256 text NOT NULL,
  prev_hash text NOT NULL UNIQUE,
  hash text NOT NULL UNIQUE,
  FOREIGN KEY (reverses) REFERENCES entry (content_hash),
  CHECK ((kind = 'reversal') = (reverses IS NOT NULL))
);
CREATE INDEX entry_charge ON entry (charge_key, id DESC);
CREATE TABLE posting (
  entry_id bigint NOT NULL REFERENCES entry,
  line integer NOT NULL,
  account text NOT NULL,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount_minor bigint NOT NULL,
  PRIMARY KEY (entry_id, line)
);
CREATE INDEX posting_account ON posting (account, currency);

-- The charge as its last entry left it. "amount_minor" 0 after a reversal.
CREATE TABLE charge (
  charge_key text PRIMARY KEY,
  system text NOT NULL,
  vehicle_key text NOT NULL,
  contract_id text,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  event_time_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  entry_id bigint NOT NULL REFERENCES entry
);
CREATE INDEX charge_vehicle ON charge (vehicle_key, event_time_ms);
CREATE INDEX charge_time ON charge (event_time_ms DESC);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ledger: % of % is refused: entries are only ever added', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'write a reversal';
END $$;
CREATE TRIGGER entry_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER explanation_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON explanation
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER posting_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  -- a row of "entry" has no entry_id and a row of "posting" no id
  subject bigint := coalesce(to_jsonb(NEW) ->> 'entry_id', to_jsonb(NEW) ->> 'id')::bigint;
  uneven record;
BEGIN
  FOR uneven IN SELECT currency, sum(amount_minor) AS amount FROM trassa.posting WHERE entry_id = subject GROUP BY 1
  LOOP
    IF uneven.amount <> 0 THEN
      RAISE EXCEPTION 'ledger: entry % does not balance: % %', subject, uneven.amount, uneven.currency
        USING ERRCODE = 'check_violation';
    END IF;
  END LOOP;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger: entry % has no posting', subject USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON entry
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();
CREATE CONSTRAINT TRIGGER posting_balances AFTER INSERT ON posting
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced();

GRANT SELECT, INSERT, UPDATE, DELETE ON identity, contract, rejected_read, fix, vehicle, trip TO trassa_app;
GRANT SELECT, INSERT, UPDATE ON charge TO trassa_app;
GRANT SELECT, INSERT, UPDATE (vehicle_key, fate, reason) ON read TO trassa_app;
GRANT SELECT, INSERT ON crossing, explanation, entry, posting TO trassa_app;
