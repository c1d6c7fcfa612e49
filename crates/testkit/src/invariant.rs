//! What must hold whenever nothing is running: the store and the host tell the same story.

use crate::House;
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};
use types::NodeId;
use uuid::Uuid;

/// Everything that does not hold, one sentence each; empty is good. To be asked when every operation has ended.
///
/// Every operation has ended and waits for nobody; every add-on has exactly one node until it is purged, in the trash
/// if and only if it is deleted, running if and only if that is wanted; nothing on the host lacks a row; ports are
/// unique and the same everywhere; every live database has its URL in its app's variables, and nothing else has.
///
/// # Panics
/// When the store does not answer.
#[expect(clippy::expect_used, reason = "a store that fails ends the test")]
pub async fn broken(house: &House) -> Vec<String> {
    let pool = &house.store.pool;
    let mut broken = Vec::new();
    let live = sqlx::query(
        "SELECT id, kind, status, step FROM operation WHERE finished_at IS NULL OR needs_attention",
    );
    for row in live.fetch_all(pool).await.expect("the store answers") {
        let [kind, status, step] = ["kind", "status", "step"].map(|column| row.get::<String, _>(column));
        broken.push(format!("operation {} ({kind}) is {status} at {step}", row.get::<Uuid, _>("id")));
    }

    let mut nodes = house.engine.nodes();
    let mut ports = BTreeMap::new();
    let rows = sqlx::query(
        "SELECT a.id AS addon, d.node_id AS id, a.resource_id, a.plan, d.port, d.wanted, d.ready, a.deleted_at IS NOT NULL AS deleted,
                a.purged_at IS NOT NULL AS purged,
                (SELECT count(*) FROM port p WHERE p.database_id = d.id AND p.reusable_at IS NULL) AS held,
                (SELECT count(*) FROM port p WHERE p.database_id = d.id AND p.port = d.port) AS same,
                (SELECT count(*) FROM variable v WHERE v.addon_id = a.id AND v.name <> 'DATABASE_URL') AS published
         FROM addon a JOIN database d ON d.addon_id = a.id",
    );
    for row in rows.fetch_all(pool).await.expect("the store answers") {
        let name: String = row.get("resource_id");
        let mut say = |what: &str| broken.push(format!("{name}: {what}"));
        let (deleted, purged): (bool, bool) = (row.get("deleted"), row.get("purged"));
        let (port, wanted): (i32, String) = (row.get("port"), row.get("wanted"));
        let (held, same, published): (i64, i64, i64) =
            (row.get("held"), row.get("same"), row.get("published"));
        let node = nodes.remove(&NodeId::new(row.get("id")));
        if published != i64::from(!deleted && !purged) {
            say(&format!("has {published} published variables"));
        }
        if purged {
            if node.is_some() {
                say("is purged and has a node");
            }
            if held != 0 {
                say("is purged and holds a port");
            }
            continue;
        }
        if held != 1 || same != 1 {
            say(&format!("holds {held} ports, {same} of them its own"));
        }
        if let Some(other) = ports.insert(port, name.clone()) {
            say(&format!("shares port {port} with {other}"));
        }
        if deleted != (wanted == "deleted") {
            say(&format!("is wanted {wanted}, deleted: {deleted}"));
        }
        if !deleted && !row.get::<bool, _>("ready") {
            say("is live and was never ready");
        }
        let Some(node) = node else {
            say("has no node");
            continue;
        };
        if node.trashed != deleted {
            say("is not where it should be: trash or place");
        }
        if node.running.is_some() != (wanted == "running") {
            say(&format!("is wanted {wanted}, running: {}", node.running.is_some()));
        }
        let plan: String = row.get("plan");
        let memory = house.plane.plan(&plan).ok().map(|plan| plan.memory_mib);
        if node.running.is_some() && (node.started_with != memory || node.limited_as.as_ref() != Some(&plan))
        {
            say(&format!("has {plan} and runs with {:?} within {:?}", node.started_with, node.limited_as));
        }
        if node.configured.map(i32::from) != Some(port) {
            say("listens elsewhere than its row says");
        }
        if node.running.is_some() && node.spec.reach.closed {
            say("lets nobody in");
        }
    }
    let beside = sqlx::query(
        "SELECT id, false AS left FROM pitr_restore WHERE status IN ('restoring', 'ready')
         UNION ALL SELECT left_node, true FROM pitr_restore WHERE left_node IS NOT NULL AND left_gone_at IS NULL",
    );
    for row in beside.fetch_all(pool).await.expect("the store answers") {
        let (id, left): (Uuid, bool) = (row.get("id"), row.get("left"));
        match nodes.remove(&NodeId::new(id)) {
            None => broken.push(format!("the restored or left server {id} is not on the host")),
            Some(node) if node.trashed != left => broken.push(format!("{id} is not where it should be")),
            Some(node) if !left && !node.spec.reach.closed => broken.push(format!("{id} can be reached")),
            Some(_) => {}
        }
    }
    broken.extend(nodes.keys().map(|id| format!("{id} is on the host and in no row")));

    let orphans = sqlx::query_scalar::<_, String>(
        "SELECT v.name FROM variable v LEFT JOIN addon a ON a.id = v.addon_id
         WHERE v.addon_id IS NOT NULL AND (a.id IS NULL OR a.deleted_at IS NOT NULL)",
    );
    let orphans: BTreeSet<_> =
        orphans.fetch_all(pool).await.expect("the store answers").into_iter().collect();
    broken.extend(orphans.into_iter().map(|name| format!("variable {name} belongs to nothing that lives")));
    broken
}
