//! What a deployment may choose about the API.

use millpond_wire::signing::VerifyOptions;

use crate::{addresses::AuthBlock, identity::IdentitySettings};

/// What a deployment may choose about the API.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Largest body of a request, in bytes, as received and as decompressed (spec/00 §8: at least 8 MiB).
    pub body_bytes_max: usize,
    /// Most bytes of request bodies, with what becomes of their records, and of answers full of records,
    /// held at one time.
    pub buffered_bytes_max: usize,
    /// Most requests worked on at one time.
    pub requests_max: usize,
    /// Whether unsigned requests are taken; they act for the project that their path names.
    pub allow_anonymous: bool,
    /// Public names that a proxy in front replaces in `Host` (spec/01 §3.3).
    pub extra_hosts: Vec<String>,
    /// Whether bodies that are not JSON may be left out of a signature (spec/01 §3.4).
    pub allow_unsigned_payload: bool,
    /// The only region that signatures may name; any when `None`.
    pub region: Option<String>,
    /// The only service that signatures may name; any when `None`.
    pub service: Option<String>,
    /// When addresses are blocked that fail to authenticate; never when `None`.
    pub auth_block: Option<AuthBlock>,
    /// Most requests of one project in a second; any number when `None`.
    pub project_requests_per_second: Option<u32>,
    /// How users log in, if there are any.
    pub identity: IdentitySettings,
    /// One successful request in so many is logged; 0 is none. Failures always are.
    pub request_sample: u32,
    /// The version that `/version` and the metrics tell.
    pub version: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_bytes_max: 8 * 1024 * 1024,
            // Half of the 512 MiB that a server of 10,000 connections may take.
            buffered_bytes_max: 256 * 1024 * 1024,
            requests_max: 10_000,
            allow_anonymous: false,
            extra_hosts: Vec::new(),
            allow_unsigned_payload: true,
            region: None,
            service: None,
            auth_block: None,
            project_requests_per_second: None,
            identity: IdentitySettings::default(),
            request_sample: 100,
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

impl Settings {
    pub(crate) fn verify_options(&self) -> VerifyOptions<'_> {
        VerifyOptions {
            extra_hosts: &self.extra_hosts,
            allow_unsigned_payload: self.allow_unsigned_payload,
            region: self.region.as_deref(),
            service: self.service.as_deref(),
        }
    }
}
