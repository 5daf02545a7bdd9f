//! `docs/performance.md`, its data and its pictures.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::{
    Args, machine,
    peers::{PEERS, PeerRow},
    plot::Curve,
    row::{Bound, Row, median},
    tools::Tools,
};

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Document {
    command: String,
    date: Option<String>,
    machine: String,
    rounds: usize,
    milliseconds: u64,
    quick: bool,
    rows: Vec<Entry<Row>>,
    curves: Vec<Entry<Curve>>,
    peers: Vec<Entry<Vec<PeerRow>>>,
    #[serde(skip)]
    out: PathBuf,
    #[serde(skip)]
    notes: BTreeMap<String, String>,
}

/// A result, or why there is none.
#[derive(Serialize)]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    result: Outcome<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome<T> {
    Measured(T),
    Skipped(String),
}

impl Document {
    pub(crate) fn new(args: &Args, tools: &Tools) -> anyhow::Result<Self> {
        let notes =
            fs::read_to_string(args.root.join("benches/notes.toml")).context("cannot read notes.toml")?;
        let default = if args.quick { tools.scratch.join("docs") } else { args.root.join("docs") };
        Ok(Self {
            command: if args.quick { "cargo xtask bench --quick" } else { "cargo xtask bench" }.to_owned(),
            date: args.date.clone(),
            machine: machine::describe(&tools.scratch),
            rounds: tools.rounds,
            milliseconds: tools.millis,
            quick: args.quick,
            rows: Vec::new(),
            curves: Vec::new(),
            peers: Vec::new(),
            out: args.out.clone().unwrap_or(default),
            notes: toml::from_str(&notes).context("benches/notes.toml")?,
        })
    }

    pub(crate) fn row(&mut self, id: &str, row: anyhow::Result<Row>) {
        if let Ok(row) = &row {
            tell(&format!("{id:>4}  {:.3} (target {})  {}", row.ratio(), row.target, row.work));
        }
        self.rows.push(entry(id, row));
    }

    pub(crate) fn curve(&mut self, id: &str, curve: anyhow::Result<Curve>) {
        self.curves.push(entry(id, curve));
    }

    pub(crate) fn peer(&mut self, id: &str, rows: anyhow::Result<Vec<PeerRow>>) {
        for row in rows.iter().flatten() {
            let ratio = median(&row.ours) / median(&row.theirs);
            tell(&format!("{id:>10}  ours/theirs {ratio:.2}  {} ({})", row.work, row.version));
        }
        self.peers.push(entry(id, rows));
    }

