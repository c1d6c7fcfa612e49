//! Code that waits for somebody of ours to run it: nobody does, and where PostgreSQL itself must run it for us (autovacuum,
//! a restore), it gains nothing.

use crate::{
    host::{self, Host},
    kit::{Pieces, dump},
};
use control::engine::{
    Administer as _, Doorway as _, Engine as _, NodeSpec,
    dumps::{Dumps as _, Second},
    sessions::{Sessions as _, Signal},
    statements::Statements as _,
};
use engine::sql::{MONITOR, STEWARD, SUPERUSER};
use std::{collections::BTreeSet, fs, time::Duration};
use tokio_postgres::Client;
use types::query::Signalled;

/// A25, A26, A28. Everything here calls `canary`, which keeps who did, and what it could gain by going back to the role that
/// the session began as, and further up.
const TRAPS: &str = r#"
    CREATE TABLE caught (who text, session text, how text, gained bool);
    GRANT INSERT, SELECT ON caught TO PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO PUBLIC;
    CREATE FUNCTION canary(how text) RETURNS bool LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    DECLARE who text := current_user; gained bool := false; up text;
    BEGIN
        IF session_user LIKE 'paddock%' OR current_user LIKE 'paddock%' THEN
            FOREACH up IN ARRAY ARRAY['RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'SET SESSION AUTHORIZATION paddock',
                                      'SET ROLE paddock'] LOOP
                BEGIN EXECUTE up; EXCEPTION WHEN OTHERS THEN NULL; END;
            END LOOP;
            FOREACH up IN ARRAY ARRAY['CREATE ROLE gained SUPERUSER', 'ALTER ROLE shop_4553 SUPERUSER',
                                      'COPY (SELECT 1) TO PROGRAM ''true''', 'SELECT * FROM pg_authid'] LOOP
                BEGIN EXECUTE up; gained := true; EXCEPTION WHEN OTHERS THEN NULL; END;
            END LOOP;
            BEGIN EXECUTE format('SET ROLE %I', who); EXCEPTION WHEN OTHERS THEN NULL; END;
            RAISE LOG 'canary % % %', how, who, session_user;
            INSERT INTO public.caught VALUES (who, session_user, how, gained);
        END IF;
        RETURN true;
    END $$;
    CREATE FUNCTION lower(text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('lower') THEN $1 END $$;
    CREATE FUNCTION count(name) RETURNS bigint LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('count') THEN 1::bigint END $$;
    CREATE FUNCTION same(name, name) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('operator') $$;
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
    CREATE FUNCTION same_text(text, text) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('operator') $$;
    CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same_text);
    CREATE OPERATOR public.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = public.same_text);
    CREATE OPERATOR public.<> (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
    CREATE FUNCTION same_oid(oid, oid) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('operator') $$;
    CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.same_oid);
    CREATE TYPE mine AS (x text);
    CREATE FUNCTION to_text(mine) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('cast') THEN 'x' END $$;
    CREATE CAST (mine AS text) WITH FUNCTION to_text(mine) AS IMPLICIT;
    CREATE FUNCTION to_mine(text) RETURNS mine LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('cast') THEN ROW($1)::public.mine END $$;
    CREATE CAST (text AS mine) WITH FUNCTION to_mine(text) AS IMPLICIT;
    CREATE FUNCTION to_text(name) RETURNS mine LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('cast') THEN ROW('x')::public.mine END $$;
    CREATE CAST (name AS mine) WITH FUNCTION to_text(name) AS IMPLICIT;
    CREATE DOMAIN public.name AS pg_catalog.name CHECK (public.canary('type'));
    CREATE DOMAIN public.text AS pg_catalog.text CHECK (public.canary('type'));
    CREATE DOMAIN public.int8 AS pg_catalog.int8 CHECK (public.canary('type'));
    CREATE FUNCTION pg_has_role(oid, name, text) RETURNS bool LANGUAGE sql AS $$ SELECT public.canary('pg_has_role') $$;
    CREATE FUNCTION pg_describe_object(oid, oid, int) RETURNS text LANGUAGE sql AS $$ SELECT public.canary('describe')::text $$;
    CREATE VIEW pg_roles AS SELECT 'x'::name AS rolname, canary('view') AS trap;
    CREATE VIEW pg_stat_activity AS SELECT 1 AS pid, canary('activity') AS trap;
    CREATE VIEW pg_stat_statements AS SELECT 1 AS calls, canary('statements') AS trap;
    CREATE TABLE pg_extension (extname name DEFAULT CASE WHEN canary('default') THEN 'x' END);
    CREATE SCHEMA paddock; GRANT USAGE ON SCHEMA paddock TO PUBLIC;
    CREATE FUNCTION paddock.password_encryption(OUT name text, OUT kind text) RETURNS SETOF record LANGUAGE sql
        AS $$ SELECT 'x', public.canary('definer')::text $$;
    CREATE FUNCTION pure(how text, n int) RETURNS int IMMUTABLE LANGUAGE sql
        AS $$ SELECT CASE WHEN public.canary(how) THEN n END $$;
    CREATE DOMAIN checked AS int CHECK (public.canary('domain'));
    CREATE TABLE touched (n int CHECK (public.canary('check')), d checked,
                          g int GENERATED ALWAYS AS (public.pure('generated', n)) STORED);
    INSERT INTO touched SELECT n, n FROM generate_series(1, 10) n; CREATE INDEX ON touched (pure('index', n));
    CREATE TABLE guarded AS SELECT 1 AS n; ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
    CREATE POLICY p ON guarded USING (canary('policy'));
    CREATE MATERIALIZED VIEW kept AS SELECT n, canary('refresh') FROM touched;
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public, paddock TO PUBLIC;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC;
    ALTER DATABASE shop_4553 SET search_path = pg_temp, public, pg_catalog;
    ALTER DATABASE shop_4553 SET row_security = off;
    ALTER DATABASE shop_4553 SET role = shop_4553_owner;
    ALTER DATABASE shop_4553 SET lock_timeout = '1ms';
    ALTER DATABASE shop_4553 SET idle_in_transaction_session_timeout = '1ms';
    ALTER DATABASE shop_4553 SET default_transaction_read_only = on;
    ALTER DATABASE shop_4553 SET local_preload_libraries = 'nowhere';
    ALTER ROLE CURRENT_USER IN DATABASE shop_4553 SET search_path = public, pg_catalog;
