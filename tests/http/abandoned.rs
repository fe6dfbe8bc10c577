//! Sessions that nobody ends.

use std::time::Duration;

use futures_util::future::join_all;

use crate::peer::{Peer, legacy};
use crate::rig::{Rig, clients, memory};

#[test]
fn memory_of_abandoned_sessions_returns() {
    let rig = Rig::new(1, |service| service.session_idle(Duration::from_secs(4)));
    open(&rig, 500);
    rig.until(|held| held.tasks == 1);
    let mut after = Vec::new();
    for _ in 0..3 {
        let before = memory();
        open(&rig, 5000);
        let most = memory();
        // The last session takes the task with it that looks for those that are over.
        rig.until(|held| held.tasks == 1);
        after.push(memory());
        println!("{before} {most} {after:?}");
    }
    let grown = after[2].saturating_sub(after[0]);
    assert!(grown < 4 * 1024, "it keeps {grown} KiB more: {after:?}");
}

/// Opens sessions over some connections, uses each once, and goes.
fn open(rig: &Rig, count: usize) {
    const CONNECTIONS: usize = 20;
    clients(join_all((0..CONNECTIONS).map(|_| async {
        let mut peer = Peer::connect(rig.address).await;
        for _ in 0..count / CONNECTIONS {
            let session = peer.initialize().await;
            let answer = peer.ask(&legacy(&session, 1, "echo")).await;
            assert!(answer.body.contains("hi"), "{answer:?}");
        }
    })));
}
