//! Decisions about organizations that need nothing but their input.

use crate::access::organization::OrganizationRole;

/// Whether somebody may stop being what they are: the last admin may not, by any way (O7).
pub fn may_go(role: OrganizationRole, admins: i64) -> bool {
    role != OrganizationRole::Admin || admins > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_admin_stays() {
        assert!(may_go(OrganizationRole::Member, 1));
        assert!(may_go(OrganizationRole::Admin, 2));
        assert!(!may_go(OrganizationRole::Admin, 1));
        assert!(!may_go(OrganizationRole::Admin, 0));
    }
}
