"""What an application with Python's psycopg does: it migrates as the owner and reads as a read-only user, over TLS whose
certificate it checks. It is told where by JSON on its standard input (passwords stand on no command line), and says what it
saw as JSON. Whatever should be refused and is not ends it with an error."""

import json
import sys

import psycopg
from psycopg import errors

told = json.load(sys.stdin)


def connect(who, **more):
    place = {"host": told["host"], "port": told["port"], "dbname": told["database"], "connect_timeout": 10}
    tls = {"sslmode": "verify-full", "sslrootcert": told["ca"]}
    return psycopg.connect(**{**place, **tls, **told[who], **more})


def refused(error, act):
    try:
        act()
    except error as why:
        return str(why)
    sys.exit(f"not refused: {error.__name__} was expected")


# A client that knows other authorities does not connect.
stranger = refused(psycopg.OperationalError, lambda: connect("owner", sslrootcert="system").close())
if "certificate verify failed" not in stranger:
    sys.exit(f"refused for another reason: {stranger}")

with connect("owner") as owner:
    with owner.transaction():
        owner.execute("CREATE TABLE parcels (id bigserial PRIMARY KEY, weight int NOT NULL)")
        owner.execute("ALTER TABLE parcels ADD COLUMN note text DEFAULT 'none'")
        owner.execute("CREATE INDEX ON parcels (weight)")
    with owner.cursor() as cursor:
        cursor.executemany("INSERT INTO parcels (weight) VALUES (%s)", [(n,) for n in range(10)])
    with owner.cursor().copy("COPY parcels (weight, note) FROM STDIN") as copy:
        copy.write_row((10, "copied"))
    # What a session says of its connection only its own user sees, and work is done as the owner that users share.
    owner.execute("SET ROLE NONE")
    tls = owner.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()

with connect("reader", autocommit=True) as reader:
    rows, heaviest = reader.execute("SELECT count(*), max(weight) FROM parcels").fetchone()
    # Not the session's own promise: the right is not there.
    reader.execute("SET default_transaction_read_only = off")
    for sql in ["INSERT INTO parcels (weight) VALUES (1)", "CREATE TABLE mine (n int)", "CREATE TEMPORARY TABLE mine (n int)"]:
        refused(errors.InsufficientPrivilege, lambda sql=sql: reader.execute(sql))

json.dump({"tls": tls[0], "version": tls[1], "rows": rows, "heaviest": heaviest}, sys.stdout)
