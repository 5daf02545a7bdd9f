# Verbs of this project; `just` alone lists them. Each is one line, the logic is in `xtask`.

# List the verbs
default:
    @just --list

# All that a change must pass: formatting, lints, house rules, dependencies, tests
check:
    cargo xtask check

# The whole test suite; names what could not run on this machine
test:
    cargo xtask test

# House rules no compiler knows: direction of dependencies, manifests, sources
tidy:
    cargo xtask tidy

# Stock clients against the release binary (--binary PATH, --scripts DIR)
acceptance *args:
    cargo xtask acceptance {{args}}

# Everything CI runs: check, release build, acceptance
ci:
    cargo xtask ci

# Format all code
fmt:
    cargo fmt --all

# Build the release binary, target/release/millpond
build:
    cargo build --release --package millpond
