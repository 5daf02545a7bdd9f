//! Configuration: one typed struct, laid together from five sources.
//!
//! ```text
//! defaults  <  /etc/millpond/config.toml  <  --config / MILLPOND_CONFIG  <  environment  <  flags
//! ```
//!
//! A later source wins, value by value. Unknown names are refused with the nearest match, sizes and
//! time spans need a unit, and every value keeps its origin.

mod data_dir;
pub mod defaults;
mod layers;
mod limits;
mod setting;
mod show;
mod sources;
#[cfg(test)]
mod tests;
mod typed;

pub use data_dir::resolve as resolve_data_dir;
pub(crate) use layers::line_of;
pub use layers::{Origin, Value};
pub use limits::Limits;
pub use setting::{Applies, Kind, Setting};
pub(crate) use show::shown;
pub use show::{init_file, origins_json, origins_table, reference};
pub use sources::{FlagValue, Loaded, Problems, SYSTEM_FILE, Sources, load};
pub use typed::{Auth, Bootstrap, Config, Identity, Log, LogFormat, Server, Storage, Tls, UnsignedPayload};
