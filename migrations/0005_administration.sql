-- Administering a database: how it may be reached, its published login, and what is kept of its statements.

ALTER TABLE database
    -- The login in the published URL; null: the database's own name. Another after its password was changed.
    ADD COLUMN login          text,
    -- A change of password that is under way: the login that comes and its sealed password.
    ADD COLUMN next_login     text,
    ADD COLUMN next_password  bytea,
    -- Connections without TLS are refused since then; null: they are not.
    ADD COLUMN force_tls_at   timestamptz,
    -- Reachable from every address since then; null: from this host, and from the networks below.
    ADD COLUMN everywhere_at  timestamptz,
    -- Statistics of statements are recorded.
    ADD COLUMN statements     boolean NOT NULL DEFAULT false,
    -- Statements that take so long are written to the log; null: none.
    ADD COLUMN slow_query_ms  integer CHECK (slow_query_ms >= 0),
    ADD CONSTRAINT everywhere_needs_tls CHECK (everywhere_at IS NULL OR force_tls_at IS NOT NULL);

-- From where else a database may be reached.
CREATE TABLE network (
    id          uuid PRIMARY KEY,
    database_id uuid NOT NULL REFERENCES database (id) ON DELETE CASCADE,
    -- "10.0.0.0/8"
    cidr        text NOT NULL,
    note        text NOT NULL,
    created_at  timestamptz NOT NULL,
    -- Closed again then.
    expires_at  timestamptz,
    UNIQUE (database_id, cidr)
);

-- What pg_stat_statements had counted at a moment: a range is the difference of two.
CREATE TABLE statement_snapshot (
    database_id uuid NOT NULL REFERENCES database (id) ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    -- The counters with most time, calls, rows or blocks (control::statements).
    counters    jsonb NOT NULL,
    PRIMARY KEY (database_id, at)
);
