//! Users, and the projects they reach.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use millpond_model::ProjectId;
use millpond_wire::{
    identity::{Domain, DomainRef, ProjectRef, UserRef},
    signing::{SecretKey, body_sha256},
};

use super::IdentitySettings;

/// Somebody who may log in.
///
/// The password is kept as it is, like the secret keys beside it: a server that verifies signatures has
/// to have secrets in clear, in a file for its owner alone, so that a hash of the password would cost
/// every login a memory-hard computation that anybody can ask for, and protect nothing from a thief of
/// that file.
#[derive(Clone, Debug)]
pub struct User {
    /// The name, unique.
    pub name: Box<str>,
    /// The password.
    pub password: SecretKey,
    /// The projects it reaches; the first is the one of a login that names none.
    pub projects: Vec<ProjectId>,
}

/// A user and the id that it has.
#[derive(Debug)]
pub(crate) struct KnownUser {
    pub(crate) id: String,
    pub(crate) user: User,
}

/// All users and the names of projects at one time.
#[derive(Debug, Default)]
pub struct Directory {
    by_id: HashMap<String, Arc<KnownUser>>,
    project_names: HashMap<ProjectId, Box<str>>,
}

impl Directory {
    /// Of two users with one name, or two names of one project, the later one counts.
    pub fn new(
        users: impl IntoIterator<Item = User>,
        project_names: impl IntoIterator<Item = (ProjectId, Box<str>)>,
    ) -> Self {
        let known = |user: User| {
            let id = user_id(&user.name);
            (id.clone(), Arc::new(KnownUser { id, user }))
        };
        Self {
            by_id: users.into_iter().map(known).collect(),
            project_names: project_names.into_iter().collect(),
        }
    }

    /// Whether nobody can log in.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn user(&self, id: &str) -> Option<Arc<KnownUser>> {
        self.by_id.get(id).cloned()
    }

    /// The user of this name or id, if the password is theirs. Whether there is no such user or the
    /// password is another one, the work is the same.
    pub(crate) fn authenticate(
        &self,
        user: &UserRef,
        password: &SecretKey,
        domain: &Domain,
    ) -> Option<Arc<KnownUser>> {
        let found = match user {
            UserRef::Id(id) => self.user(id),
            UserRef::Name(name, within) => {
                let found = self.user(&user_id(name));
                found.filter(|_| within.as_ref().is_none_or(|within| is_domain(within, domain)))
            }
        };
        let nobody = SecretKey::new("");
        let matches = found.as_ref().map_or(&nobody, |found| &found.user.password).matches(password);
        found.filter(|_| matches)
    }

    /// What a project is called: the name it was given, else one that is made as those of the cloud are.
    /// One client takes what stands before the first `_` for its region (spec/14 §1).
    pub(crate) fn project_name(&self, project: &ProjectId, settings: &IdentitySettings) -> String {
        let given = self.project_names.get(project);
        given.map_or_else(|| format!("{}_{project}", settings.region), ToString::to_string)
    }

    /// The project that is meant, out of those that a caller reaches. The name of the region is that of
    /// the first one, unless another is called so: in the cloud every account has a project of that name,
    /// and clients look for it (spec/01 §8).
    pub(crate) fn find_project<'a>(
        &self,
        named: &ProjectRef,
        reached: &'a [ProjectId],
        settings: &IdentitySettings,
    ) -> Option<&'a ProjectId> {
        match named {
            ProjectRef::Id(id) => reached.iter().find(|project| project.as_str() == id),
            ProjectRef::Name(name, within) => {
                let is_here = within.as_ref().is_none_or(|within| is_domain(within, &settings.domain));
                let exact = || reached.iter().find(|project| self.project_name(project, settings) == *name);
                let home = || reached.first().filter(|_| *name == settings.region);
                is_here.then(|| exact().or_else(home)).flatten()
            }
        }
    }
}

/// Whether this is the domain that is meant.
pub(crate) fn is_domain(named: &DomainRef, domain: &Domain) -> bool {
    match named {
        DomainRef::Id(id) => *id == domain.id,
        DomainRef::Name(name) => *name == domain.name,
    }
}

/// 32 hexadecimal digits that follow from the name, so that no file has to keep them.
fn user_id(name: &str) -> String {
    let hash = body_sha256(format!("millpond user 1\n{name}").as_bytes());
    hash.iter().take(16).fold(String::with_capacity(32), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> ProjectId {
        text.parse().unwrap()
    }

    fn directory() -> Directory {
        let user = |name: &str, password: &str| User {
            name: name.into(),
            password: SecretKey::new(password),
            projects: vec![project("p1"), project("p2")],
        };
        Directory::new([user("ann", "secret"), user("bob", "other")], [(project("p2"), "analytics".into())])
    }

    #[test]
    fn only_the_right_name_domain_and_password_are_somebody() {
        let directory = directory();
        let id = user_id("ann");
        assert_eq!(id.len(), 32);
        let check = |user: UserRef, password: &str, expected: bool| {
            let password = SecretKey::new(password);
            let found = directory.authenticate(&user, &password, &IdentitySettings::default().domain);
            assert_eq!(found.map(|found| found.id.clone()), expected.then(|| id.clone()), "{user:?}");
        };
        let within = |domain| UserRef::Name("ann".into(), Some(domain));
        check(UserRef::Name("ann".into(), None), "secret", true);
        check(UserRef::Id(id.clone()), "secret", true);
        check(within(DomainRef::Id("default".into())), "secret", true);
        check(within(DomainRef::Name("Default".into())), "secret", true);
        check(within(DomainRef::Name("default".into())), "secret", false);
        check(within(DomainRef::Id("Default".into())), "secret", false);
        check(UserRef::Name("ann".into(), None), "other", false);
        check(UserRef::Name("ann".into(), None), "", false);
        check(UserRef::Name("eve".into(), None), "secret", false);
        check(UserRef::Name("eve".into(), None), "", false);
        check(UserRef::Id("ann".into()), "secret", false);
    }

    #[test]
    fn projects_are_found_by_id_name_and_region() {
        let directory = directory();
        let check = |named: ProjectRef, reached: &[&str], expected: Option<&str>| {
            let reached: Vec<_> = reached.iter().map(|text| project(text)).collect();
            let found = directory.find_project(&named, &reached, &IdentitySettings::default());
            assert_eq!(found.map(ProjectId::as_str), expected, "{named:?} of {reached:?}");
        };
        let name = |text: &str| ProjectRef::Name(text.into(), None);
        check(ProjectRef::Id("p2".into()), &["p1", "p2"], Some("p2"));
        check(ProjectRef::Id("p3".into()), &["p1", "p2"], None);
        check(name("analytics"), &["p1", "p2"], Some("p2"));
        check(name("analytics"), &["p1"], None);
        check(name("local_p1"), &["p2", "p1"], Some("p1"));
        check(name("local_p2"), &["p2"], None);
        check(name("local"), &["p2", "p1"], Some("p2"));
        check(name("local"), &[], None);
        check(ProjectRef::Name("local".into(), Some(DomainRef::Id("x".into()))), &["p1"], None);
    }
}
