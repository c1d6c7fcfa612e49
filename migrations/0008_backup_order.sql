-- Backups follow each other by number: a clock that was set back would put a newer one below an older one.
CREATE SEQUENCE backup_seq;
ALTER TABLE backup ADD COLUMN seq bigint;
UPDATE backup
SET seq = ordered.n
FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS n FROM backup) AS ordered
WHERE ordered.id = backup.id;
SELECT setval('backup_seq', count(*) + 1, false) FROM backup;
ALTER TABLE backup
    ALTER COLUMN seq SET DEFAULT nextval('backup_seq'),
    ALTER COLUMN seq SET NOT NULL,
    ADD UNIQUE (seq);
ALTER SEQUENCE backup_seq OWNED BY backup.seq;
