//! Clients that are gone in the middle of something.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;

use crate::peer::{Peer, get, legacy, listen, modern, post};
use crate::rig::{Rig, clients, memory};

/// How many are there at a time.
const AT_A_TIME: usize = 250;

#[test]
fn clients_that_vanish_leave_no_task_no_handler_no_file_and_no_memory() {
    let rig = Rig::new(1, |service| service.session_idle(Duration::from_millis(400)));
    clients(async { Peer::connect(rig.address).await.ask(&modern("echo")).await });
    rig.until(|held| held.tasks == 1);
    let before = rig.held();
    let mut after = Vec::new();
    // 2,000 clients, and as many again to see that the first left nothing that grows.
    for _ in 0..2 {
        for _ in 0..2000 / AT_A_TIME {
            clients(join_all((0..AT_A_TIME).map(|number| vanish(rig.address, number))));
        }
        rig.until(|held| held.tasks == before.tasks && held.handlers == 0);
        rig.until(|held| held.files <= before.files);
        after.push(memory());
    }
    let grown = after[1].saturating_sub(after[0]);
    assert!(grown < 4 * 1024, "it keeps {grown} KiB more: {after:?}");
}

/// Comes, begins something, and goes in the middle of it.
async fn vanish(address: SocketAddr, number: usize) {
    let mut peer = Peer::connect(address).await;
    match number % 6 {
        0 => {
            peer.write(&modern("endless")).await;
            peer.until("\"progress\":2").await;
        }
        1 => {
            let session = peer.initialize().await;
            peer.write(&legacy(&session, 1, "endless")).await;
            peer.until("\"progress\":2").await;
        }
        2 => {
            let session = peer.initialize().await;
            peer.write(&get(&session)).await;
            peer.until("data: ").await;
        }
        3 => {
            peer.write(&listen()).await;
            peer.until("acknowledged").await;
        }
        4 => {
            let whole = post(&[], &"x".repeat(5000));
            peer.write(&whole[..whole.len() - 1000]).await;
        }
        _ => {
            // It does not even wait for the first event.
            let session = peer.initialize().await;
            peer.write(&legacy(&session, 1, "meet-nobody")).await;
            peer.write(&modern("flood")).await;
        }
    }
    if number.is_multiple_of(2) {
        // Without so much as a word of parting.
        peer.stream.set_zero_linger().unwrap();
    }
}

#[test]
fn a_handler_that_is_dropped_is_one_of_a_client_that_is_gone() {
    let rig = Rig::new(1, |service| service);
    clients(async {
        let mut stays = Peer::connect(rig.address).await;
        stays.write(&modern("endless")).await;
        stays.until("\"progress\":2").await;
        let mut goes = Peer::connect(rig.address).await;
        goes.write(&modern("endless")).await;
        goes.until("\"progress\":2").await;
        assert_eq!(rig.held().handlers, 2);
        drop(goes);
        rig.until(|held| held.handlers == 1);
        stays.until("\"progress\":50").await;
    });
}