"#;

/// What a session that stays open can put before the catalogue, for itself.
const SHADOWS: &str = r#"
    CREATE TEMP VIEW pg_roles AS SELECT 'x'::pg_catalog.text AS rolname, public.canary('pg_temp') AS trap;
    CREATE TEMP VIEW pg_class AS SELECT 1 AS oid, public.canary('pg_temp') AS trap;
    CREATE FUNCTION pg_temp.lower(pg_catalog.text) RETURNS pg_catalog.text LANGUAGE sql AS $$ SELECT CASE WHEN public.canary('pg_temp') THEN $1 END $$
"#;

/// Everything that the platform does with a database that people use, but for a restore; answers a dump.
async fn all_that_we_do(host: &Host, spec: &NodeSpec, two: [&Client; 2]) -> Vec<u8> {
    let engine = &host.engine;
    for _ in 0..2 {
        engine.figures(spec).await.unwrap();
        assert!(engine.sample(spec, true).await.unwrap().server.is_some());
        engine.observe(spec.id).await.unwrap();
    }
    engine.pending(spec).await.unwrap();
    engine.preview(spec).await.unwrap();
    engine.limit(spec).await.unwrap();
    engine.checkpoint(spec).await.unwrap();
    engine.prepare_statements(spec).await.unwrap();
    engine.configure(spec).await.unwrap();
    assert!(engine.statements(spec).await.unwrap().loaded);
    engine.reset_statements(spec).await.unwrap();
    sessions(host, spec, two).await;
    assert!(engine.refused(spec).await.unwrap().is_empty());
    assert_eq!(engine.end_refused(spec, false).await.unwrap(), 0);
    assert!(engine.users(spec).await.unwrap().len() >= 3);
    assert!(engine.create_user(spec, "later_user", false, &host::verifier()).await.unwrap());
    assert!(engine.create_user(spec, "later_reader", true, &host::verifier()).await.unwrap());
    assert!(engine.set_user_password(spec, "later_user", &host::verifier()).await.unwrap());
    engine.owned_by(spec, "analyst_1", 20).await.unwrap();
    for user in ["shop_4553", "analyst_1", "reader_1"] {
        assert!(engine.rights(spec, user).await.unwrap().len() > 10);
    }
    engine.mend_rights(spec).await.unwrap();
    // It took from everybody what writes; the canary shall go on.
    two[0].batch_execute("GRANT INSERT ON public.caught TO PUBLIC").await.unwrap();
    engine.extensions(spec).await.unwrap();
    engine.create_extension(spec, "hstore").await.unwrap();
    engine.drop_extension(spec, "hstore").await.unwrap();
    engine.drop_user(spec, "later_user").await.unwrap();
    engine.drop_user(spec, "later_reader").await.unwrap();
    let (dumped, bytes) = dump(host, spec).await;
    assert_eq!((dumped.contents.rows["public.touched"], dumped.contents.rows["public.guarded"]), (10, 1));
    let next = NodeSpec { login: "shop_4553_b".into(), ..spec.clone() };
    engine.open_login(&next, &host::verifier()).await.unwrap();
    engine.close_other_logins(spec, true).await.unwrap();
    bytes
}

