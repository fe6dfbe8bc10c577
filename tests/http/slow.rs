//! Clients that read or write slowly, beside ones that do not.

use std::time::Duration;

use futures_util::future::{join_all, select};
use tokio::time::{Instant, sleep};

use crate::peer::{Peer, get, legacy, modern, post};
use crate::rig::{Rig, clients, memory};

#[test]
fn slow_clients_slow_nobody_else() {
    let rig = Rig::new(1, |service| service);
    clients(async {
        let mut peer = Peer::connect(rig.address).await;
        let session = peer.initialize().await;
        calls(&mut peer, &session).await;
        let alone = calls(&mut peer, &session).await;

        let mut unread = Vec::new();
        for _ in 0..10 {
            for request in [modern("flood"), legacy(&session, 1000 + unread.len(), "flood")] {
                let mut slow = Peer::connect(rig.address).await;
                slow.write(&request).await;
                slow.until("\"progress\"").await;
                unread.push(slow);
            }
        }
        let mut slow = Peer::connect(rig.address).await;
        let dribbles = async {
            for byte in post(&[], "{}").bytes().cycle() {
                slow.write(char::from(byte).encode_utf8(&mut [0; 4])).await;
                sleep(Duration::from_secs(1)).await;
            }
        };
        let together = async {
            let mut times = Vec::new();
            for _ in 0..3 {
                times.push(calls(&mut peer, &session).await);
            }
            times.into_iter().min().unwrap()
        };
        let (dribbles, together) = (std::pin::pin!(dribbles), std::pin::pin!(together));
        let futures_util::future::Either::Right((together, _)) = select(dribbles, together).await
        else {
            panic!("it writes for ever");
        };
        // Much more than is normal on a machine with other things to do.
        let most = alone * 10 + Duration::from_secs(1);
        assert!(together < most, "{together:?} with slow clients, {alone:?} without");
    });
}

/// How long some calls of both eras take.
async fn calls(peer: &mut Peer, session: &str) -> Duration {
    let start = Instant::now();
    for id in 1..=100 {
        for request in [modern("echo"), legacy(session, id, "echo")] {
            let answer = peer.ask(&request).await;
            assert!(answer.body.contains("hi"), "{answer:?}");
        }
    }
    start.elapsed()
}

#[test]
fn a_thousand_requests_of_a_session_run_together_beside_a_stream_that_is_not_read() {
    let rig = Rig::new(1000, |service| service);
    clients(async {
        let mut peer = Peer::connect(rig.address).await;
        let session = peer.initialize().await;
        let mut listens = Peer::connect(rig.address).await;
        listens.write(&get(&session)).await;
        let mut unread = Peer::connect(rig.address).await;
        unread.write(&legacy(&session, 1, "flood")).await;
        unread.until("\"progress\"").await;
        // Each waits for all others.
        let met = join_all((2..1002).map(|id| {
            let (session, address) = (&session, rig.address);
            async move {
                let mut peer = Peer::connect(address).await;
                peer.write(&legacy(session, id, "meet")).await;
                peer.until("\"met\"").await;
                peer
            }
        }))
        .await;
        assert_eq!(met.len(), 1000);
        drop((met, unread));
        let answer = peer.ask(&legacy(&session, 2000, "echo")).await;
        assert!(answer.body.contains("hi"), "{answer:?}");
    });
}

#[test]
fn streams_that_are_not_read_hold_little() {
    let rig = Rig::new(1, |service| service.session_idle(Duration::from_secs(2)));
    clients(async {
        let mut peer = Peer::connect(rig.address).await;
        let session = peer.initialize().await;
        let before = memory();
        let mut unread = Vec::new();
        for id in 1..=20 {
            for request in [modern("flood"), legacy(&session, id, "flood")] {
                let mut slow = Peer::connect(rig.address).await;
                slow.write(&request).await;
                slow.until("\"progress\"").await;
                unread.push(slow);
            }
        }
        // Each has been told as much as is kept for it, many times over.
        calls(&mut peer, &session).await;
        sleep(Duration::from_millis(500)).await;
        let grown = memory().saturating_sub(before);
        assert!(grown < 200 * 1024, "{grown} KiB for 40 streams that are not read");
    });
}
