//! Access keys and users: who may sign, who may log in, and for which projects.
//!
//! Two files in one format: `credentials.toml` in the data directory, which the server and
//! `millpond key` write, and the keys file, which belongs to the administrator.
//!
//! ```toml
//! [[key]]
//! project_id = "0123456789abcdef0123456789abcdef"
//! ak = "AKEXAMPLE"
//! sk = "…"
//! token = "…"            # optional: accepted as X-Auth-Token
//! security_token = "…"   # optional: required beside the signature, as for temporary keys
//! expires_at = 2026-12-24T18:00:00Z   # optional: from then on neither key nor token is taken
//!
//! [[user]]               # optional: may log in with a password, as OpenStack clients do
//! name = "operator"
//! password = "…"
//! projects = ["0123456789abcdef0123456789abcdef"]
//!
//! [[project]]            # optional: what a project is called by name
//! id = "0123456789abcdef0123456789abcdef"
//! name = "analytics"
//! ```

mod bootstrap;
mod edit;
mod entry;
mod file;
mod people;
mod random;
mod running;

pub use bootstrap::{Bootstrapped, prepare, reread};
pub use edit::{NewKey, create, list, revoke};
pub use entry::{KeyEntry, Keys};
pub use file::{CREDENTIALS, KeysError};
pub use people::{ProjectEntry, UserEntry};
pub use running::{is_free, notify_server};
