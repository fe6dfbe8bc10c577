//! Random meetings of an honest client and an honest server, with random delays.

use mcp_core::version::Era;

use crate::harness::client::Saw;
use crate::harness::dice::Dice;
use crate::harness::pair::Pair;
use crate::harness::server::Did;
use crate::harness::world::{Wants, World};

/// A meeting, and whatever was wrong with the sets that the two halves held at the same moment.
pub(crate) struct Meeting {
    pub(crate) pair: Pair,
    pub(crate) wants: Wants,
    pub(crate) disagreement: Option<String>,
}

/// Runs random steps, then drives to the end, calls once more and drives again.
pub(crate) fn run(world: World, wants: Wants, script: &[u32]) -> Meeting {
    let pair = Pair::new(world, &wants);
    let mut meeting = Meeting { pair, wants, disagreement: None };
    for step in script {
        meeting.step(*step);
        meeting.compare();
    }
    meeting.pair.drive();
    meeting.compare();
    while meeting.pair.server.running() > 0 {
        meeting.pair.finish(0);
    }
    meeting.pair.server.holds_calls = false;
    meeting.pair.list();
    meeting.pair.call("secret-tool");
    meeting.pair.call("open");
    meeting.pair.drive();
    meeting.compare();
    meeting
}

impl Meeting {
    fn step(&mut self, step: u32) {
        let mut dice = Dice(u64::from(step));
        let pair = &mut self.pair;
        pair.server.holds_policy = dice.flip();
        pair.server.holds_calls = dice.flip();
        match dice.roll(14) {
            0..=2 => drop(pair.deliver_to_server()),
            3..=5 => drop(pair.deliver_to_client()),
            6 => pair.call(dice.pick(&["open", "gated", "secret-tool"])),
            7 => pair.list(),
            8 => pair.cancel(dice.roll(3)),
            9 => pair.resolve(),
            10 => pair.finish(dice.roll(3)),
            11 => pair.progress(dice.roll(3), f64::from(step)),
            12 => {
                if let Some(deadline) = pair.client.deadline() {
                    pair.clock.advance_to(deadline);
                    pair.wake();
                }
            }
            // Only where a session may follow: before that it would be the first one.
            _ if pair.server.session.negotiated().is_some() => pair.inject(SECOND_INITIALIZE),
            _ => {}
        }
    }

    /// Compares what both hold where both hold something.
    fn compare(&mut self) {
        let Some(client) = self.pair.client.established().map(|e| e.agreed().clone()) else {
            return;
        };
        let held: Vec<_> = client.profiles().iter().map(|url| url.as_str().to_owned()).collect();
        if client.era() == Era::Legacy
            && let Some(server) = self.pair.server.session.negotiated()
            && !server.profiles().same_set(client.profiles())
        {
            let said = format!("client holds {held:?}, server {:?}", server.profiles());
            self.disagreement.get_or_insert(said);
        }
    }

    /// The sets of modern calls that differ from what the client held when it was established,
    /// for a client that asks for something on each of them.
    pub(crate) fn modern_disagreement(&self) -> Option<String> {
        let agreed = self.pair.client.log.iter().find_map(|saw| match saw {
            Saw::Established { era: Era::Modern, profiles, .. } => Some(profiles),
            _ => None,
        })?;
        let asks = self.wants.asks_for().iter().any(|url| agreed.iter().any(|a| a == url));
        let known = asks || self.wants.aware && self.wants.asks_for().is_empty();
        let called = self.pair.server.log.iter().find_map(|did| match did {
            Did::Called(called) if called.era == Era::Modern && called.profiles != *agreed => {
                Some(called)
            }
            _ => None,
        })?;
        known.then(|| format!("client holds {agreed:?}, a call had {:?}", called.profiles))
    }
}

const SECOND_INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":900,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"viewer","version":"2.0"},"requestedProfiles":["https://vidsrus/premium"]}}"#;
