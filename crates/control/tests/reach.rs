//! How a database may be reached: what a switch needs, what a refused file leaves, what a kill leaves, and what ends by
//! itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use chrono::TimeDelta;
use control::{Actor, Error, NewNetwork, engine::EngineError};
use std::time::Duration;
use testkit::{Fault, Fired, House, Method, broken};
use types::{AddonId, NodeId, reach::Feature};

async fn house() -> (House, Actor, AddonId, NodeId) {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    let addon = house.ready(&owner, "my-app").await.addon.id;
    let database = house.plane.node_id(&owner, addon).await.unwrap();
    (house, owner, addon, database)
}

fn to(cidr: &str) -> NewNetwork<'_> {
    NewNetwork { cidr, ..NewNetwork::default() }
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, Error>, field: &str) -> String {
    answer.unwrap_err().problem().field(field).unwrap_or("nothing").to_owned()
}

/// Asks until the fault fires, and kills who asked there.
async fn until_it_hangs<T: std::fmt::Debug>(asking: impl Future<Output = T>, fault: &Fired) {
    let hanging = async {
        while fault.times() == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let either = async {
        tokio::select! { answer = asking => panic!("it did not hang: {answer:?}"), () = hanging => {} }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), either).await.is_ok(), "it did not hang");
}

fn no() -> EngineError {
    EngineError::Postgres { message: "PostgreSQL does not take the new rules: x".into(), log: Vec::new() }
}

#[tokio::test]
async fn forcing_tls_ends_plain_sessions_and_tells_first_who_they_are() {
    let (house, owner, addon, database) = house().await;
    let started = house.engine.node(database).unwrap().running;
    house.clock.advance(TimeDelta::seconds(1));
    house.engine.connect(database, "127.0.0.1", false);
    house.engine.connect(database, "127.0.0.1", true);
    let before = house.plane.reach(&owner, addon).await.unwrap();
    assert_eq!(before.plain.unwrap().len(), 1);
    assert_eq!((before.refused.unwrap().len(), before.force_tls_at), (0, None));
    assert_eq!(house.plane.force_tls(&owner, addon, true).await.unwrap(), 1);
    let node = house.engine.node(database).unwrap();
    assert!(node.spec.reach.force_tls);
    assert_eq!((node.sessions.len(), node.sessions[0].tls), (1, true));
    assert_eq!(node.running, started, "it was not restarted");
    // Again: the files stay, and what is plain still goes: whoever asked before may have been cut off. What came with TLS
    // from a network that was closed stays, as closing it said.
    house.engine.connect(database, "127.0.0.1", false);
    house.engine.connect(database, "10.9.9.9", true);
    let calls = house.engine.calls(Method::Configure);
    assert_eq!(house.plane.force_tls(&owner, addon, true).await.unwrap(), 1);
    assert_eq!(house.engine.calls(Method::Configure), calls);
    let left = house.engine.node(database).unwrap().sessions;
    assert!(left.len() == 2 && left.iter().all(|session| session.tls), "{left:?}");
    house.plane.force_tls(&owner, addon, false).await.unwrap();
    assert!(!house.engine.node(database).unwrap().spec.reach.force_tls);
    assert_eq!(broken(&house).await, Vec::<String>::new());
}

#[tokio::test]
async fn everywhere_needs_forced_tls_and_keeps_it() {
    let (house, owner, addon, database) = house().await;
    let answer = house.plane.reach_everywhere(&owner, addon, true).await;
    assert!(refusal(answer, "everywhere").contains("Force TLS first"));
    house.plane.force_tls(&owner, addon, true).await.unwrap();
    house.clock.advance(TimeDelta::seconds(1));
    house.plane.reach_everywhere(&owner, addon, true).await.unwrap();
    assert!(
        refusal(house.plane.force_tls(&owner, addon, false).await, "force_tls").contains("Switch that off")
    );
    let on: Vec<_> =
        house.plane.features(&owner, addon).await.unwrap().into_iter().map(|on| on.feature).collect();
    assert_eq!(on, [Feature::ForceSsl, Feature::PubliclyAvailable], "in the order in which they came");
    assert!(house.engine.node(database).unwrap().spec.reach.everywhere);
    house.plane.reach_everywhere(&owner, addon, false).await.unwrap();
    house.plane.force_tls(&owner, addon, false).await.unwrap();
    assert_eq!(house.plane.features(&owner, addon).await.unwrap(), []);
}

