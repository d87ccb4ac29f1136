//! Which flows.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{Among, Linked, Named, Operator, Piece, Tagged, join};
use crate::orchestration::wire::term::{Rows, Term, column};

/// Which flows; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Named>,
    /// With these tags.
    #[serde(default, deserialize_with = "object")]
    pub tags: Option<Tagged>,
    /// With deployments, or without.
    #[serde(default, deserialize_with = "object")]
    pub deployment: Option<Linked>,
}

impl FlowFilter {
    /// The condition; `None` for no condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self, workspace: WorkspaceId) -> Result<Option<Term>> {
        let deployment = self.deployment.as_ref().and_then(|deployment| deployment.is_null_);
        let deployment = deployment.map(|is_null| {
            let all = Rows::all(column!(deployments.flow_id), workspace, Term::any());
            let has = Term::within(column!(flows.id), all);
            if is_null { Term::Not(Box::new(has)) } else { has }
        });
        let parts = [
            self.id.terms(column!(flows.id))?,
            self.name.terms(column!(flows.name))?,
            self.tags.terms(column!(flows.tags))?,
            deployment.into_iter().collect(),
        ];
        Ok(join(self.operator, parts.concat()))
    }
}
