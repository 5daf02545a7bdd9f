//! Permission rules of streams: what their owner lets other projects do (spec/12).
//!
//! Only the owner sees and changes them. What they allow is decided in [`crate::resolve`] whenever a
//! request comes, so a rule is in force from the moment it is acknowledged until it is deleted.

use millpond_model::{PolicyRule, ProjectId, StreamId, StreamSelector};
use millpond_state::Command;

use crate::{Error, Service, resolve};

/// The rules of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyList {
    /// The stream.
    pub stream: StreamId,
    /// Its rules, in the order in which they were added.
    pub rules: Vec<PolicyRule>,
}

impl Service {
    /// The rules of a stream.
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied` for a stream of another project, `Overloaded`, `Storage`.
    pub async fn list_policies(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
    ) -> Result<PolicyList, Error> {
        self.look_fresh(|state| {
            let stream = resolve::stream_to_share(state, project, selector)?;
            Ok(PolicyList { stream: stream.id, rules: stream.policies().to_vec() })
        })
        .await
    }

    /// Adds rules; those that exist stay as they are. `id` is the id that the request names besides.
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied` for a stream of another project, `StreamIdMismatch`,
    /// `TooManyPolicies`, `TooLarge`, `Overloaded`, `Storage`.
    pub async fn add_policies(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        id: &str,
        rules: Vec<PolicyRule>,
    ) -> Result<(), Error> {
        let id = self.shared_by(project, selector, id).await?;
        let outcome = self.propose(Command::AddPolicies { id, rules }).await?;
        outcome.map(drop).map_err(|rejected| Error::rejected(&rejected, selector, &""))
    }

    /// Deletes rules; deleting none is no error. `id` is the id that the request names besides.
    ///
    /// # Errors
    /// `StreamNotFound`, `AccessDenied` for a stream of another project, `StreamIdMismatch`, `TooLarge`,
    /// `Overloaded`, `Storage`.
    pub async fn delete_policies(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        id: &str,
        rules: Vec<PolicyRule>,
    ) -> Result<(), Error> {
        let id = self.shared_by(project, selector, id).await?;
        let outcome = self.propose(Command::DeletePolicies { id, rules }).await?;
        outcome.map(drop).map_err(|rejected| Error::rejected(&rejected, selector, &""))
    }

    /// The stream of the selector, which the id has to mean too.
    async fn shared_by(
        &self,
        project: &ProjectId,
        selector: &StreamSelector,
        id: &str,
    ) -> Result<StreamId, Error> {
        self.look_fresh(|state| {
            let stream = resolve::stream_to_share(state, project, selector)?;
            if stream.id.as_str() == id { Ok(stream.id) } else { Err(Error::StreamIdMismatch) }
        })
        .await
    }
}
