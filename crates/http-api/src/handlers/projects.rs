//! Which projects and domains a caller reaches, and where the services are.

use http::StatusCode;
use millpond_model::ProjectId;
use millpond_wire::{
    Code, Refusal,
    identity::{
        CatalogAnswer, CatalogEntry, DomainEntry, DomainList, Endpoint, Links, ProjectEntry, ProjectList,
        ProjectRef, TokenScope,
    },
};

use crate::{answer::Answer, identity::IdentityCall};

/// `GET /v3/projects` and `/v3/auth/projects`: the caller's own, in both; filtered by `name`.
pub(crate) fn list(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let (caller, query) = call.authenticate()?;
    let domain_id = &call.settings().domain.id;
    let of_domain =
        ["domain_id", "parent_id"].iter().all(|name| query.get(name).is_none_or(|id| id == domain_id));
    let reached = caller.projects();
    let listed: Vec<&ProjectId> = match query.get("name") {
        _ if !of_domain => Vec::new(),
        None => reached.iter().collect(),
        Some(name) => {
            call.find_project(&ProjectRef::Name(name.to_owned(), None), reached).into_iter().collect()
        }
    };
    let named: Vec<_> = listed.into_iter().map(|project| (project, call.project_name(project))).collect();
    let entry = |(project, name)| -> ProjectEntry<'_> {
        let project: &ProjectId = project;
        let name: &String = name;
        ProjectEntry {
            id: project.as_str(),
            name,
            domain_id,
            parent_id: domain_id,
            enabled: true,
            is_domain: false,
            description: "",
        }
    };
    Ok(Answer::json(&ProjectList {
        projects: named.iter().map(|(project, name)| entry((*project, name))).collect(),
        links: here(call)?,
    }))
}

/// `GET /v3/auth/domains`: the one there is.
pub(crate) fn domains(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let (_, query) = call.authenticate()?;
    let domain = &call.settings().domain;
    let is_asked_for = query.get("name").is_none_or(|name| name == domain.name);
    let entry = DomainEntry { id: &domain.id, name: &domain.name, enabled: true, description: "" };
    let domains = if is_asked_for { vec![entry] } else { Vec::new() };
    Ok(Answer::json(&DomainList { domains, links: here(call)? }))
}

/// `GET /v3/auth/catalog`.
pub(crate) fn catalog(call: &IdentityCall<'_>) -> Result<Answer, Refusal> {
    let (caller, _) = call.authenticate()?;
    let scope = caller.scope();
    if scope == TokenScope::Unscoped {
        let message = "The token is good for no project, so it has no catalogue. Get one for a project.";
        return Err(Code::PermissionDenied.refuse(message).with_status(StatusCode::FORBIDDEN.as_u16()));
    }
    let base = call.base()?;
    Ok(Answer::json(&CatalogAnswer { catalog: services(call, &base, &scope), links: here(call)? }))
}

/// The services as a token for `scope` sees them (spec/14 §1): clients of `dis` add version and project
/// to the address, those of `disv2` do not.
pub(crate) fn services<'a>(
    call: &'a IdentityCall<'_>,
    base: &str,
    scope: &TokenScope,
) -> Vec<CatalogEntry<'a>> {
    let region = call.settings().region.as_str();
    let entry = |kind: &'static str, url: String| CatalogEntry {
        endpoints: [Endpoint {
            id: format!("{kind}-public"),
            interface: "public",
            region,
            region_id: region,
            url,
        }],
        id: kind,
        name: kind,
        kind,
    };
    let mut services = vec![
        entry("identity", format!("{base}/v3")),
        entry("iam", format!("{base}/v3")),
        entry("dis", base.to_owned()),
    ];
    if let TokenScope::Project(project) = scope {
        services.push(entry("disv2", format!("{base}/v2/{project}")));
    }
    services
}

/// The links of the list that was asked for.
fn here(call: &IdentityCall<'_>) -> Result<Links, Refusal> {
    Ok(Links::to(format!("{}{}", call.base()?, call.parts.uri.path())))
}
