//! One round of one server over HTTP.

use std::io;
use std::time::{Duration, Instant};

use super::load::{self, Load, Mode, Template};
use super::server::Server;
use super::wire::Wire;
use crate::measure::{Figures, Measure, median, microseconds};
use crate::process::{self, Apart};
use crate::programs::HttpContender;

/// How much is done in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) calls: usize,
    pub(crate) sessions: usize,
}

impl Effort {
    pub(crate) const FULL: Self = Self { rounds: 5, calls: 50_000, sessions: 5_000 };
    pub(crate) const QUICK: Self = Self { rounds: 3, calls: 15_000, sessions: 5_000 };
}

/// Measures a server once.
pub(crate) fn server(contender: &HttpContender, effort: Effort) -> io::Result<Figures> {
    let apart = Apart::new()?;
    let mut figures = Figures::new();
    let start = |command: &[String]| Server::start(command, &apart);
    if let Some(modern) = &contender.modern {
        let mode = if contender.is_floor { Mode::Floor } else { Mode::Modern };
        let measures = [
            Measure::HttpModernPerSecond,
            Measure::HttpModernPerSecondOfMany,
            Measure::HttpModernProcessorTime,
        ];
        throughput(&start(modern)?, mode, effort, measures, &mut figures)?;
    }
    if let Some(sessions) = &contender.sessions {
        let measures = [
            Measure::HttpSessionPerSecond,
            Measure::HttpSessionPerSecondOfMany,
            Measure::HttpSessionProcessorTime,
        ];
        throughput(&start(sessions)?, Mode::Session, effort, measures, &mut figures)?;
        let per_session = idle_sessions(&start(sessions)?, effort.sessions)?;
        figures.insert(Measure::HttpIdleSession, per_session);
        figures.insert(Measure::HttpDeletedSessions, deleted_sessions(&start(sessions)?)?);
        let (alone, beside) = beside_unread_stream(&start(sessions)?)?;
        figures.insert(Measure::HttpAlone, microseconds(alone));
        figures.insert(Measure::HttpBesideUnread, microseconds(beside));
    }
    Ok(figures)
}

/// Adds to the medians of each side how many times the processor time of the floor it needs.
pub(crate) fn over_floor(medians: &mut [(&'static str, Figures)], floor: &str) {
    let of = |figures: &Figures| figures.get(&Measure::HttpModernProcessorTime).copied();
    let Some(least) = medians.iter().find(|(name, _)| *name == floor).and_then(|(_, f)| of(f))
    else {
        return;
    };
    for (_, figures) in medians {
        if let Some(time) = of(figures) {
            figures.insert(Measure::HttpModernOverFloor, time / least);
        }
    }
}

/// With few connections and with many; processor time is that with few.
fn throughput(
    server: &Server,
    mode: Mode,
    effort: Effort,
    [few, many, processor_time]: [Measure; 3],
    figures: &mut Figures,
) -> io::Result<()> {
    for (connections, measure) in [(FEW, few), (MANY, many)] {
        let mut load = Load::open(server.address, mode, connections)?;
        load.run(effort.calls / 5)?;
        let (cpu, started) = (process::processor_time(server.pid())?, Instant::now());
        load.run(effort.calls)?;
        let (elapsed, cpu) = (started.elapsed(), process::processor_time(server.pid())? - cpu);
        figures.insert(measure, effort.calls as f64 / elapsed.as_secs_f64());
        if connections == FEW {
            figures.insert(processor_time, microseconds(cpu) / effort.calls as f64);
        }
    }
    Ok(())
}

/// What a session holds that nobody uses, in KiB.
fn idle_sessions(server: &Server, sessions: usize) -> io::Result<f64> {
    let mut wire = Wire::connect(server.address)?;
    warm_up(&mut wire)?;
    let before = settled_memory(server)?;
    for _ in 0..sessions {
        load::open_session(&mut wire)?;
    }
    Ok((settled_memory(server)? - before) * 1024.0 / sessions as f64)
}

/// What stays after sessions that were deleted, in MiB.
fn deleted_sessions(server: &Server) -> io::Result<f64> {
    let mut wire = Wire::connect(server.address)?;
    warm_up(&mut wire)?;
    let before = settled_memory(server)?;
    let open = |_| load::open_session(&mut wire);
    let sessions = (0..DELETED).map(open).collect::<io::Result<Vec<_>>>()?;
    for session in &sessions {
        load::delete_session(&mut wire, session)?;
    }
    Ok(settled_memory(server)? - before)
}

/// The median of calls in a session that has nothing else to do, and in one with a stream that
/// nobody reads.
fn beside_unread_stream(server: &Server) -> io::Result<(Duration, Duration)> {
    let mut wire = Wire::connect(server.address)?;
    let session = load::open_session(&mut wire)?;
    let alone = echo(&mut wire, &session)?;
    let mut unread = Wire::connect(server.address)?;
    unread.send(&load::flood(&session, FLOOD))?;
    // Until it is stuck, or has said all.
    std::thread::sleep(SETTLING);
    wire.be_patient_for(PATIENCE)?;
    let beside = match echo(&mut wire, &session) {
        Ok(beside) => beside,
        Err(error) if is_timeout(&error) => PATIENCE,
        Err(error) => return Err(error),
    };
    Ok((alone, beside))
}

/// The median time of one call after the other.
fn echo(wire: &mut Wire, session: &str) -> io::Result<Duration> {
    let mut request = Template::in_session(session);
    let mut trips = Vec::new();
    for number in 0..TRIPS {
        let started = Instant::now();
        load::check(wire.ask(request.numbered(number))?, Some(number))?;
        trips.push(started.elapsed());
    }
    Ok(median(&mut trips))
}

/// Brings a server to the size that it has in use.
fn warm_up(wire: &mut Wire) -> io::Result<()> {
    for _ in 0..50 {
        let session = load::open_session(wire)?;
        echo(wire, &session)?;
        load::delete_session(wire, &session)?;
    }
    Ok(())
}

/// The resident size in MiB, once whatever goes on by itself has come to an end.
fn settled_memory(server: &Server) -> io::Result<f64> {
    std::thread::sleep(SETTLING);
    process::memory(server.pid())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

const FEW: usize = 32;
const MANY: usize = 256;
const DELETED: usize = 1_000;
const TRIPS: u64 = 100;
/// Notifications of one KiB each: more than sockets take.
const FLOOD: u32 = 20_000;
const SETTLING: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(2);
