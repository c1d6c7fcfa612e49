//! Restart hooks: called once each, signed, recorded; they never make an operation fail.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use control::Config;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{collections::BTreeSet, fs, path::Path};
use testkit::{Fault, House, Method};
use types::{ProblemKind, operation::OperationStatus as Status};

const URL: &str = "https://app.example.org/restart";

#[tokio::test]
async fn a_webhook_is_signed_and_recorded() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let hook = house.plane.set_hook(&owner, "my-app", Some(URL.into()), vec![]).await.unwrap();
    let secret = hook.new_secret.unwrap();
    assert_eq!(house.plane.hook(&owner, "my-app").await.unwrap().new_secret, None, "shown once");

    let accepted = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    let posted = house.postman.posted();
    assert_eq!(posted.len(), 1);
    let header = |name: &str| posted[0].headers.iter().find(|(n, _)| *n == name).unwrap().1.clone();
    assert_eq!((posted[0].url.as_str(), header("webhook-id")), (URL, accepted.operation.to_string()));
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(
        format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), posted[0].body).as_bytes(),
    );
    let signature = header("webhook-signature");
    mac.verify_slice(&BASE64_STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap()).unwrap();
    let body: serde_json::Value = serde_json::from_str(&posted[0].body).unwrap();
    assert_eq!(body["type"], "database.created");
    assert_eq!(body["data"]["database"], accepted.addon.resource_id.as_str());

    let deliveries = house.plane.hook(&owner, "my-app").await.unwrap().deliveries;
    assert_eq!(deliveries.len(), 1);
    assert!(deliveries[0].ok && deliveries[0].result.starts_with("200 OK in "), "{deliveries:?}");
}

