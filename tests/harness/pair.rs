//! A client and a server with two queues between them.

use std::collections::VecDeque;

use mcp_core::session::client::EraChoice;

use super::client::{ClientRig, PATIENT, Saw};
use super::server::ServerRig;
use super::world::{Wants, World};
use super::{Clock, shown};

/// Both halves of the core, the frames on their way, and a record of the whole wire.
pub(crate) struct Pair {
    pub(crate) clock: Clock,
    pub(crate) client: ClientRig,
    pub(crate) server: ServerRig,
    /// Every frame in the order in which it was written.
    pub(crate) wire: Vec<(Direction, Vec<u8>)>,
    to_server: VecDeque<Vec<u8>>,
    to_client: VecDeque<Vec<u8>>,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

impl Pair {
    pub(crate) fn new(world: World, wants: &Wants) -> Self {
        let clock = Clock::new();
        let mut pair = Self {
            client: ClientRig::start(wants.config(), clock.now()),
            server: ServerRig::new(world),
            clock,
            wire: Vec::new(),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            ended: false,
        };
        pair.collect();
        pair
    }

    /// Delivers one frame, those to the server first; `false` when none is on its way.
    pub(crate) fn step(&mut self) -> bool {
        self.deliver_to_server() || self.deliver_to_client()
    }

    /// Delivers until nothing is on its way, gives the policy that is due, and lets time pass
    /// where only that can help.
    pub(crate) fn drive(&mut self) {
        loop {
            if self.step() {
                continue;
            }
            if self.server.policy_due() {
                self.resolve();
            } else if self.client.is_settled() {
                return;
            } else if self.server.session.is_over() && !self.ended {
                self.ended = true;
                self.client.end_of_input(self.clock.now());
                self.collect();
            } else if let Some(deadline) = self.client.deadline() {
                self.clock.advance_to(deadline);
                self.wake();
            } else {
                return;
            }
        }
    }

    pub(crate) fn deliver_to_server(&mut self) -> bool {
        let Some(frame) = self.to_server.pop_front() else { return false };
        self.server.receive(&frame);
        self.collect();
        true
    }

    pub(crate) fn deliver_to_client(&mut self) -> bool {
        let Some(frame) = self.to_client.pop_front() else { return false };
        self.client.receive(self.clock.now(), &frame);
        self.collect();
        true
    }

    /// Puts a frame that the client never wrote on its way to the server.
    pub(crate) fn inject(&mut self, frame: &str) {
        self.to_server.push_back(frame.as_bytes().to_vec());
    }

    pub(crate) fn call(&mut self, tool: &str) {
        self.client.call(self.clock.now(), tool, PATIENT);
        self.collect();
    }

    pub(crate) fn list(&mut self) {
        self.client.request(self.clock.now(), "tools/list", &serde_json::json!({}), PATIENT);
        self.collect();
    }

    pub(crate) fn cancel(&mut self, which: usize) {
        self.client.cancel(which);
        self.collect();
    }

    pub(crate) fn resolve(&mut self) {
        self.server.resolve();
        self.collect();
    }

    pub(crate) fn finish(&mut self, which: usize) {
        self.server.finish(which);
        self.collect();
    }

    pub(crate) fn progress(&mut self, which: usize, value: f64) {
        self.server.progress(which, value);
        self.collect();
    }

    pub(crate) fn wake(&mut self) {
        self.client.wake(self.clock.now());
        self.collect();
    }

    /// The wire, a line each.
    pub(crate) fn transcript(&self) -> Vec<String> {
        let line = |(direction, frame): &(Direction, Vec<u8>)| match direction {
            Direction::ToServer => format!("C→S {}", shown(frame)),
            Direction::ToClient => format!("S→C {}", shown(frame)),
        };
        self.wire.iter().map(line).collect()
    }

    fn collect(&mut self) {
        for frame in self.client.take_sent() {
            self.wire.push((Direction::ToServer, frame.clone()));
            self.to_server.push_back(frame);
        }
        for frame in self.server.take_sent() {
            self.wire.push((Direction::ToClient, frame.clone()));
            self.to_client.push_back(frame);
        }
    }
}

/// A pair in which the handshake is over and agreed.
pub(crate) fn established(world: World, wants: &Wants) -> Pair {
    let mut pair = Pair::new(world, wants);
    pair.drive();
    let agreed = matches!(pair.client.outcome(), Some(Saw::Established { .. }));
    assert!(agreed, "{:#?}", pair.transcript());
    pair
}

/// The same in the legacy era.
pub(crate) fn legacy(world: World, wants: &Wants) -> Pair {
    established(world, &wants.clone().era(EraChoice::Legacy))
}
