-- People and how they get in. Secrets are stored as hashes only (SHA-256 of random tokens, argon2id of passwords).

CREATE TABLE app_user (
    id               uuid PRIMARY KEY,
    email            text NOT NULL,
    username         text NOT NULL,
    password_hash    text NOT NULL,
    -- The operator runs this Paddock; the first account is one.
    is_operator      boolean NOT NULL DEFAULT false,
    -- Failed sign-ins in a row and when the next one is allowed (doubling delay, capped).
    failed_logins    integer NOT NULL DEFAULT 0,
    next_login_at    timestamptz,
    created_at       timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX app_user_email ON app_user (lower(email));
CREATE UNIQUE INDEX app_user_username ON app_user (lower(username));

CREATE TABLE session (
    -- SHA-256 of the session id in the cookie: a stolen dump of this table opens nothing.
    id_hash    bytea PRIMARY KEY,
    -- What people name it by ("revoke this one"); says nothing about the cookie.
    id         uuid NOT NULL UNIQUE,
    -- Null until somebody signed in with it.
    user_id    uuid REFERENCES app_user (id) ON DELETE CASCADE,
    data       bytea NOT NULL,
    user_agent text NOT NULL DEFAULT '',
    ip         text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX session_expiry ON session (expires_at);

CREATE TABLE api_token (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    name         text NOT NULL,
    token_hash   bytea NOT NULL UNIQUE,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz
);
CREATE INDEX api_token_by_user ON api_token (user_id);

-- One row at most: the hash of the one-time link that makes the first account.
CREATE TABLE setup_token (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- Key-check values and other facts about the whole installation.
CREATE TABLE installation (
    only_one         boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    id               uuid NOT NULL,
    -- Encryption of a fixed text under the master key: a wrong key refuses to start.
    master_key_check bytea NOT NULL,
    -- The key that signs short-lived bearer tokens, encrypted under the master key.
    jwt_key          bytea NOT NULL,
    created_at       timestamptz NOT NULL
);

CREATE TABLE audit_event (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    -- Null: the platform itself, or somebody not signed in.
    user_id    uuid,
    username   text NOT NULL,
    ip         text NOT NULL DEFAULT '',
    -- "session.create", "database.reveal_password", ...
    action     text NOT NULL,
    -- Kept as plain text without a foreign key: the record outlives its object.
    app_id     uuid,
    database_id uuid,
    detail     text NOT NULL DEFAULT '',
    allowed    boolean NOT NULL
);
CREATE INDEX audit_event_by_app ON audit_event (app_id, seq DESC);
CREATE INDEX audit_event_by_database ON audit_event (database_id, seq DESC);
