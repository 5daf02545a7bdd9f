//! Which identity API there is. Clients that are given an address without a version begin here.

use http::StatusCode;
use millpond_wire::{
    Refusal,
    identity::{Version, VersionAnswer, VersionList, Versions},
};

use crate::{answer::Answer, identity::IdentityCall};

/// `GET /`: 300, as Keystone answers.
pub(crate) fn versions(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let versions = Versions { values: [version_at(call)?] };
    Ok(Answer::json_of(StatusCode::MULTIPLE_CHOICES, &VersionList { versions }))
}

/// `GET /v3`.
pub(crate) fn version(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    Ok(Answer::json(&VersionAnswer { version: version_at(call)? }))
}

/// One client asks for the address to end with a slash.
fn version_at(call: &IdentityCall<'_>) -> Result<Version, Refusal> {
    Ok(Version::at(format!("{}/v3/", call.base()?)))
}
