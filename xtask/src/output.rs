//! The one place that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build verb reports to its terminal")]

use std::{fs, path::Path};

/// Prints `text` and a line end to standard output.
pub fn say(text: &str) {
    println!("{text}");
}

/// Prints `text` and a line end to standard error.
pub fn complain(text: &str) {
    eprintln!("{text}");
}

/// Prints the headline of a section.
pub fn headline(text: &str) {
    println!("\n== {text}");
}

/// Prints a titled list; nothing when it is empty.
pub fn list<S: AsRef<str>>(title: &str, items: &[S]) {
    if items.is_empty() {
        return;
    }
    println!("\n{title}");
    for item in items {
        println!("  {}", item.as_ref());
    }
}

/// Prints the last lines of the file `log`, if there is one.
pub fn tail(log: &Path) {
    /// Enough for the last messages and a stack trace.
    const LINES: usize = 15;
    let Ok(bytes) = fs::read(log) else { return };
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default();
    list(&format!("last lines of {}:", log.display()), tail);
}
