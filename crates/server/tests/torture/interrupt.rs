//! What is undone when the run is interrupted, and its progress.

use std::{
    io::Write as _,
    process,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    thread,
};

use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};
use tokio::signal::unix::{SignalKind, signal};

use super::place;

/// The server that runs, or ran last; 0 before the first.
static SERVER: AtomicU32 = AtomicU32::new(0);
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// The server whose data is in use.
pub fn running(pid: u32) {
    SERVER.store(pid, Ordering::SeqCst);
}

/// Says what was done, on one line.
pub fn progress(what: &str) {
    let round = 1 + ROUNDS.fetch_add(1, Ordering::SeqCst);
    println!("round {round}: {what}");
    // Whoever reads it may have gone.
    let _ = std::io::stdout().flush();
}

/// From now on an interrupt, or the end of whoever started this, kills the server and unmounts.
pub fn watch() -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _inside = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = interrupt.recv() => {} _ = terminate.recv() => {} }
        });
        let pid = i32::try_from(SERVER.load(Ordering::SeqCst)).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended.
            let _ = kill_process(pid, Signal::KILL);
        }
        place::unmount_all();
        eprintln!("interrupted");
        process::exit(130);
    });
    Ok(())
}
