//! A session that wants more memory than its database has is ended by the kernel, in that database only.

#[cfg(test)]
mod host;

use control::engine::{Engine as _, NodeState};
use host::Host;
use rustix::process::Signal;
use std::time::Duration;

/// Three times what the plan has.
const HOG: &str = "SELECT length(repeat('x', 800000000))";

#[tokio::test(flavor = "multi_thread")]
async fn the_neighbour_notices_nothing() {
    let host = Host::new().await;
    if !host::may_group() {
        // Nothing holds memory here; tests/limits.rs shows that it is told.
        return host.end().await;
    }
    let (hog, neighbour) = (host.spec("hog_1").await, host.spec("calm_2").await);
    host.up(&hog).await;
    host.up(&neighbour).await;
    let (pid, calm) = (host.pid(&hog).await, host.pid(&neighbour).await);
    let client = host.connect(&neighbour, "calm_2").await.unwrap();
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);

    let greedy = host.connect(&hog, "hog_1").await.unwrap();
    assert!(greedy.batch_execute(HOG).await.is_err());
    // The very server goes on: it ends its other sessions, recovers, and answers.
    host.until(&hog, |state| matches!(state, NodeState::Running { pid: now, .. } if *now == pid)).await;
    assert_eq!(host.ask(&hog, "SELECT 1").await.unwrap(), ["1"]);
    let figures = host.engine.figures(&hog).await.unwrap();
    assert!(figures.container.oom_kills >= 1, "{figures:?}");
    assert!(figures.container.memory_peak_bytes > 250 << 20, "{figures:?}");
    let sample = host.engine.sample(&hog, false).await.unwrap();
    assert_eq!(sample.container.oom_kills, figures.container.oom_kills);

    let again: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    assert_eq!((again, host.pid(&neighbour).await), (backend, calm));
    assert_eq!(host.engine.figures(&neighbour).await.unwrap().container.oom_kills, 0);

    // The server ends later, of something else: the memory is not to blame.
    let died = async || {
        host::kill(pid_of(&host, &hog).await, Signal::KILL);
        host.until(&hog, |state| *state == NodeState::Stopped).await;
        host.engine.start(&hog).await.unwrap()
    };
    let told = died().await;
    assert!(!told.contains("memory"), "{told}");
    // It ends with the kill: now it is.
    let greedy = host.connect(&hog, "hog_1").await.unwrap();
    assert!(greedy.batch_execute(HOG).await.is_err());
    let told = died().await;
    assert!(told.ends_with("; the kernel had ended it because its memory of 256 MB was used up"), "{told}");
    assert_eq!(host.engine.figures(&hog).await.unwrap().container.oom_kills, 0, "a fresh group");
    host.end().await;
}

/// Its postmaster, whether it answers or not.
#[cfg(test)]
async fn pid_of(host: &Host, spec: &control::engine::NodeSpec) -> u32 {
    for _ in 0..200 {
        if let NodeState::Running { pid, .. } = host.engine.observe(spec.id).await.unwrap() {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not running: {:?}", host.engine.observe(spec.id).await)
}
