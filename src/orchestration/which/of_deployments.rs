//! Which deployments.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::WorkspaceId;
use crate::base::error::Result;
use crate::base::http::json::object;
use crate::orchestration::wire::filter::{Among, Named, Operator, Piece, Tagged, join};
use crate::orchestration::wire::term::{NOWHERE, Rows, Term, column};

/// Which deployments; what is null narrows nothing.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentFilter {
    /// How the conditions are joined.
    #[serde(default)]
    pub operator: Operator,
    /// With these ids.
    #[serde(default, deserialize_with = "object")]
    pub id: Option<Among<Uuid>>,
    /// With these names.
    #[serde(default, deserialize_with = "object")]
    pub name: Option<Named>,
    /// With names, or of flows with names, that contain something.
    #[serde(default, deserialize_with = "object")]
    pub flow_or_deployment_name: Option<Named>,
    /// That are paused, or are not.
    #[serde(default, deserialize_with = "object")]
    pub paused: Option<Flag>,
    /// That are not paused, or are, in words of older clients.
    #[serde(default, deserialize_with = "object")]
    pub is_schedule_active: Option<Flag>,
    /// With these tags.
    #[serde(default, deserialize_with = "object")]
    pub tags: Option<Tagged>,
    /// Of these work queues.
    #[serde(default, deserialize_with = "object")]
    pub work_queue_name: Option<Among<String>>,
    /// With so many runs at once: narrows nothing, as on the client's own server.
    #[serde(default, deserialize_with = "object")]
    pub concurrency_limit: Option<Limited>,
}

/// Whether something is so.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// Whether it is.
    pub eq_: Option<bool>,
}

/// How many.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names of the client")]
pub struct Limited {
    /// At least so many.
    pub ge_: Option<i64>,
    /// At most so many.
    pub le_: Option<i64>,
    /// Whether any number.
    pub is_null_: Option<bool>,
}

/// That deployments, or their flows, have a text in their names.
///
/// # Errors
/// [`crate::base::error::Error::Invalid`] for more values than a query takes.
pub fn named(name: &Named, workspace: WorkspaceId) -> Result<Option<Term>> {
    let Some(of_flow) = join(Operator::And, name.terms(column!(flows.name))?) else {
        return Ok(None);
    };
    let flows = Rows::all(column!(flows.id), workspace, of_flow);
    let own = Term::All(name.terms(column!(deployments.name))?);
    Ok(Some(Term::One(vec![own, Term::within(column!(deployments.flow_id), flows)])))
}

impl DeploymentFilter {
    /// The condition.
    ///
    /// # Errors
    /// [`crate::base::error::Error::Invalid`] for more values than a query takes.
    pub fn term(&self, workspace: WorkspaceId) -> Result<Term> {
        let said = |flag: &Option<Flag>| flag.as_ref().and_then(|flag| flag.eq_);
        let paused = |is_paused: bool| Term::is_null(column!(deployments.paused_at), !is_paused);
        let either = self.flow_or_deployment_name.as_ref();
        let either = either.map(|name| named(name, workspace)).transpose()?.flatten();
        let parts = [
            self.id.terms(column!(deployments.id))?,
            self.name.terms(column!(deployments.name))?,
            either.into_iter().collect(),
            said(&self.paused).map(paused).into_iter().collect(),
            said(&self.is_schedule_active).map(|is| paused(!is)).into_iter().collect(),
            self.tags.terms(column!(deployments.tags))?,
            // No deployment has a queue.
            self.work_queue_name.terms(NOWHERE)?,
        ];
        Ok(join(self.operator, parts.concat()).unwrap_or_else(Term::any))
    }
}
