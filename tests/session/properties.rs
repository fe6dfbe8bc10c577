//! The invariants of section 7 of the profile contract over random orders of messages.
//!
//! `PROPTEST_CASES` sets how many sequences each property tries with each kind of peer; without
//! it they are [`CASES`].

use mcp_core::version::Era;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::harness::client::Saw;
use crate::harness::dice::Dice;
use crate::harness::server::{Called, Did};
use crate::harness::world::{Wants, World};
use crate::invariants::*;
use crate::{honest, hostile_client, hostile_server};

/// Sequences for each property and kind of peer.
const CASES: u32 = 12_000;
/// How often a property is tried with one kind of peer, below.
const RUNS: u32 = 17;
/// Sequences for the look at what they reach.
const TRIED: u32 = 2_000;
/// Steps of the longest sequence.
const STEPS: usize = 20;

const _: () = assert!(CASES * RUNS >= 100_000, "fewer sequences than promised");

#[test]
fn i1_no_handler_runs_and_no_list_is_served_without_a_decision() {
    hostile_clients(|world, script| {
        served_only_after_a_decision(&hostile_client::run(world, script, true))
    });
    hostile_clients(|world, script| {
        served_only_after_a_decision(&hostile_client::run(world, script, false))
    });
}

#[test]
fn i2_negotiated_is_within_declared_and_requested() {
    hostile_clients(|world, script| {
        negotiated_within_declared_and_requested(&hostile_client::run(world, script, true))
    });
    hostile_servers(|wants, script| {
        held_within_request(&hostile_server::run(&wants, script), &wants)
    });
    meetings(|world, wants, script| {
        let meeting = honest::run(world, wants, script);
        answered_within_request(&meeting.pair.server)?;
        held_within_request(&meeting.pair.client, &meeting.wants)
    });
}

#[test]
fn i3_nothing_of_the_callers_leaves_before_the_required_profiles_are_confirmed() {
    hostile_servers(|wants, script| {
        nothing_leaves_before_confirmation(&hostile_server::run(&wants, script), &wants)
    });
    meetings(|world, wants, script| {
        let meeting = honest::run(world, wants, script);
        nothing_leaves_before_confirmation(&meeting.pair.client, &meeting.wants)
    });
}

#[test]
fn i4_nothing_is_served_or_sent_after_rejection() {
    hostile_clients(|world, script| {
        server_is_silent_after_rejection(&hostile_client::run(world, script, true))
    });
    hostile_servers(|wants, script| {
        client_is_silent_after_rejection(&hostile_server::run(&wants, script))
    });
    meetings(|world, wants, script| {
        let meeting = honest::run(world, wants, script);
        server_is_silent_after_rejection(&meeting.pair.server)?;
        client_is_silent_after_rejection(&meeting.pair.client)
    });
}

#[test]
fn i5_both_halves_hold_the_same_set_when_both_are_established() {
    meetings(|world, wants, script| {
        let meeting = honest::run(world, wants, script);
        match meeting.disagreement.clone().or_else(|| meeting.modern_disagreement()) {
            Some(said) => Err(said),
            None if !meeting.pair.client.is_settled() => {
                Err("the client waits for ever".to_owned())
            }
            None => Ok(()),
        }
    });
}

#[test]
fn i6_without_declaration_or_policy_nothing_of_profiles_is_on_the_wire() {
    hostile_clients(|world, script| {
        let plain = World { declared: None, asks: false, entitled: None, ..world };
        let rig = hostile_client::run(plain, script, true);
        says_nothing_of_profiles(sent(&rig.log))
    });
    hostile_clients(|world, script| {
        let rig = hostile_client::run(world, script, false);
        sent(&rig.log).try_for_each(|line| undeclared_clients_receive_little(&rig.world, line))
    });
    hostile_servers(|wants, script| {
        if wants.knows_profiles() {
            return Ok(());
        }
        let rig = hostile_server::run(&wants, script);
        says_nothing_of_profiles(rig.log.iter().filter_map(|saw| match saw {
            Saw::Sent(line) => Some(line.as_str()),
            _ => None,
        }))
    });
}

#[test]
fn i7_the_set_never_changes_within_a_legacy_session() {
    hostile_clients(|world, script| {
        server_set_is_stable(&hostile_client::run(world, script, true))
    });
    hostile_servers(|wants, script| {
        client_set_is_stable(&hostile_server::run(&wants, script), &wants)
    });
    meetings(|world, wants, script| {
        let meeting = honest::run(world, wants, script);
        server_set_is_stable(&meeting.pair.server)?;
        client_set_is_stable(&meeting.pair.client, &meeting.wants)
    });
}

#[test]
fn what_is_said_unasked_belongs_to_something_that_is_open() {
    hostile_clients(|world, script| {
        says_only_what_belongs_somewhere(&hostile_client::run(world, script, true))
    });
    hostile_servers(|wants, script| {
        answers_and_hears_in_order(&hostile_server::run(&wants, script))
    });
}

