//! What the kernel says about another process.

use std::fs;
use std::io;
use std::time::Duration;

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

/// How many threads there are now.
pub(crate) fn threads(pid: u32) -> io::Result<f64> {
    status(pid, "Threads:")
}

fn status(pid: u32, field: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
