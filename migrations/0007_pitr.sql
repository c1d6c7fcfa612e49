-- Point-in-time recovery: the server that runs a database, the archive of its write-ahead log, and restores to a moment beside it.

ALTER TABLE database
    -- The server that runs it. The first has the database's own number; each restore that took its place, another.
    ADD COLUMN node_id     uuid UNIQUE,
    -- What its archive is encrypted with, under the master key; null: it has none.
    ADD COLUMN archive_key bytea;
UPDATE database SET node_id = id;
ALTER TABLE database ALTER COLUMN node_id SET NOT NULL;

-- A database as it was at a moment, beside the one that runs.
CREATE TABLE pitr_restore (
    -- Also the number of its server.
    id           uuid PRIMARY KEY,
    database_id  uuid NOT NULL REFERENCES database (id),
    status       text NOT NULL CHECK (status IN ('restoring', 'ready', 'switched', 'discarded')),
    -- The moment that was asked for, and the timeline that leads there; null: the newest.
    moment       timestamptz NOT NULL,
    timeline     bigint,
    -- The last transaction in it.
    reached_at   timestamptz,
    -- Its tables and their rows (types::pitr::TableRows).
    tables       jsonb,
    -- How long copying and replaying took.
    took_ms      bigint,
    operation_id uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    -- Once it took the place of what was there: that server, the timeline that it wrote, and the last moment of it.
    left_node     uuid,
    left_timeline bigint,
    left_at       timestamptz,
    -- The directory of that server is gone since.
    left_gone_at  timestamptz
);
CREATE UNIQUE INDEX pitr_restore_standing ON pitr_restore (database_id) WHERE status IN ('restoring', 'ready');
CREATE INDEX pitr_restore_by_database ON pitr_restore (database_id, created_at DESC);
