//! A dump lets everybody else go first.

use crate::{host, host::Host};
use async_trait::async_trait;
use control::engine::dumps::{DumpError, Dumps as _, Sink};

/// Looks at who dumps, once, while that one waits to be read.
struct Looks<'a>(&'a Host, &'a control::engine::NodeSpec, Vec<(i32, bool)>);

#[async_trait]
impl Sink for Looks<'_> {
    async fn write(&mut self, _: &[u8]) -> Result<(), DumpError> {
        if self.2.is_empty() {
            let dumps = |pid: &u32| {
                std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("pg_dump"))
            };
            let all: Vec<_> =
                host::inhabitants(self.0.dir(self.1).path()).into_iter().filter(dumps).collect();
            let aside = |pid| host::group(pid, "cpu").is_some_and(|dir| dir.ends_with("paddock-aside"));
            self.2 = all.iter().map(|pid| (nice_of(*pid), aside(*pid))).collect();
        }
        Ok(())
    }
}

/// The 19th field of `/proc/<pid>/stat`, proc(5).
fn nice_of(pid: u32) -> i32 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    text.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_lets_everybody_else_go_first() {
    let host = Host::new().await;
    let spec = host.spec("a_1").await;
    host.up(&spec).await;
    // More than a pipe holds.
    let fill =
        "CREATE TABLE t AS SELECT md5(n::text) || md5((-n)::text) AS x FROM generate_series(1, 100000) n";
    host.ask(&spec, fill).await.unwrap_or_default();
    // All dumps of this host share the group, and whoever has dumped removes it when nobody is in it. Another test may
    // do so after this dump has opened its door and before it enters.
    let mut aside = false;
    for _ in 0..3 {
        let mut looks = Looks(&host, &spec, Vec::new());
        host.engine.dump(&spec, &mut looks).await.unwrap();
        let [(nice, grouped)] = looks.2[..] else { panic!("one dumps: {:?}", looks.2) };
        assert_eq!(nice, 10);
        aside = grouped;
        if aside {
            break;
        }
    }
    // Where Paddock may make no groups, the priority is all.
    assert_eq!(aside, host::may_group());
    host.end().await;
}
