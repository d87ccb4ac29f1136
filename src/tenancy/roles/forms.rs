//! What the form of a role sends.

use serde::Deserialize;

use super::model::{CustomRole, RoleName, Wanted};
use crate::access::permission::Permission;
use crate::access::role::{Role, Scopes};
use crate::base::http::form::Field;
use crate::base::text::single_line;

/// The form, as sent. `scope` is there once for each ticked box; `all` ticks every one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoleForm {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The built-in role that it inherits from; empty for none.
    pub inherits: String,
    /// Scope names.
    pub scope: Vec<String>,
    /// Ticked for every permission.
    pub all: String,
    /// The fingerprint of the impact that was shown.
    pub seen: String,
    /// Set by **Update**: the boxes are drawn again, and nothing is saved.
    pub update: String,
}

impl From<&CustomRole> for RoleForm {
    fn from(role: &CustomRole) -> Self {
        let names = role.scopes.split(' ').filter(|name| !name.is_empty());
        Self {
            name: role.name.clone(),
            description: role.description.clone(),
            inherits: role.inherits.map(|role| role.as_str().to_owned()).unwrap_or_default(),
            scope: names.map(str::to_owned).collect(),
            ..Self::default()
        }
    }
}

/// The form, as shown.
#[derive(Clone, Debug)]
pub struct Fields {
    /// **Name**
    pub name: Field,
    /// **Description**
    pub description: Field,
    /// **Inherit from**
    pub inherits: Field,
    /// Over the tree: what is wrong with it.
    pub scopes: Field,
    /// What is ticked, closed over what it implies.
    pub ticked: Scopes,
    /// What is inherited: ticked and locked.
    pub inherited: Scopes,
}

impl Fields {
    /// The form with what was typed, and what is wanted unless something is wrong.
    pub fn parse(form: RoleForm) -> (Self, Option<Wanted>) {
        let mut fields = Self {
            name: Field::new("name", form.name),
            description: Field::new("description", form.description),
            inherits: Field::new("inherits", form.inherits),
            scopes: Field::empty("scopes"),
            ticked: Scopes::NONE,
            inherited: Scopes::NONE,
        };
        let name = fields.name.parse(RoleName::parse);
        let description = fields.description.parse(|raw| single_line(raw, "The description", 200));
        let inherits = fields.inherits.parse(parse_inherits);
        if let Some(Some(role)) = inherits {
            fields.inherited = role.scopes();
        }
        let mut is_known = true;
        for scope in &form.scope {
            match Permission::parse(scope) {
                Some(permission) => fields.ticked = fields.ticked.with(permission),
                None => is_known = false,
            }
        }
        if !form.all.is_empty() {
            fields.ticked = Permission::all().fold(fields.ticked, Scopes::with);
        }
        if !is_known {
            fields.scopes.problem = Some("One of the permissions does not exist.".to_owned());
        } else if fields.inherited.union(fields.ticked).is_empty() {
            fields.scopes.problem =
                Some("Tick at least one permission, or inherit some.".to_owned());
        }
        let is_good = fields.scopes.problem.is_none();
        let wanted = match (name, description, inherits) {
            (Some(name), Some(description), Some(inherits)) if is_good => {
                Some(Wanted { name, description, inherits, scopes: fields.ticked })
            }
            _ => None,
        };
        (fields, wanted)
    }

    /// The form of a role that is there, or an empty one.
    pub fn of(form: RoleForm) -> Self {
        let (mut fields, _) = Self::parse(form);
        for field in
            [&mut fields.name, &mut fields.description, &mut fields.inherits, &mut fields.scopes]
        {
            field.problem = None;
        }
        fields
    }

    /// How many permissions come with the base: `12 inherited`
    pub fn inherited_words(&self) -> String {
        format!("{} inherited", self.inherited.iter().count())
    }

    /// How many come beside it: `2 added`
    pub fn added_words(&self) -> String {
        format!("{} added", self.ticked.without(self.inherited).iter().count())
    }
}

fn parse_inherits(raw: &str) -> Result<Option<Role>, String> {
    if raw.is_empty() {
        return Ok(None);
    }
    let role = Role::parse(raw).filter(|role| Role::GRANTED.contains(role));
    role.map(Some).ok_or_else(|| "Choose one of the list.".to_owned())
}

/// The form that deletes a role.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeleteForm {
    /// The role that takes its place.
    pub replacement: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(inherits: &str, scopes: &[&str]) -> RoleForm {
        RoleForm {
            name: "Release".to_owned(),
            inherits: inherits.to_owned(),
            scope: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ..RoleForm::default()
        }
    }

    /// R1: a child that comes alone brings its parents.
    #[test]
    fn a_child_brings_its_parents() {
        let (_, wanted) = Fields::parse(form("", &["manage_deployments"]));
        let scopes = wanted.unwrap().scopes;
        for scope in ["see_deployments", "run_deployments", "write_deployments"] {
            assert!(scopes.contains(Permission::parse(scope).unwrap()), "{scope}");
        }
        assert!(!scopes.contains(Permission::SeeBlocks));
    }

    /// R2: what is inherited stays, whatever is posted.
    #[test]
    fn what_is_inherited_stays() {
        let (_, wanted) = Fields::parse(form("runner", &[]));
        assert_eq!(wanted.unwrap().all_scopes(), Role::Runner.scopes());
    }

    #[test]
    fn a_role_allows_something() {
        let (fields, wanted) = Fields::parse(form("", &[]));
        assert!(wanted.is_none() && fields.scopes.problem.is_some());
        assert!(Fields::parse(form("", &["drop_tables"])).1.is_none());
        assert!(Fields::parse(form("collaborator", &["see_flows"])).1.is_none());
    }
}
