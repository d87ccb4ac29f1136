//! What the slices bring along, put together. Each list has a line for a slice.

use crate::access::contents::Contents;
use crate::base::declared::Declared;
use crate::{orchestration, tenancy};

/// What workspaces can contain, in the order of the pages, which is also the order in which it is purged.
const CONTENTS: Contents = Contents(&[
    tenancy::collaborators::contents::CONTENTS,
    tenancy::sharing::contents::CONTENTS,
    tenancy::invitations::contents::CONTENTS,
    tenancy::service_accounts::contents::CONTENTS,
    tenancy::api_keys::contents::CONTENTS,
    orchestration::events::contents::CONTENTS,
    orchestration::task_runs::contents::CONTENTS,
    orchestration::concurrency::contents::CONTENTS,
    orchestration::flow_runs::contents::CONTENTS,
    orchestration::flows::contents::CONTENTS,
    orchestration::logs::contents::CONTENTS,
    tenancy::workspaces::contents::CONTENTS,
]);

/// What is handed down to the slices.
pub const DECLARED: Declared = Declared::new(&[&CONTENTS]);
