//! The one place that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a build verb reports to its terminal")]

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
