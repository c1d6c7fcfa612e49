-- The operation log: crates/durable owns these tables, and nothing else writes to them.

CREATE TABLE operation (
    id                  uuid PRIMARY KEY,
    kind                text NOT NULL,
    -- What the operation changes ("database:<uuid>"). One live operation per subject, see operation_exclusive.
    subject             text NOT NULL,
    params              jsonb NOT NULL,
    -- Who asked, as control::Actor serialises itself; the log never interprets it.
    actor               jsonb NOT NULL,
    -- waiting: between attempts, or for something outside; rolling_back: what was made is being taken back.
    status              text NOT NULL CHECK (status IN
                            ('pending', 'running', 'waiting', 'rolling_back', 'succeeded', 'failed', 'cancelled')),
    step                text NOT NULL,
    -- What earlier steps found out, for later ones.
    memo                jsonb NOT NULL DEFAULT '{}',
    -- Failures of the present step in a row; back to 0 when a step succeeds.
    attempt             integer NOT NULL DEFAULT 0,
    run_at              timestamptz NOT NULL,
    -- How often somebody asked for an early run. A worker that sees it grow during a step runs the next one at once.
    woken               integer NOT NULL DEFAULT 0,
    lease_token         uuid,
    lease_until         timestamptz,
    -- The time limit as it was asked for; unwinding and a retry get it anew.
    time_limit          interval NOT NULL,
    deadline            timestamptz NOT NULL,
    cancel_requested_at timestamptz,
    -- How it ends when the unwinding is over; NULL while it goes forward.
    unwinds_to          text CHECK (unwinds_to IN ('failed', 'cancelled')),
    -- {"message": for people, "log": [lines], "step": where it happened, "cause": an earlier error}
    error               jsonb,
    -- True when a person must look: it stopped, or it keeps trying in vain.
    needs_attention     boolean NOT NULL DEFAULT false,
    created_at          timestamptz NOT NULL,
    started_at          timestamptz,
    -- When the present step was run first; NULL until then.
    step_started_at     timestamptz,
    finished_at         timestamptz,
    CHECK ((lease_token IS NULL) = (lease_until IS NULL)),
    CHECK ((finished_at IS NOT NULL) = (status IN ('succeeded', 'failed', 'cancelled'))),
    CHECK (status <> 'rolling_back' OR unwinds_to IS NOT NULL)
);

CREATE UNIQUE INDEX operation_exclusive ON operation (subject)
    WHERE status IN ('pending', 'running', 'waiting', 'rolling_back');
CREATE INDEX operation_due ON operation (run_at)
    WHERE status IN ('pending', 'running', 'waiting', 'rolling_back');
CREATE INDEX operation_by_subject ON operation (subject, created_at DESC);
CREATE INDEX operation_by_kind ON operation (kind, finished_at DESC) WHERE status = 'succeeded';

CREATE TABLE operation_event (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation_id uuid NOT NULL REFERENCES operation (id),
    at           timestamptz NOT NULL,
    step         text NOT NULL,
    -- requested, started, progress, log, step_done, retrying, failed, unwinding, cancel_requested, resumed, finished
    kind         text NOT NULL,
    data         jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX operation_event_by_operation ON operation_event (operation_id, seq);

-- Idempotency-Key: one row per principal and key; `fingerprint` is a hash of the request, so that the same key
-- with another body is refused.
CREATE TABLE idempotency_key (
    principal    text NOT NULL,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,
    operation_id uuid NOT NULL REFERENCES operation (id),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);

-- A wake-up, no data: listeners read the truth again. Taking or renewing a lease wakes nobody: a worker that woke
-- itself by looking for work would never rest.
CREATE FUNCTION operation_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('paddock_operation', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER operation_asked AFTER INSERT ON operation
    FOR EACH ROW EXECUTE FUNCTION operation_wake();
CREATE TRIGGER operation_changed AFTER UPDATE ON operation
    FOR EACH ROW WHEN (NEW.lease_token IS NULL OR NEW.woken <> OLD.woken) EXECUTE FUNCTION operation_wake();
CREATE TRIGGER operation_told AFTER INSERT ON operation_event
    FOR EACH ROW EXECUTE FUNCTION operation_wake();
