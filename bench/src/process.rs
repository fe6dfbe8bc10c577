//! What the kernel says about another process.

use std::fs;
use std::io;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Processor time of all threads so far, in user and system mode, to the nanosecond.
///
/// Threads that ended take their time with them, so both ends of a measurement have to lie
/// within the life of the threads that work.
pub(crate) fn processor_time(pid: u32) -> io::Result<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while the folder is read.
        if let Ok(stat) = fs::read_to_string(thread?.path().join("schedstat")) {
            let on_processor = stat.split(' ').next().and_then(|first| first.parse::<u64>().ok());
            total += on_processor.ok_or(io::ErrorKind::InvalidData)?;
        }
    }
    Ok(Duration::from_nanos(total))
}

/// The largest resident size so far, in MiB.
pub(crate) fn peak_memory(pid: u32) -> io::Result<f64> {
    Ok(status(pid, "VmHWM:")? / 1024.0)
}

/// The resident size now, in MiB.
pub(crate) fn memory(pid: u32) -> io::Result<f64> {
    Ok(status(pid, "VmRSS:")? / 1024.0)
}

/// How many threads there are now.
pub(crate) fn threads(pid: u32) -> io::Result<f64> {
    status(pid, "Threads:")
}

/// Keeps this thread and another process on one processor until it is dropped.
///
/// A round trip between two processors is mostly the time in which an idle one wakes up, if
/// the machine is otherwise idle, and hardly any if it is not. On one processor it is the work
/// and two context switches, whatever else goes on.
#[derive(Debug)]
pub(crate) struct OneProcessor {
    threads: Vec<Option<Pid>>,
    before: CpuSet,
}

impl OneProcessor {
    /// Moves this thread and all threads of the process to the first processor allowed.
    pub(crate) fn shared_with(pid: u32) -> io::Result<Self> {
        let before = sched_getaffinity(None)?;
        let first = (0..CpuSet::MAX_CPU).find(|&processor| before.is_set(processor));
        let mut one = CpuSet::new();
        one.set(first.ok_or(io::ErrorKind::NotFound)?);
        let mut threads = vec![None]; // this one
        for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
            let id = thread?.file_name().to_str().and_then(|name| name.parse().ok());
            threads.push(Some(id.and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?));
        }
        let pinned = Self { threads, before };
        for &thread in &pinned.threads {
            sched_setaffinity(thread, &one)?;
        }
        Ok(pinned)
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        for &thread in &self.threads {
            // A thread that has ended in the meantime needs nothing.
            let _ = sched_setaffinity(thread, &self.before);
        }
    }
}

/// Gives servers a processor and this thread another, until it is dropped.
///
/// Where only one may be used, they share it.
#[derive(Debug)]
pub(crate) struct Apart {
    before: CpuSet,
    first: CpuSet,
    last: CpuSet,
}

impl Apart {
    /// Moves this thread to the last processor allowed.
    pub(crate) fn new() -> io::Result<Self> {
        let before = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&processor| before.is_set(processor));
        let first = allowed.next();
        let last = allowed.next_back().or(first);
        let one = |processor: Option<usize>| {
            let mut one = CpuSet::new();
            one.set(processor.ok_or(io::ErrorKind::NotFound)?);
            Ok::<_, io::Error>(one)
        };
        let (first, last) = (one(first)?, one(last)?);
        sched_setaffinity(None, &last)?;
        Ok(Self { before, first, last })
    }

    /// Starts a server on the first processor allowed.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // A child begins where its parent is.
        sched_setaffinity(None, &self.first)?;
        let child = command.spawn();
        sched_setaffinity(None, &self.last)?;
        child
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Staying on one processor is no harm.
        let _ = sched_setaffinity(None, &self.before);
    }
}

fn status(pid: u32, field: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