#[tokio::test]
async fn what_the_server_does_not_take_is_kept_nowhere() {
    let (house, owner, addon, database) = house().await;
    let fired = house.engine.inject(Fault::before(Method::Configure, no));
    let said = house.plane.open_network(&owner, addon, to("10.0.0.0/8")).await.unwrap_err();
    assert!(said.problem().message.contains("PostgreSQL does not take the new rules"), "{said:?}");
    assert_eq!(fired.times(), 1);
    assert_eq!(house.plane.networks(&owner, addon).await.unwrap(), []);
    assert!(house.engine.node(database).unwrap().spec.reach.networks.is_empty());
    // The next round compares the files with the store all the same: nobody knows what was written.
    assert_eq!(house.plane.tend().await.unwrap().applied, 1);
    assert_eq!(house.plane.tend().await.unwrap().applied, 0);
    assert_eq!(house.engine.calls(Method::TrimLog), 2, "old logs go each time");
}

/// Killed between the files and the store: the store wins.
#[tokio::test]
async fn files_that_say_more_than_the_store_are_written_again() {
    let (house, owner, addon, database) = house().await;
    house.plane.tend().await.unwrap();
    let fired = house.engine.inject(Fault::hang_after(Method::Configure));
    let (plane, actor) = (house.plane.clone(), owner.clone());
    let asking = async move { plane.open_network(&actor, addon, to("10.0.0.0/8")).await };
    until_it_hangs(asking, &fired).await;
    assert_eq!(fired.times(), 1);
    assert_eq!(house.engine.node(database).unwrap().spec.reach.networks.len(), 1, "the file has it");
    assert_eq!(house.plane.networks(&owner, addon).await.unwrap(), [], "the store does not");
    assert_eq!(house.plane.tend().await.unwrap().applied, 1);
    assert!(house.engine.node(database).unwrap().spec.reach.networks.is_empty());
}

#[tokio::test]
async fn networks_are_opened_changed_and_closed() {
    let (house, owner, addon, database) = house().await;
    for (cidr, part) in [("10.0.0.1/8", "10.0.0.0/8"), ("0.0.0.0/0", "every address"), ("x", "looks like")] {
        let said = refusal(house.plane.open_network(&owner, addon, to(cidr)).await, "cidr");
        assert!(said.contains(part), "{cidr}: {said}");
    }
    let long = "x".repeat(101);
    let both = NewNetwork { cidr: "x", note: &long, expires_at: Some(house.plane.now()) };
    let wrong = house.plane.open_network(&owner, addon, both).await.unwrap_err().problem();
    assert_eq!(wrong.fields.len(), 3, "all that is wrong: {wrong:?}");
    let made = house.plane.open_network(&owner, addon, to("10.0.0.0/8")).await.unwrap();
    let again = house.plane.open_network(&owner, addon, to(" 10.0.0.0/8 ")).await;
    assert!(refusal(again, "cidr").contains("open already"));
    house.engine.connect(database, "10.1.1.1", true);
    let reach = |house: &House| house.engine.node(database).unwrap().spec.reach.networks;
    assert_eq!(reach(&house), [made.network]);
    let note = NewNetwork { cidr: "2001:db8::/32", note: "the office", expires_at: None };
    let changed = house.plane.change_network(&owner, addon, made.id, note).await.unwrap();
    assert_eq!((changed.id, changed.note.as_str()), (made.id, "the office"));
    assert_eq!(reach(&house), [changed.network]);
    let refused = house.plane.reach(&owner, addon).await.unwrap().refused.unwrap();
    assert_eq!(refused.len(), 1, "who came from the network that was closed is told");
    assert_eq!(house.plane.end_refused_sessions(&owner, addon).await.unwrap(), 1);
    house.plane.close_network(&owner, addon, made.id).await.unwrap();
    assert!(matches!(
        house.plane.close_network(&owner, addon, made.id).await,
        Err(Error::NotFound("network"))
    ));
    for n in 0..30 {
        house.plane.open_network(&owner, addon, to(&format!("10.{n}.0.0/16"))).await.unwrap();
    }
    let said = refusal(house.plane.open_network(&owner, addon, to("10.99.0.0/16")).await, "cidr");
    assert!(said.contains("30 networks"), "{said}");
}

#[tokio::test]
async fn a_network_closes_by_itself_when_its_time_is_over() {
    let (house, owner, addon, database) = house().await;
    let at = house.plane.now() + TimeDelta::hours(1);
    let new = NewNetwork { cidr: "10.0.0.0/8", note: "", expires_at: Some(at) };
    house.plane.open_network(&owner, addon, new).await.unwrap();
    house.plane.open_network(&owner, addon, to("192.168.0.0/16")).await.unwrap();
    assert_eq!(house.plane.tend().await.unwrap().networks, 0);
    house.clock.advance_to(at);
    // Not beside an operation: it waits for its end.
    let restart = house.plane.restart_database(&owner, addon, None).await.unwrap().operation;
    assert_eq!(house.plane.tend().await.unwrap().networks, 0);
    house.finish(restart).await;
    assert_eq!(house.plane.tend().await.unwrap().networks, 1);
    assert_eq!(house.engine.node(database).unwrap().spec.reach.networks.len(), 1);
    assert_eq!(house.plane.networks(&owner, addon).await.unwrap().len(), 1);
}