    /// Writes all files.
    pub(crate) fn write(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.out)?;
        fs::write(self.out.join("performance.json"), serde_json::to_string_pretty(self)? + "\n")?;
        fs::write(self.out.join("performance.md"), self.markdown())?;
        for Entry { id, result } in &self.curves {
            if let Outcome::Measured(curve) = result {
                fs::write(self.out.join(format!("performance-{id}.svg")), curve.svg())?;
            }
        }
        tell(&format!("written to {}", self.out.display()));
        Ok(())
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# Performance\n\nMade by a program; what to change is in `benches/`. Reasons for misses are in \
             `benches/notes.toml`.\n\n",
        );
        let date = self.date.as_ref().map_or_else(String::new, |date| format!(" on {date}"));
        let _ = writeln!(text, "Measured with `{}`{date}, on {}.\n", self.command, self.machine);
        let _ = writeln!(
            text,
            "Servers, the generator and the disk share that machine. What is compared ran alternately, {} \
             times each for {} ms after a warm-up; the table has the medians. Every put and commit was synced to the \
             disk before its answer. Numbers of `performance.json` are those of the single runs.\n",
            self.rounds, self.milliseconds
        );
        if self.quick {
            text.push_str(
                "**These runs were short, to see that everything works: the numbers mean nothing.**\n\n",
            );
        }
        self.write_rows(&mut text);
        self.write_peers(&mut text);
        self.write_curves(&mut text);
        text
    }

    fn write_rows(&self, text: &mut String) {
        text.push_str(
            "## The table\n\n| # | work | Millpond | against | its value | ratio | target | verdict |\n",
        );
        text.push_str("|---|---|---|---|---|---|---|---|\n");
        for Entry { id, result } in &self.rows {
            match result {
                Outcome::Measured(row) => {
                    let sign = if row.bound == Bound::AtLeast { '≥' } else { '≤' };
                    let theirs =
                        if row.theirs.is_empty() { "–".to_owned() } else { shown(median(&row.theirs)) };
                    let ratio =
                        if row.theirs.is_empty() { "–".to_owned() } else { format!("{:.2}", row.ratio()) };
                    let verdict = if row.is_met() { "met" } else { "**missed**" };
                    let detail =
                        if row.detail.is_empty() { String::new() } else { format!(" ({})", row.detail) };
                    let _ = writeln!(
                        text,
                        "| {id} | {}{detail} | {} {} | {} | {theirs} | {ratio} | {sign} {} | {verdict} |",
                        row.work,
                        shown(median(&row.ours)),
                        row.unit,
                        row.against,
                        shown(row.target),
                    );
                }
                Outcome::Skipped(why) => {
                    let _ =
                        writeln!(text, "| {id} | not measured: {} | – | – | – | – | – | – |", one_line(why));
                }
            }
        }
        let missed: Vec<_> = self
            .rows
            .iter()
            .filter(|entry| matches!(&entry.result, Outcome::Measured(row) if !row.is_met()))
            .collect();
        if !missed.is_empty() {
            text.push_str("\n### Rows that miss their target\n\n");
        }
        for Entry { id, .. } in missed {
            let note = self.notes.get(id).map_or("not looked into yet", String::as_str);
            let _ = writeln!(text, "- **{id}**: {note}");
        }
    }

    fn write_peers(&self, text: &mut String) {
        if self.peers.is_empty() {
            return;
        }
        text.push_str(
            "\n## Others\n\nThe same work, in turn with Millpond on the same disk; each syncs before it answers, \
             unless the table says otherwise, and none checks who asks. How each was installed and started is in \
             `benches/peers/`.\n\n\
             | system | work | unit | Millpond | it | Millpond is | p99 ms: Millpond, it | durability | driven by |\n\
             |---|---|---|---|---|---|---|---|---|\n",
        );
        for Entry { id, result } in &self.peers {
            let peer = PEERS.iter().find(|peer| peer.name == id);
            let (durability, driver) = peer.map_or(("", ""), |peer| (peer.durability, peer.driver));
            match result {
                Outcome::Measured(rows) => {
                    for row in rows {
                        let (ours, theirs) = (median(&row.ours), median(&row.theirs));
                        let _ = writeln!(
                            text,
                            "| {} | {} | {} | {} | {} | {:.2} × | {}, {} | {durability} | {driver} |",
                            row.version,
                            row.work,
                            row.unit,
                            shown(ours),
                            shown(theirs),
                            ours / theirs,
                            shown(median(&row.our_p99_ms)),
                            shown(median(&row.their_p99_ms)),
                        );
                    }
                }
                Outcome::Skipped(why) => {
                    let _ = writeln!(text, "| {id} | skipped: {} | | | | | | | |", one_line(why));
                }
            }
        }
    }

    fn write_curves(&self, text: &mut String) {
        if self.curves.is_empty() {
            return;
        }
        text.push_str("\n## As the work grows\n\n");
        for Entry { id, result } in &self.curves {
            match result {
                Outcome::Measured(curve) => {
                    let _ = writeln!(text, "![{}](performance-{id}.svg)\n", curve.title);
                }
                Outcome::Skipped(why) => {
                    let _ = writeln!(text, "{id}: not measured: {}\n", one_line(why));
                }
            }
        }
    }
}

fn entry<T>(id: &str, result: anyhow::Result<T>) -> Entry<T> {
    let result = match result {
        Ok(measured) => Outcome::Measured(measured),
        Err(error) => {
            tell(&format!("{id}: not measured: {error:#}"));
            Outcome::Skipped(format!("{error:#}"))
        }
    };
    Entry { id: id.to_owned(), result }
}

/// Three digits that count.
fn shown(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().replace('|', "/")
}

#[expect(clippy::print_stderr, reason = "a program that runs for an hour says how far it is")]
fn tell(text: &str) {
    eprintln!("{text}");
}
