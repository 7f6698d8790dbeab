-- Warnings: our own events, what others reported, the sequence numbers, and who took note.
-- Times are milliseconds of UTC. "pdu" is the message as it stands in the tiles, "last_pdu" what overwrites a report
-- there; "cleared": no tile holds it any more.

-- The 16-bit sequence number given last, for each originatingStationID that this road has used.
CREATE TABLE denm_sequence (
  station_id bigint PRIMARY KEY,
  last_sequence integer NOT NULL CHECK (last_sequence BETWEEN 0 AND 65535)
);

-- One row for each hazard; event_id comes round again after 65 536 of them, opened_ms tells them apart.
CREATE TABLE denm_event (
  event_id text NOT NULL,
  opened_ms bigint NOT NULL,
  station_id bigint NOT NULL,
  sequence integer NOT NULL CHECK (sequence BETWEEN 0 AND 65535),
  cause_code smallint NOT NULL,
  sub_cause_code smallint NOT NULL,
  carriageway text NOT NULL CHECK (carriageway IN ('increasing', 'decreasing')),
  anchor_m double precision NOT NULL,
  head_m double precision NOT NULL,
  label text NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'unconfirmed', 'ended')),
  detection_ms bigint NOT NULL,
  reference_ms bigint NOT NULL,
  validity_s integer NOT NULL CHECK (validity_s BETWEEN 1 AND 120),
  rule text NOT NULL,
  evidence jsonb NOT NULL,
  witnesses bigint[] NOT NULL,
  start_m double precision NOT NULL,
  end_m double precision NOT NULL,
  tiles text[] NOT NULL,
  pdu bytea NOT NULL,
  ended_ms bigint,
  ended_because text NOT NULL DEFAULT '',
  ended_by text NOT NULL DEFAULT '',
  cleared boolean NOT NULL DEFAULT false,
  PRIMARY KEY (event_id, opened_ms),
  CHECK ((state = 'ended') = (ended_ms IS NOT NULL)),
  CHECK (state = 'ended' OR NOT cleared)
);
CREATE UNIQUE INDEX denm_event_alive ON denm_event (event_id) WHERE state <> 'ended';
CREATE INDEX denm_event_ended ON denm_event (ended_ms) WHERE state = 'ended';
CREATE INDEX denm_event_to_clear ON denm_event (event_id) WHERE state = 'ended' AND NOT cleared;

-- One row for each version of a DENM that somebody else sent, whichever encoding came first.
CREATE TABLE denm_report (
  report_id text NOT NULL,
  reference_its_ms bigint NOT NULL,
  opened_ms bigint NOT NULL,
  received_ms bigint NOT NULL,
  station_id bigint NOT NULL,
  sequence integer NOT NULL,
  sender_id bigint NOT NULL,
  protocol_version smallint NOT NULL,
  detection_ms bigint NOT NULL,
  reference_ms bigint NOT NULL,
  void_ms bigint NOT NULL,
  cause_code smallint,
  sub_cause_code smallint,
  carriageway text CHECK (carriageway IN ('increasing', 'decreasing')),
  measure_m double precision,
  label text NOT NULL,
  start_m double precision,
  end_m double precision,
  state text NOT NULL CHECK (state IN ('live', 'superseded', 'ended', 'marked', 'termination')),
  remark text NOT NULL DEFAULT '',
  evidence jsonb NOT NULL,
  attached_to text NOT NULL DEFAULT '',
  tiles text[] NOT NULL,
  pdu bytea NOT NULL,
  last_pdu bytea,
  ended_ms bigint,
  cleared boolean NOT NULL DEFAULT false,
  PRIMARY KEY (report_id, reference_its_ms)
);
CREATE UNIQUE INDEX denm_report_alive ON denm_report (report_id) WHERE state = 'live';
CREATE INDEX denm_report_ended ON denm_report (ended_ms) WHERE state = 'ended';
CREATE INDEX denm_report_void ON denm_report (void_ms);

-- Who took note of an event or report, and when.
CREATE TABLE acknowledgement (
  event_id text NOT NULL,
  opened_ms bigint NOT NULL,
  operator text NOT NULL,
  time_ms bigint NOT NULL,
  PRIMARY KEY (event_id, opened_ms)
);

GRANT SELECT, INSERT, UPDATE ON denm_sequence, denm_event, denm_report, acknowledgement TO trassa_app;