/// Somebody waits for somebody: the list says for what, and one of them is stopped.
async fn sessions(host: &Host, spec: &NodeSpec, [holder, waiter]: [&Client; 2]) {
    for client in [holder, waiter] {
        client.batch_execute("BEGIN").await.unwrap();
    }
    let lock = "LOCK TABLE public.touched IN ACCESS EXCLUSIVE MODE";
    holder.batch_execute(lock).await.unwrap();
    let look = async {
        let look = async || {
            let seen = host.engine.sessions(spec, true).await.unwrap().sessions;
            let blocked = seen.iter().find(|one| !one.blocked_by.is_empty())?.pid;
            let holds: Vec<_> = seen.into_iter().flat_map(|one| one.holds).collect();
            // A look that enters the database too late tells no locks.
            (!holds.is_empty()).then_some((blocked, holds))
        };
        let seen = host::eventually(host::PATIENT, look).await;
        let (pid, holds) = seen.expect("one waits for the other, and it is told for what");
        assert!(holds.iter().any(|held| held.contains("public.touched")), "{holds:?}");
        let sent = host.engine.signal(spec, Signal::Cancel, pid, None).await.unwrap();
        assert_eq!(sent, Signalled::Sent);
    };
    let (waited, ()) = tokio::join!(waiter.batch_execute(lock), look);
    assert_eq!(waited.unwrap_err().code().unwrap().code(), "57014", "it was cancelled");
    for client in [holder, waiter] {
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// Who was caught: as whom, in whose session, how, and whether it gained something.
type Caught = BTreeSet<(String, String, String, bool)>;

async fn caught(client: &Client) -> Caught {
    let ask = "SELECT DISTINCT who::pg_catalog.text, session::pg_catalog.text, how::pg_catalog.text, gained FROM public.caught";
    let rows = client.query(ask, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

/// A28: PostgreSQL's own maintenance runs code of users, as those whom the table belongs to, and nobody else.
async fn autovacuum(host: &Host, spec: &NodeSpec, owner: &Client, inside: &Client) -> Caught {
    let settings = host.dir(spec).conf().join("postgresql.conf");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text + "autovacuum_naptime = 1s\n").unwrap();
    // So that the canary can keep what it sees, and not only stop the analysis.
    let writable = "ALTER DATABASE shop_4553 RESET default_transaction_read_only";
    inside.batch_execute(writable).await.unwrap();
    inside.batch_execute("SELECT pg_catalog.pg_reload_conf()").await.unwrap();
    let due = "ALTER TABLE public.touched SET (autovacuum_analyze_threshold = 1, autovacuum_analyze_scale_factor = 0);
               INSERT INTO public.touched SELECT n, n FROM pg_catalog.generate_series(11, 99) n";
    owner.batch_execute(due).await.unwrap();
    for _ in 0..600 {
        let caught = caught(owner).await;
        if !caught.is_empty() {
            return caught;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}: autovacuum did not come", spec.version);
}

fn row(who: &str, session: &str, how: &str, gained: bool) -> (String, String, String, bool) {
    (who.into(), session.into(), how.into(), gained)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_of_ours_runs_code_of_users_on_every_major() {
    let host = Host::new().await;
    for version in host.versions().await {
        let spec = NodeSpec { statements: true, ..host::spec("shop_4553", version) };
        crate::with_users(&host, &spec).await;
        let owner = host.connect(&spec, "shop_4553").await.unwrap();
        // They are there before the settings that keep everybody else out.
        let shadow = host.connect(&spec, "shop_4553").await.unwrap();
        owner.batch_execute(TRAPS).await.unwrap();
        shadow.batch_execute(SHADOWS).await.unwrap();
        assert!(host.connect(&spec, "shop_4553").await.is_err(), "{version}: nothing can be loaded");
        let bytes = all_that_we_do(&host, &spec, [&owner, &shadow]).await;
        let nobody = Caught::new();
        assert_eq!(caught(&owner).await, nobody, "{version}: code of a user ran in our sessions");
        let log = crate::whole_log(&host, &spec).await;
        let sung: Vec<_> = log.iter().filter(|record| record.text.contains("canary ")).collect();
        assert!(log.len() > 100 && sung.is_empty(), "{version}: also where it was rolled back: {sung:?}");

        let inside = host.inside(&spec, "shop_4553").await;
        inside.batch_execute("SET search_path = pg_catalog").await.unwrap();
        let all = "shop_4553_owner";
        let ran = autovacuum(&host, &spec, &owner, &inside).await;
        assert_eq!(ran, [row(all, SUPERUSER, "index", false)].into(), "{version}");

        // A26: a role of ours that did step into it has nothing to go back to.
        owner.batch_execute("TRUNCATE public.caught").await.unwrap();
        for weak in [MONITOR, STEWARD] {
            let client = host.inside_as(&spec, weak, "shop_4553").await;
            client.batch_execute("SELECT public.canary('proof')").await.unwrap();
        }
        let weak: Caught = [MONITOR, STEWARD].map(|role| row(role, role, "proof", false)).into();
        assert_eq!(caught(&owner).await, weak, "{version}");

        // A restore runs it, since it must, as somebody who may do what the owner may: see what it leaves.
        host.engine.try_dump(&spec, 0, &mut Pieces(bytes.clone(), 0)).await.unwrap();
        host.engine.load_beside(&spec, 0, &mut Pieces(bytes, 0)).await.unwrap();
        let beside = host.inside(&spec, "paddock_incoming").await;
        let ran = ["check", "domain", "generated", "index", "refresh"];
        let ran: Caught = ran.map(|how| row(all, engine::sql::LOADER, how, false)).into();
        assert_eq!(caught(&beside).await, ran, "{version}");
        drop(beside);
        host.engine.drop_second(&spec, Second::Incoming).await.unwrap();

        // The canary sings when somebody does step into it who has something: the test can fail.
        owner.batch_execute("TRUNCATE public.caught").await.unwrap();
        inside.batch_execute("SELECT public.canary('proof')").await.unwrap();
        assert_eq!(caught(&owner).await, [row(SUPERUSER, SUPERUSER, "proof", true)].into(), "{version}");
        drop((owner, shadow, inside));
        host.engine.purge(spec.id).await.unwrap();
    }
    host.end().await;
}
