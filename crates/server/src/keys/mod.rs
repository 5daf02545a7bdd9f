//! Access keys: who may sign, and for which project.
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
//! ```

mod bootstrap;
mod edit;
mod entry;
mod file;
mod random;
mod running;

pub use bootstrap::{Bootstrapped, prepare, reread};
pub use edit::{NewKey, create, list, revoke};
pub use entry::{KeyEntry, Keys};
pub use file::{CREDENTIALS, KeysError};
pub use running::{is_free, notify_server};