#[tokio::test]
async fn certificates_are_renewed_before_they_end() {
    let (house, owner, addon, database) = house().await;
    let until = |house: &House| house.engine.node(database).unwrap().certificate_until.unwrap();
    let first = until(&house);
    for day in 0..366 {
        house.clock.advance(TimeDelta::days(1));
        house.plane.tend().await.unwrap();
        assert_eq!(until(&house), first, "not on day {day}");
    }
    house.clock.advance(TimeDelta::days(2));
    house.plane.tend().await.unwrap();
    assert!(until(&house) - house.plane.now() > TimeDelta::days(390));
    assert_eq!(house.plane.reach(&owner, addon).await.unwrap().certificate_until, Some(until(&house)));
}

#[tokio::test]
async fn a_running_operation_is_in_the_way_and_is_named() {
    let (house, owner, addon, _) = house().await;
    let operation = house.plane.restart_database(&owner, addon, None).await.unwrap().operation;
    let answers = [
        house.plane.force_tls(&owner, addon, true).await.map(drop).unwrap_err(),
        house.plane.open_network(&owner, addon, to("10.0.0.0/8")).await.map(drop).unwrap_err(),
        house.plane.log_slow_queries(&owner, addon, Some(500)).await.unwrap_err(),
    ];
    for error in answers {
        assert_eq!(error.problem().operation, Some(operation));
    }
}

#[tokio::test]
async fn strangers_change_nothing() {
    let (house, _, addon, _) = house().await;
    let eve = house.person("eve", false).await;
    assert!(matches!(house.plane.force_tls(&eve, addon, true).await, Err(Error::NotFound("addon"))));
    assert!(matches!(house.plane.open_network(&eve, addon, to("x")).await, Err(Error::NotFound("addon"))));
    assert!(matches!(house.plane.reach(&eve, addon).await, Err(Error::NotFound("addon"))));
    assert!(matches!(house.plane.log(&eve, addon, &Default::default()).await, Err(Error::NotFound("addon"))));
    assert!(matches!(house.plane.log_link(&eve, addon, None).await, Err(Error::NotFound("addon"))));
}

#[tokio::test]
async fn a_log_is_told_by_level_and_words_and_its_links_end() {
    let (house, owner, addon, database) = house().await;
    for (severity, message) in [("LOG", "ready"), ("ERROR", "no such table x"), ("FATAL", "no such user y")] {
        let line = format!(r#"{{"error_severity":"{severity}","message":"{message}"}}"#);
        house.engine.logs(database, &line);
    }
    let all = house.plane.log(&owner, addon, &Default::default()).await.unwrap();
    assert_eq!(all.records.len(), 3);
    let filter = types::log::LogFilter { level: types::log::Level::Errors, words: "TABLE".into() };
    let few = house.plane.log(&owner, addon, &filter).await.unwrap();
    assert_eq!(few.records.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["no such table x"]);
    let link = house.plane.log_link(&owner, addon, None).await.unwrap();
    let opened = house.plane.open_log_link(&link).unwrap();
    assert_eq!(house.plane.log_by_link(&opened, 2).await.unwrap().len(), 2);
    for forged in ["", "x", &link[1..], &format!("{link}AA")] {
        assert!(house.plane.open_log_link(forged).is_err(), "{forged}");
    }
    house.clock.advance(TimeDelta::minutes(10));
    assert!(house.plane.open_log_link(&link).is_err(), "its time is over");
}

/// The CA is not renewed by itself: its end is told, every day, from a year before.
#[tokio::test]
async fn the_end_of_the_ca_is_told_every_day() {
    let (house, owner, addon, _) = house().await;
    assert!(!house.plane.tend().await.unwrap().ca_told);
    let until = house.plane.now() + TimeDelta::days(366);
    house.engine.ca_ends(until);
    let told = async || house.plane.tend().await.unwrap().ca_told;
    assert!(!told().await);
    house.clock.advance(TimeDelta::days(2));
    assert!(told().await && !told().await, "once a day");
    house.clock.advance(TimeDelta::days(1));
    assert!(told().await);
    assert_eq!(house.plane.reach(&owner, addon).await.unwrap().ca_until, until);
}
