-- What people own: apps, the databases in them, and the variables that reach them.

CREATE TABLE app (
    id         uuid PRIMARY KEY,
    name       text NOT NULL,
    owner_id   uuid NOT NULL REFERENCES app_user (id),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Deleted by its owner while databases of it still wait in the trash: bringing one back brings the app back,
    -- with its people and variables. Its name is free at once.
    deleted_at timestamptz
);
CREATE UNIQUE INDEX app_name ON app (name) WHERE deleted_at IS NULL;

CREATE TABLE collaborator (
    app_id     uuid NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    user_id    uuid NOT NULL REFERENCES app_user (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (app_id, user_id)
);

CREATE TABLE invitation (
    id          uuid PRIMARY KEY,
    app_id      uuid NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    email       text NOT NULL,
    token_hash  bytea NOT NULL UNIQUE,
    invited_by  uuid NOT NULL REFERENCES app_user (id),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz
);
CREATE UNIQUE INDEX invitation_open ON invitation (app_id, lower(email)) WHERE accepted_at IS NULL;

CREATE TABLE variable (
    id         uuid PRIMARY KEY,
    app_id     uuid NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    name       text NOT NULL,
    -- Encrypted under the master key: values hold passwords.
    value      bytea NOT NULL,
    -- Set by an add-on, and gone with it.
    addon_id   uuid,
    UNIQUE (app_id, name)
);

-- What is called after an operation changed a database of the app.
CREATE TABLE restart_hook (
    app_id     uuid PRIMARY KEY REFERENCES app (id) ON DELETE CASCADE,
    url        text,
    -- Signs webhook bodies; encrypted under the master key.
    secret     bytea,
    -- argv of a local command; only an operator may set it.
    command    text[]
);

CREATE TABLE hook_delivery (
    id           uuid PRIMARY KEY,
    app_id       uuid NOT NULL REFERENCES app (id) ON DELETE CASCADE,
    operation_id uuid NOT NULL,
    -- "webhook" or "command"
    kind         text NOT NULL CHECK (kind IN ('webhook', 'command')),
    at           timestamptz NOT NULL,
    duration_ms  integer NOT NULL,
    ok           boolean NOT NULL,
    -- "200 OK", "exit status 1", "connection refused"
    result       text NOT NULL,
    UNIQUE (operation_id, kind)
);

CREATE TABLE addon (
    id             uuid PRIMARY KEY,
    app_id         uuid NOT NULL REFERENCES app (id),
    -- "postgresql-starter-512"
    plan           text NOT NULL,
    -- "my_app_4553": name of the database and of its protected user. Never reused.
    resource_id    text NOT NULL UNIQUE,
    created_at     timestamptz NOT NULL,
    provisioned_at timestamptz,
    updated_at     timestamptz NOT NULL,
    -- Deleted by its owner; the data waits in the trash until purge_at.
    deleted_at     timestamptz,
    purge_at       timestamptz,
    purged_at      timestamptz
);
CREATE INDEX addon_by_app ON addon (app_id);

CREATE TABLE database (
    id              uuid PRIMARY KEY,
    addon_id        uuid NOT NULL UNIQUE REFERENCES addon (id),
    -- "17.11"
    version         text NOT NULL,
    port            integer NOT NULL,
    -- What the owner wants: running, stopped or deleted. What is seen is never stored here.
    wanted          text NOT NULL CHECK (wanted IN ('running', 'stopped', 'deleted')),
    -- True once the published URL accepted a login.
    ready           boolean NOT NULL DEFAULT false,
    -- Password of the protected user, encrypted under the master key (AAD: database id and purpose).
    owner_password  bytea NOT NULL,
    created_at      timestamptz NOT NULL
);

-- Ports in use and ports in quarantine: a stale URL must not reach somebody else's database.
CREATE TABLE port (
    port           integer PRIMARY KEY CHECK (port BETWEEN 1 AND 65535),
    database_id    uuid NOT NULL,
    -- Null while in use; then free again after this instant.
    reusable_at    timestamptz
);
CREATE INDEX port_by_database ON port (database_id);

-- What was seen to happen to a database outside of operations: crash, restart by the keeper.
CREATE TABLE database_event (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    database_id uuid NOT NULL,
    at          timestamptz NOT NULL,
    -- "crashed", "restarted", "unreachable", "adopted"
    kind        text NOT NULL,
    message     text NOT NULL
);
CREATE INDEX database_event_by_database ON database_event (database_id, seq DESC);
