//! The stopwatch, which also sees peak memory and the write-ahead log.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Done, USAGE};

/// What the system says of a process that ended: `struct rusage`, of which only the peak memory
/// is read. No crate at hand has this call.
#[repr(C)]
#[derive(Default)]
struct Usage {
    times: [i64; 4],
    peak_kib: i64,
    rest: [i64; 13],
}

unsafe extern "C" {
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

/// Runs a command to its end; returns its exit status as `wait` gives it, and its peak memory.
pub fn run(command: &[&str]) -> Done<(i32, Duration, i64)> {
    let (program, args) = command.split_first().ok_or(USAGE)?;
    let started = Instant::now();
    let child = Command::new(program).args(args).stdout(Stdio::null()).spawn()?;
    let (mut status, mut usage) = (0, Usage::default());
    // SAFETY: both pointers are to live values of the size that the call fills in.
    let ended = unsafe { wait4(i32::try_from(child.id())?, &mut status, 0, &mut usage) };
    let took = started.elapsed();
    if ended < 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok((status, took, usage.peak_kib))
}

/// Runs a command so many times while watching the database's write-ahead log. It has to end with
/// one of these statuses.
pub fn measure(times: usize, db: &str, command: &[&str], statuses: &[i32]) -> Done {
    let mut log = db.to_owned();
    log.push_str("-wal");
    let log = PathBuf::from(log);
    let (largest, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let watch = || {
        while !over.load(Ordering::Relaxed) {
            largest.fetch_max(log.metadata().map_or(0, |m| m.len()), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(2));
        }
    };
    let (mut seconds, mut peak) = (Vec::new(), 0);
    thread::scope(|scope| -> Done {
        scope.spawn(watch);
        let mut all = || -> Done {
            for n in 1..=times {
                let words: Vec<_> =
                    command.iter().map(|word| word.replace("{}", &n.to_string())).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let (status, took, kib) = run(&words)?;
                if !statuses.iter().any(|allowed| status == allowed << 8) {
                    return Err(format!("{} ended with wait status {status}", command[0]).into());
                }
                seconds.push(took.as_secs_f64());
                peak = peak.max(kib);
            }
            Ok(())
        };
        let done = all();
        over.store(true, Ordering::Relaxed);
        done
    })?;
    seconds.sort_by(f64::total_cmp);
    let megabytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "{:.6} {:.1} {:.1}",
        seconds[seconds.len() / 2],
        megabytes(peak as u64 * 1024),
        megabytes(largest.into_inner())
    );
    Ok(())
}
