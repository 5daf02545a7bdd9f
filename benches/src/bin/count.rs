//! Counts the instructions of the hot pieces with callgrind and compares them with those on record.
//!
//! ```text
//!   bench-count             count all; fails when one takes over 5 % more than benches/instructions.toml says
//!   bench-count --write     put the counts on record
//!   bench-count NAME TIMES  do a piece so many times, for callgrind
//! ```
//!
//! A count is the difference between doing a piece three times and once, halved: what starting costs falls
//! out. Counts do not depend on how busy the machine is, but on compiler and libraries: after changing those,
//! write them anew.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program that reports to its terminal")]

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, bail, ensure};
use millpond_benches::pieces;

/// Where the counts are on record.
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.toml");

/// A piece may take so much of what is on record.
const FACTOR_MAX: f64 = 1.05;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => compare(),
        ["--write"] => write(),
        [name, times] => repeat(name, times.parse()?),
        _ => bail!("bench-count [--write | NAME TIMES]"),
    }
}

fn repeat(name: &str, times: u32) -> anyhow::Result<ExitCode> {
    let pieces = pieces::all();
    let piece = pieces.iter().find(|piece| piece.name == name).context("there is no such piece")?;
    (0..times).for_each(|_| (piece.work)());
    Ok(ExitCode::SUCCESS)
}

fn compare() -> anyhow::Result<ExitCode> {
    let record: BTreeMap<String, u64> = toml::from_str(&fs::read_to_string(RECORD)?)?;
    let mut exit = ExitCode::SUCCESS;
    for (name, count) in counts()? {
        let before = *record.get(&name).with_context(|| format!("{name} is not on record: --write"))?;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
        let factor = count as f64 / before as f64;
        let verdict = if factor > FACTOR_MAX { "TOO MANY" } else { "ok" };
        println!("{name:<22} {count:>12} of {before:>12}  {factor:.3}  {verdict}");
        if factor > FACTOR_MAX {
            exit = ExitCode::FAILURE;
        }
    }
    Ok(exit)
}

fn write() -> anyhow::Result<ExitCode> {
    let mut text = String::from(
        "# Instructions of the hot pieces, each for 500 records of 1 KiB: `bench-count --write` writes them.\n",
    );
    for (name, count) in counts()? {
        println!("{name:<22} {count:>12}");
        let _ = writeln!(text, "{name} = {count}");
    }
    fs::write(RECORD, text)?;
    Ok(ExitCode::SUCCESS)
}

fn counts() -> anyhow::Result<BTreeMap<String, u64>> {
    let count = |name: &str| Ok((name.to_owned(), (instructions(name, 3)? - instructions(name, 1)?) / 2));
    pieces::all().iter().map(|piece| count(piece.name)).collect()
}

fn instructions(name: &str, times: u32) -> anyhow::Result<u64> {
    let out = env::temp_dir().join(format!("bench-count-{}", std::process::id()));
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(env::current_exe()?).arg(name).arg(times.to_string());
    let output = command.output().context("valgrind is needed to count instructions")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = total(&out)?;
    fs::remove_file(&out)?;
    Ok(count)
}

/// The sum at the end of callgrind's file.
fn total(path: &Path) -> anyhow::Result<u64> {
    let text = fs::read_to_string(path)?;
    let line = text.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    Ok(line.context("callgrind told no sum")?.trim().parse()?)
}