/// What the sequences reach, so that no property holds only because nothing ever happens.
#[test]
fn the_sequences_reach_every_state() {
    let mut reached = std::collections::BTreeMap::new();
    let mut reach =
        |what: &'static str, is: bool| *reached.entry(what).or_insert(0) += u32::from(is);
    let mut seeds = Dice(0);
    let mut numbers = (1_u64..).map(scattered);
    for _ in 0..TRIED {
        let script: Vec<u32> = numbers.by_ref().take(STEPS).map(|n| (n >> 16) as u32).collect();
        seeds.0 = numbers.next().expect("numbers do not end");
        let (world, wants) = (World::rolled(&mut seeds.clone()), Wants::rolled(&mut seeds.clone()));
        let server = hostile_client::run(world.clone(), &script, true);
        let did = |is: fn(&Did) -> bool| server.log.iter().any(is);
        reach("server: established", did(|did| matches!(did, Did::Established { .. })));
        reach("server: rejected", did(|did| matches!(did, Did::Rejected)));
        reach("server: refused", did(|did| matches!(did, Did::Refused)));
        reach("server: cancelled", did(|did| matches!(did, Did::Cancelled)));
        reach("server: policy asked", did(|did| matches!(did, Did::Asked)));
        let sends = |what: &str| sent(&server.log).any(|line| line.contains(what));
        reach("server: acknowledged", sends("subscriptions/acknowledged"));
        reach("server: change to a stream", sends(r#"list_changed","params":{"_meta""#));
        reach("server: change to a session", sends(r#"list_changed","params":{}"#));
        reach("server: asks", sends(r#""method":"roots/list""#));
        reach("server: logs", sends("notifications/message"));
        reach("server: heard", did(|did| matches!(did, Did::Heard)));
        let calls = |is: fn(&Called) -> bool| server.calls().any(is);
        reach("server: legacy call", calls(|c| c.era == Era::Legacy));
        reach(
            "server: modern call with profiles",
            calls(|c| c.era == Era::Modern && !c.profiles.is_empty()),
        );
        let client = hostile_server::run(&wants, &script);
        let saw = |is: fn(&Saw) -> bool| client.log.iter().any(is);
        let agreed = saw(|saw| matches!(saw, Saw::Established { .. }));
        let rejected = saw(|saw| matches!(saw, Saw::Rejected { .. }));
        reach("client: established", agreed);
        reach("client: established with requirements", agreed && wants.has_requirements());
        reach("client: rejected before agreement", rejected && !agreed);
        reach("client: rejected after agreement", rejected && agreed);
        reach("client: closed", saw(|saw| matches!(saw, Saw::Closed { .. })));
        reach("client: set changed", saw(|saw| matches!(saw, Saw::Changed(_))));
        reach("client: asked", saw(|saw| matches!(saw, Saw::Asked(..))));
        reach("client: question", saw(|saw| matches!(saw, Saw::InputRequired(_))));
        reach("client: subscribed", saw(|saw| matches!(saw, Saw::Acknowledged)));
        reach("client: answered", saw(|saw| matches!(saw, Saw::Response(Ok(_)))));
        let meeting = honest::run(world, wants, &script);
        let agreed = meeting.pair.client.established().map(|e| e.agreed().era());
        reach("meeting: legacy", agreed == Some(Era::Legacy));
        reach("meeting: modern", agreed == Some(Era::Modern));
        reach("meeting: no agreement", agreed.is_none());
    }
    let rare: Vec<_> = reached.iter().filter(|(_, times)| **times < TRIED / 400).collect();
    assert!(rare.is_empty(), "of {TRIED} sequences too few reach {rare:?}; all: {reached:#?}");
}

/// A number that tells nothing of the one before it (SplitMix64).
fn scattered(n: u64) -> u64 {
    let n = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn sent(log: &[Did]) -> impl Iterator<Item = &str> {
    log.iter().filter_map(|did| match did {
        Did::Sent(line) => Some(line.as_str()),
        _ => None,
    })
}

fn hostile_clients(check: impl Fn(World, &[u32]) -> Verdict) {
    sequences(|seed, script| {
        let world = World::rolled(&mut Dice(seed));
        check(world.clone(), script).map_err(|said| {
            let rig = hostile_client::run(world, script, true);
            format!("{said}\n{:#?}\n{:#?}", rig.world, rig.log)
        })
    });
}

fn hostile_servers(check: impl Fn(Wants, &[u32]) -> Verdict) {
    sequences(|seed, script| {
        let wants = Wants::rolled(&mut Dice(seed));
        check(wants.clone(), script).map_err(|said| {
            let rig = hostile_server::run(&wants, script);
            format!("{said}\n{wants:#?}\n{:#?}", rig.log)
        })
    });
}

fn meetings(check: impl Fn(World, Wants, &[u32]) -> Verdict) {
    sequences(|seed, script| {
        let mut dice = Dice(seed);
        let (world, wants) =
            (World::rolled(&mut dice), Wants::rolled(&mut Dice(seed.rotate_left(29))));
        check(world.clone(), wants.clone(), script).map_err(|said| {
            let meeting = honest::run(world, wants, script);
            let (server, wants) = (&meeting.pair.server.world, &meeting.wants);
            format!("{said}\n{server:#?}\n{wants:#?}\n{:#?}", meeting.pair.transcript())
        })
    });
}

/// Tries random sequences, counts them, and shows the smallest that fails.
fn sequences(check: impl Fn(u64, &[u32]) -> Verdict) {
    let asked_for = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked_for.unwrap_or(CASES);
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let tried = std::cell::Cell::new(0);
    let outcome = runner.run(&(any::<u64>(), vec(any::<u32>(), 0..STEPS)), |(seed, script)| {
        tried.set(tried.get() + 1);
        check(seed, &script).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {
            assert!(tried.get() >= cases, "only {} of {cases} sequences were tried", tried.get())
        }
        Err(TestError::Fail(said, (seed, script))) => {
            panic!("seed {seed}, script {script:?}: {said}")
        }
        Err(aborted) => panic!("{aborted}"),
    }
}
