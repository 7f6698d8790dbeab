-- Who may come in: sessions of operators, one-time pairing codes and tokens of on-board pages. Only hashes are kept.

CREATE TABLE operator_session (
    token_hash  bytea PRIMARY KEY,
    operator    text NOT NULL,
    expires_ms  bigint NOT NULL
);

CREATE TABLE pairing (
    code_hash   bytea PRIMARY KEY,
    login       text NOT NULL,
    vehicle     text NOT NULL,
    station_id  bigint,
    expires_ms  bigint NOT NULL,
    used_ms     bigint
);

CREATE TABLE vehicle_token (
    token_hash  bytea PRIMARY KEY,
    login       text NOT NULL,
    vehicle     text NOT NULL,
    station_id  bigint,
    expires_ms  bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON operator_session, pairing, vehicle_token TO trassa_app;
