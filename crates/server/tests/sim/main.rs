//! Whole lives of a server in one process, each of which follows from its seed: service and API on the
//! embedded engine without threads, a disk that fails, and a clock that jumps.
//!
//! Requests go through the router one after the other. A request is cut off by a disk that dies in the
//! middle of it, and then by a restart. `MILLPOND_SIM_SEED=<number> MILLPOND_SIM_SEEDS=1` repeats a life.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod life;
mod service;

use life::{Life, Totals};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn live(seed: u64) -> Totals {
    let again = format!(
        "MILLPOND_SIM_SEED={seed} MILLPOND_SIM_SEEDS=1 cargo test -p millpond --test sim -- --nocapture"
    );
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(Life::run(seed))));
    // What it was about has been printed.
    lived.unwrap_or_else(|_| panic!("repeat this life: {again}"))
}

#[test]
fn simulated_lives_lose_nothing_acknowledged_and_recover() {
    let (first, lives) = (number("MILLPOND_SIM_SEED", 1), number("MILLPOND_SIM_SEEDS", 500));
    let (mut requests, mut cuts, mut twice) = (0, 0, 0);
    for seed in first..first + lives {
        let totals = live(seed);
        if (seed - first) % 100 == 0 {
            assert_eq!(totals, live(seed), "the life of seed {seed} is another one the second time");
            twice += 1;
        }
        requests += totals.requests;
        cuts += totals.cuts;
    }
    println!(
        "figure: {lives} simulated lives of a server, {requests} requests, {cuts} power cuts and kills, \
         {twice} lives repeated exactly"
    );
}