/// Whoever writes a receiver reads that page: a type that it leaves out comes as a surprise.
#[test]
fn every_type_is_in_the_documentation() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(here.join("../../docs/restart-hooks.md")).unwrap();
    let mut seen = BTreeSet::new();
    let mut places = vec![here.join("src/ops")];
    while let Some(place) = places.pop() {
        if place.is_dir() {
            places.extend(fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(&place).unwrap();
        let calls = text.split("call_hook::run(").skip(1);
        seen.extend(calls.filter_map(|call| Some(call.split('"').nth(1)?.to_owned())));
    }
    assert!(seen.contains("database.created") && seen.len() > 5, "{seen:?}");
    for kind in seen {
        assert!(page.contains(&format!("`{kind}`")), "{kind} is not told in docs/restart-hooks.md");
    }
}

/// Where strangers have accounts, a hook must not look around in the operator's network.
#[tokio::test]
async fn private_networks_can_be_kept_out_of_reach() {
    const INSIDE: &str = "http://10.0.0.7/restart";
    for reach in [true, false] {
        let config = Config { hooks_reach_private_networks: reach, ..Config::default() };
        let house = House::with(config, 31000..=31999).await;
        let owner = house.person("ada", false).await;
        house.plane.create_app(&owner, "my-app").await.unwrap();
        let set = house.plane.set_hook(&owner, "my-app", Some(INSIDE.into()), vec![]).await;
        let refusal = set.err().and_then(|error| error.problem().field("url").map(str::to_owned));
        assert_eq!(refusal.is_none(), reach, "{refusal:?}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_not_taken_is_called_three_times_and_told() {
    let house = House::new().await;
    let owner = house.person("ada", false).await;
    house.plane.create_app(&owner, "my-app").await.unwrap();
    house.plane.set_hook(&owner, "my-app", Some(URL.into()), vec![]).await.unwrap();
    house.postman.refuse(2);
    let accepted = house.order(&owner, "my-app").await;
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    assert_eq!(house.postman.posted().len(), 3);
    assert!(house.plane.hook(&owner, "my-app").await.unwrap().deliveries[0].ok);

    house.postman.refuse(100);
    let restart = house.plane.restart_database(&owner, accepted.addon.id, None).await.unwrap();
    assert_eq!(house.finish(restart.operation).await, Status::Succeeded, "a hook is no reason to fail");
    assert_eq!(house.postman.posted().len(), 6);
    let deliveries = house.plane.hook(&owner, "my-app").await.unwrap().deliveries;
    assert_eq!(deliveries.len(), 2);
    assert!(!deliveries[0].ok && deliveries[0].result.starts_with("503"), "{deliveries:?}");
    let ids: Vec<_> = house.postman.posted()[3..].iter().map(|p| p.headers[0].1.clone()).collect();
    assert!(ids.iter().all(|id| *id == restart.operation.to_string()), "one id for all attempts");
}

#[tokio::test]
async fn a_local_command_runs_once_with_a_clear_environment() {
    let house = House::new().await;
    let operator = house.person("root", true).await;
    house.plane.create_app(&operator, "my-app").await.unwrap();
    let argv = vec!["/usr/bin/systemctl".to_owned(), "restart".into(), "my app; rm -rf /".into()];
    house.plane.set_hook(&operator, "my-app", None, argv.clone()).await.unwrap();
    house.engine.hooks_say(false, "exit status 1");
    let accepted = house.order(&operator, "my-app").await;
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    let ran = house.engine.hooks();
    assert_eq!(ran.len(), 1, "not again: it may do harm twice");
    assert_eq!(ran[0].argv, argv);
    let names: Vec<_> = ran[0].env.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.iter().all(|name| *name == "PATH" || name.starts_with("PADDOCK_")), "{names:?}");
    assert!(
        !ran[0].env.iter().any(|(_, value)| value.contains("postgresql://")),
        "no secret in the environment"
    );
    let delivery = house.plane.hook(&operator, "my-app").await.unwrap().deliveries.remove(0);
    assert!(
        !delivery.ok && delivery.kind == "command" && delivery.result.starts_with("exit status 1"),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn killed_while_calling_it_calls_again_and_the_operation_ends() {
    let house = House::new().await;
    let operator = house.person("root", true).await;
    house.plane.create_app(&operator, "my-app").await.unwrap();
    house.plane.set_hook(&operator, "my-app", Some(URL.into()), vec!["/bin/true".into()]).await.unwrap();
    let accepted = house.order(&operator, "my-app").await;
    let fired = house.engine.inject(Fault::hang_after(Method::RunHook));
    house.work_until_it_hangs(&fired).await;
    assert_eq!(fired.times(), 1);
    house.leases_end();
    assert_eq!(house.finish(accepted.operation).await, Status::Succeeded);
    assert_eq!(
        house.plane.hook(&operator, "my-app").await.unwrap().deliveries.len(),
        2,
        "one record of each kind"
    );
}

#[tokio::test]
async fn only_an_operator_sets_a_command() {
    let house = House::new().await;
    let (operator, owner) = (house.person("root", true).await, house.person("ada", false).await);
    house.plane.create_app(&owner, "my-app").await.unwrap();
    let argv = || vec!["/bin/true".to_owned()];
    let refused = house.plane.set_hook(&owner, "my-app", None, argv()).await.unwrap_err().problem();
    assert_eq!(refused.kind, ProblemKind::Forbidden);
    house.plane.set_hook(&operator, "my-app", None, argv()).await.unwrap();
    // The owner sets the webhook and leaves the command as it is.
    let hook = house.plane.set_hook(&owner, "my-app", Some(URL.into()), vec![]).await.unwrap();
    assert_eq!((hook.command, hook.may_set_command), (argv(), false));
    let refused =
        house.plane.set_hook(&owner, "my-app", None, vec!["/bin/sh".into()]).await.unwrap_err().problem();
    assert_eq!(refused.kind, ProblemKind::Forbidden);
    // The same URL keeps its secret, another one gets another.
    let same = house.plane.set_hook(&owner, "my-app", Some(URL.into()), vec![]).await.unwrap();
    assert_eq!(same.new_secret, None);
    let other = house.plane.set_hook(&owner, "my-app", Some(format!("{URL}/2")), vec![]).await.unwrap();
    assert!(other.new_secret.is_some());
    let bad = house.plane.set_hook(&owner, "my-app", Some("http://169.254.169.254/".into()), vec![]).await;
    assert!(bad.unwrap_err().problem().field("url").is_some());
}
