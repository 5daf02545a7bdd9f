//! Which of our crates may depend on which: the picture of ARCHITECTURE.md as a table.
//!
//! ```text
//! server → http-api → service → engine → state → model        cli → client → wire → model
//!    │         └────→ wire                                     http-api → wire
//!    └───→ engine-local → engine, seglog                       cli → load
//!                                                            seglog, model, load → nothing of ours
//! ```

use super::{
    Finding,
    manifest::{Kind, Manifest},
};
use crate::workspace::SERVER;

/// What each crate may use in its own code. The server may use everything, the only one to name a
/// concrete engine. A new edge is a change of design: its own commit, with ARCHITECTURE.md.
const ALLOWED: &[(&str, &[&str])] = &[
    ("millpond-model", &[]),
    ("millpond-seglog", &[]),
    ("millpond-load", &[]),
    ("millpond-state", &["millpond-model"]),
    ("millpond-wire", &["millpond-model"]),
    ("millpond-engine", &["millpond-state", "millpond-model"]),
    ("millpond-client", &["millpond-wire", "millpond-model"]),
    ("millpond-cli", &["millpond-client", "millpond-load", "millpond-wire", "millpond-model"]),
    ("millpond-service", &["millpond-engine", "millpond-state", "millpond-model"]),
    ("millpond-engine-local", &["millpond-engine", "millpond-seglog", "millpond-state", "millpond-model"]),
    ("millpond-http-api", &["millpond-service", "millpond-wire", "millpond-model"]),
    ("xtask", &[]),
];

/// Dependencies of `manifest` on our own crates that go against the table. Tests may use everything
/// below their crate, those of `http-api` the in-memory engine, for example, and the crate itself with a
/// feature turned on.
pub(super) fn findings(manifest: &Manifest) -> Vec<Finding> {
    if manifest.name == SERVER {
        return Vec::new();
    }
    let Some(allowed) = allowed(&manifest.name) else {
        let message = format!(
            "{}: not in the table of allowed dependencies (xtask/src/tidy/direction.rs)",
            manifest.name
        );
        return vec![Finding::new(&manifest.path, 1, message)];
    };
    let ours = manifest.dependencies.iter().filter(|dependency| is_ours(&dependency.package));
    let wrong = ours.filter(|dependency| {
        let direct = allowed.contains(&dependency.package.as_str());
        let below = manifest.is_itself(dependency) || is_below(&dependency.package, &manifest.name);
        !(direct || dependency.kind == Kind::Dev && below)
    });
    wrong
        .map(|dependency| {
            let message = format!("{} must not depend on {}", manifest.name, dependency.package);
            Finding::new(&manifest.path, dependency.line, message)
        })
        .collect()
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(above, _)| *above == name).map(|(_, below)| *below)
}

/// `below` can be reached from `above` by one or more allowed edges. The table has no cycle.
fn is_below(below: &str, above: &str) -> bool {
    allowed(above).unwrap_or_default().iter().any(|next| *next == below || is_below(below, next))
}

fn is_ours(package: &str) -> bool {
    package == SERVER || package == "xtask" || package.starts_with("millpond-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, section: &str, dependency: &str, allowed: bool) {
        let text = format!("[package]\nname = \"{name}\"\n[{section}]\n{dependency}.workspace = true\n");
        let findings = findings(&Manifest::parse("Cargo.toml", &text).unwrap());
        let expected = Finding::new("Cargo.toml", 4, format!("{name} must not depend on {dependency}"));
        let expected = if allowed { Vec::new() } else { vec![expected] };
        assert_eq!(findings, expected, "{name} [{section}] {dependency}");
    }

    #[test]
    fn edges_are_judged_by_the_table() {
        let normal = "dependencies";
        check("millpond-http-api", normal, "millpond-service", true);
        check("millpond-http-api", normal, "millpond-engine", false);
        check("millpond-http-api", normal, "millpond-state", false);
        check("millpond-service", normal, "millpond-wire", false);
        check("millpond-model", normal, "millpond-wire", false);
        check("millpond-engine-local", normal, "millpond-seglog", true);
        check("millpond-service", "build-dependencies", "millpond-wire", false);
        check("millpond-model", normal, "serde", true);
        check("xtask", normal, "millpond-model", false);
    }

    #[test]
    fn only_the_server_names_the_concrete_engine() {
        for (name, _) in ALLOWED.iter().filter(|(name, _)| *name != "millpond-engine-local") {
            check(name, "dependencies", "millpond-engine-local", false);
            check(name, "dev-dependencies", "millpond-engine-local", false);
        }
        check(SERVER, "dependencies", "millpond-engine-local", true);
    }

    #[test]
    fn tests_may_use_what_is_below_their_crate() {
        let dev = "dev-dependencies";
        check("millpond-http-api", dev, "millpond-engine", true);
        check("millpond-service", dev, "millpond-engine", true);
        check("millpond-engine", dev, "millpond-engine", true);
        check("millpond-client", dev, "millpond-service", false);
        check("millpond-cli", dev, "millpond-http-api", false);
        check("millpond-cli", dev, SERVER, false);
        check("millpond-state", dev, "millpond-engine", false);
        check("millpond-seglog", dev, "millpond-model", false);
    }

    #[test]
    fn a_crate_outside_the_table_is_found() {
        let text = "[package]\nname = \"millpond-new\"\n";
        let findings = findings(&Manifest::parse("crates/new/Cargo.toml", text).unwrap());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("not in the table"), "{}", findings[0]);
    }

    #[test]
    fn the_table_names_known_crates_and_has_no_cycle() {
        for (position, (name, below)) in ALLOWED.iter().enumerate() {
            for used in *below {
                let used_at = ALLOWED.iter().position(|(other, _)| other == used);
                assert!(used_at.is_some_and(|at| at < position), "{name} uses {used}: list it before {name}");
            }
        }
    }
}
