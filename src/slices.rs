//! What the slices bring along, put together, as far as it is handed down to them.

use std::sync::LazyLock;

use crate::access::contents::{ContentKind, Contents};
use crate::base::declared::Declared;
use crate::{orchestration, tenancy};

/// What workspaces can contain, in the order of the pages, which is also the order in which it is purged.
static CONTENTS: LazyLock<Vec<ContentKind>> = LazyLock::new(|| {
    let people = [
        tenancy::collaborators::contents::CONTENTS,
        tenancy::sharing::contents::CONTENTS,
        tenancy::invitations::contents::CONTENTS,
        tenancy::service_accounts::contents::CONTENTS,
        tenancy::api_keys::contents::CONTENTS,
    ];
    let runs = orchestration::PARTS.iter().map(|part| part.contents);
    let itself = [tenancy::workspaces::contents::CONTENTS];
    people.into_iter().chain(runs).chain(itself).flatten().copied().collect()
});

/// What is handed down to the slices.
pub const DECLARED: Declared = Declared::new(&[&Contents(|| &CONTENTS)]);
