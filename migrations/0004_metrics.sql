-- What was measured, what a restart costs, and when a full disk stops writes.

-- One row per database, resolution and stretch of time, all series in one compressed block (control::metrics::block).
CREATE TABLE metric_block (
    database_id uuid NOT NULL,
    -- Seconds between two values: 10 (kept for 48 hours), 60 (15 days), 3600 (400 days).
    resolution  integer NOT NULL CHECK (resolution IN (10, 60, 3600)),
    starts_at   timestamptz NOT NULL,
    -- Just behind the last value.
    ends_at     timestamptz NOT NULL,
    bytes       bytea NOT NULL,
    PRIMARY KEY (database_id, resolution, starts_at)
);
CREATE INDEX metric_block_by_age ON metric_block (resolution, ends_at);

-- The most since the server's start, where the kernel does not remember it by itself.
CREATE TABLE peak (
    database_id  uuid PRIMARY KEY REFERENCES database (id) ON DELETE CASCADE,
    -- When that server was started: another start begins anew.
    since        timestamptz NOT NULL,
    memory_bytes bigint NOT NULL,
    swap_bytes   bigint NOT NULL
);

-- How long clients were locked out, as measured: what the next one is predicted from.
CREATE TABLE interruption (
    operation_id uuid PRIMARY KEY,
    database_id  uuid NOT NULL,
    at           timestamptz NOT NULL,
    -- What was told beforehand; null: nothing was known.
    predicted_ms bigint,
    measured_ms  bigint NOT NULL
);
CREATE INDEX interruption_by_database ON interruption (database_id, at DESC);

-- The disk guard: new transactions are read-only, unless somebody asked for some minutes of writes.
ALTER TABLE database
    -- The highest level (per cent of the plan's disk) that was told; 0: none.
    ADD COLUMN disk_level   smallint NOT NULL DEFAULT 0,
    ADD COLUMN read_only    boolean NOT NULL DEFAULT false,
    -- Writes are allowed until then all the same.
    ADD COLUMN writes_until timestamptz;
