//! Sessions that nobody ends.

use std::time::Duration;

use futures_util::future::join_all;

use crate::peer::{Peer, legacy};
use crate::rig::{Rig, clients, memory};

#[test]
fn memory_of_abandoned_sessions_is_there_for_the_next_ones() {
    let rig = Rig::new(1, |service| service.session_idle(Duration::from_secs(2)));
    let mut most = Vec::new();
    for _ in 0..3 {
        open(&rig, 5000);
        most.push(memory());
        // The last session takes the task with it that looks for those that are over.
        rig.until(|held| held.tasks == 1);
    }
    // An allocator may keep pages, but not need more of them.
    let grown = most[2].saturating_sub(most[0]);
    assert!(grown < 4 * 1024, "5,000 sessions more need {grown} KiB more: {most:?}");
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
