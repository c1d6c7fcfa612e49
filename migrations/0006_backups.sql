-- Backups: archives that lie in the vault, when the next one is due, and the keys that seal them.

ALTER TABLE database
    -- A periodic backup a day, at this hour of this time zone.
    ADD COLUMN backups_enabled boolean     NOT NULL DEFAULT true,
    -- Since when: what was due before is not caught up.
    ADD COLUMN backups_since   timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN backup_hour     smallint    NOT NULL DEFAULT 1 CHECK (backup_hour BETWEEN 0 AND 23),
    ADD COLUMN backup_zone     text        NOT NULL DEFAULT 'Europe/Paris',
    -- What was there before the last restore waits in its server since then; null: nothing does.
    ADD COLUMN replaced_at     timestamptz;

-- A database's keys for its archives; new archives take the newest.
CREATE TABLE archive_key (
    id          uuid PRIMARY KEY,
    database_id uuid NOT NULL REFERENCES database (id),
    -- Encrypted under the master key; the same lies beside the archives, so that they can be opened without this store.
    sealed      bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX archive_key_by_database ON archive_key (database_id, created_at DESC);

CREATE TABLE backup (
    id            uuid PRIMARY KEY,
    -- It outlives its database.
    database_id   uuid NOT NULL REFERENCES database (id),
    method        text NOT NULL CHECK (method IN ('periodic', 'manual', 'safety')),
    status        text NOT NULL CHECK (status IN ('scheduled', 'running', 'done', 'error', 'cancelled')),
    -- Of a periodic one: the day that it is the backup of, and when it should have begun.
    slot          text,
    slot_at       timestamptz,
    late          boolean NOT NULL DEFAULT false,
    operation_id  uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    -- The moment whose data it holds.
    made_at       timestamptz,
    -- "17.11": what made it, and what it needs at least.
    version       text NOT NULL,
    -- "20261128010000_my_app_4553.tar.gz"
    name          text,
    key_id        uuid REFERENCES archive_key (id),
    -- Of the dump, so far or in all; and what the sealed archive takes.
    bytes         bigint NOT NULL DEFAULT 0,
    stored_bytes  bigint,
    sha256        bytea,
    crc32         bigint,
    -- What the database held at that moment (control::backup::contents).
    contents      jsonb,
    error         text,
    -- Whether it was restored for a trial: 'none' until it was, then 'proven', 'refuted', or 'failed' when nothing was learned.
    proof         text NOT NULL DEFAULT 'none' CHECK (proof IN ('none', 'running', 'proven', 'refuted', 'failed')),
    proof_operation uuid,
    proven_at     timestamptz,
    proof_ms      bigint,
    proof_tables  bigint,
    -- Sentences: differences and complaints, or why nothing was learned.
    proof_words   text[] NOT NULL DEFAULT '{}',
    UNIQUE (database_id, slot)
);
CREATE INDEX backup_by_database ON backup (database_id, created_at DESC);
