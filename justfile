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

# Stock Python SDKs against the release binary (--binary PATH, --scripts DIR)
acceptance *args:
    cargo xtask acceptance {{args}}

# The other stock clients, and the table of compat/README.md (--binary PATH)
clients *args:
    cargo xtask clients {{args}}

# Measure on this machine: docs/performance.md (--quick to try it out)
bench *args:
    cargo xtask bench {{args}}

# Kill, cut off, fill up, stop and freeze a server under load (--minutes N, --seed S, --binary PATH, --dir DIR)
torture *args:
    cargo xtask torture {{args}}

# Mistakes planted one by one: which tests notice? (NAME …, --jobs N, --list)
defects *args:
    cargo xtask defects {{args}}

# The tests behind each promise, and the table of docs/guarantees.md (Gn …, --check)
guarantees *args:
    cargo xtask guarantees {{args}}

# Everything CI runs: check, release build, acceptance, clients
ci:
    cargo xtask ci

# Format all code
fmt:
    cargo fmt --all

# Build the release binary, target/release/millpond
build:
    cargo build --release --package millpond
