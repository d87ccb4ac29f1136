//! Every link of the site as a function; used by handlers, mails and templates.
//!
//! All return paths below the base URL. What comes from people (handles, tokens) is percent-encoded
//! here, so no caller has to think of it.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a path segment as it is (RFC 3986, unreserved characters).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn segment(text: &str) -> impl Display + '_ {
    utf8_percent_encode(text, SEGMENT)
}

/// A path with a query string built from pairs; empty values are left out.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// What knows in which workspace it is: the workspace itself, a row that tells of one, or the two handles.
pub trait InWorkspace {
    /// The handle of the owning account, and the workspace's own.
    fn handles(&self) -> (&str, &str);
}

impl<T: InWorkspace + ?Sized> InWorkspace for &T {
    fn handles(&self) -> (&str, &str) {
        (**self).handles()
    }
}

impl<A: AsRef<str>, W: AsRef<str>> InWorkspace for (A, W) {
    fn handles(&self) -> (&str, &str) {
        (self.0.as_ref(), self.1.as_ref())
    }
}

/// Writes a function of no arguments for each fixed address.
macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident => $path:literal),* $(,)?) => {
        $($(#[$doc])* pub fn $name() -> &'static str { $path })*
    };
}

fixed! {
    /// Where everybody starts.
    home => "/",
    /// The form that makes the first user of an empty installation.
    setup => "/setup",
    /// The form for a new account.
    sign_up => "/sign-up",
    /// The sign-in form.
    sign_in => "/sign-in",
    /// Asks whoever gave the right password for the second factor.
    second_step => "/sign-in/two-factor",
    /// Ends the session (POST).
    sign_out => "/sign-out",
    /// Asks for a password reset mail.
    forgot_password => "/forgot-password",
    /// Where an unverified person lands; sends the mail again.
    verify_email_needed => "/verify-email",
    /// Asks for the password once more before something risky.
    confirm_access => "/confirm-access",
    /// All workspaces that a person can access.
    workspaces => "/workspaces",
    /// The form for a new workspace.
    workspace_new => "/workspaces/new",
    /// The organizations that a person belongs to.
    organizations => "/organizations",
    /// The form for a new organization.
    organization_new => "/organizations/new",
    /// Name, handle, theme.
    profile => "/profile",
    /// The form that changes the address.
    profile_email => "/profile/email",
    /// Takes a change of the address back (POST).
    profile_email_cancel => "/profile/email/cancel",
    /// Password and signed-in devices.
    profile_security => "/profile/security",
    /// Turns two-factor authentication on.
    two_factor => "/profile/security/two-factor",
    /// Turns it off.
    two_factor_off => "/profile/security/two-factor/off",
    /// Replaces the recovery codes.
    recovery_codes => "/profile/security/two-factor/recovery-codes",
    /// Ends all other sessions (POST).
    profile_sign_out_others => "/profile/security/sign-out-others",
    /// A person's API keys.
    api_keys => "/profile/api-keys",
    /// The form for a new API key.
    api_key_new => "/profile/api-keys/new",
    /// A person's own audit entries.
    activity => "/profile/activity",
    /// Deletes the own account.
    profile_delete => "/profile/delete",
    /// The Prefect client's browser login.
    auth_client => "/auth/client",
    /// The mails that are kept instead of sent.
    outbox => "/dev/outbox",
}

/// The setup link that is printed at the first start.
pub fn setup_with(token: &str) -> String {
    with_query(setup(), &[("token", token)])
}

/// The sign-in form that comes back to `next` (a path of this site).
pub fn sign_in_next(next: &str) -> String {
    with_query(sign_in(), &[("next", next)])
}

/// The re-authentication form that comes back to `next`.
pub fn confirm_access_next(next: &str) -> String {
    with_query(confirm_access(), &[("next", next)])
}

/// Chooses a new password.
pub fn reset_password(token: &str) -> String {
    format!("/reset-password/{}", segment(token))
}

/// Confirms an address.
pub fn verify_email(token: &str) -> String {
    format!("/verify-email/{}", segment(token))
}

/// The workspaces of one account.
pub fn workspaces_of(account: &str) -> String {
    with_query(workspaces(), &[("owner", account)])
}

/// The form for a new workspace of an account.
pub fn workspace_new_in(account: &str) -> String {
    with_query(workspace_new(), &[("owner", account)])
}

/// An organization's profile.
pub fn organization(handle: &str) -> String {
    format!("/organizations/{}", segment(handle))
}

/// One of an organization's pages (`edit`, `workspaces`, `members`, `leave`, `delete`).
pub fn organization_page(handle: &str, page: &str) -> String {
    format!("/organizations/{}/{page}", segment(handle))
}

/// One step of the menu of a member (`remove`), by the member's id.
pub fn organization_member(handle: &str, id: impl Display, step: &str) -> String {
    format!("{}/{id}/{step}", organization_page(handle, "members"))
}

/// One step of the menu of an invitation into an organization (`resend`, `revoke`, `link`).
pub fn organization_invitation(handle: &str, id: impl Display, step: &str) -> String {
    format!("{}/invitations/{id}/{step}", organization_page(handle, "members"))
}

/// A service account's page.
pub fn service_account(organization: &str, id: impl Display) -> String {
    format!("{}/{id}", organization_page(organization, "service-accounts"))
}

/// One step of a service account's page (`rotate`, `disable`, `remove` …).
pub fn service_account_step(organization: &str, id: impl Display, step: &str) -> String {
    format!("{}/{step}", service_account(organization, id))
}

/// A workspace role of an organization: one of its own by id, a built-in one by name.
pub fn role(organization: &str, role: impl Display) -> String {
    format!("{}/{role}", organization_page(organization, "roles"))
}

/// One step of a role's page (`edit`, `delete`).
pub fn role_step(organization: &str, id: impl Display, step: &str) -> String {
    format!("{}/{step}", role(organization, id))
}

/// An organization's audit log.
pub fn audit_log(organization: &str) -> String {
    organization_page(organization, "audit-log")
}

/// One entry of an organization's audit log.
pub fn audit_entry(organization: &str, sequence: i64) -> String {
    format!("{}/{sequence}", audit_log(organization))
}

/// An organization's audit log as a file.
pub fn audit_export(organization: &str) -> String {
    format!("{}/export", audit_log(organization))
}

/// What deleting a workspace did, as a file.
pub fn workspace_deletion(id: impl Display, format: &str) -> String {
    with_query(&format!("{}/receipt", workspace_deleted(id)), &[("format", format)])
}

/// A deleted workspace within its days of grace: restore, delete now.
pub fn workspace_deleted(id: impl Display) -> String {
    format!("/workspaces/deleted/{id}")
}

/// A workspace's dashboard.
pub fn workspace(place: impl InWorkspace) -> String {
    let (account, workspace) = place.handles();
    format!("/workspaces/{}/{}", segment(account), segment(workspace))
}

/// The runs of a workspace.
pub fn flow_runs(place: impl InWorkspace) -> String {
    format!("{}/flow-runs", workspace(place))
}

/// One run.
pub fn flow_run(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/{id}", flow_runs(place))
}

/// A run's page with its tasks from one on.
pub fn task_runs_from(run: &str, offset: i64) -> String {
    let offset = if offset == 0 { String::new() } else { offset.to_string() };
    format!("{}#tasks", with_query(run, &[("tasks", &offset)]))
}

/// A step about one run: `cancel`, `delete`, `logs`.
pub fn flow_run_step(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/{step}", flow_run(place, id))
}

/// One run of a task.
pub fn task_run(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/task-runs/{id}", workspace(place))
}

/// The lines of a task's run, as a file.
pub fn task_run_logs(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/logs", task_run(place, id))
}

/// The saved searches of a workspace.
pub fn saved_searches(place: impl InWorkspace) -> String {
    format!("{}/saved-searches", workspace(place))
}

/// The form that saves a search.
pub fn saved_search_new(place: impl InWorkspace) -> String {
    format!("{}/new", saved_searches(place))
}

/// Deletes a saved search.
pub fn saved_search_delete(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/{id}/delete", saved_searches(place))
}

/// The concurrency limits of a workspace.
pub fn limits(place: impl InWorkspace) -> String {
    format!("{}/concurrency", workspace(place))
}

/// The concurrency limits of one kind.
pub fn limits_of(place: impl InWorkspace, kind: &str) -> String {
    with_query(&limits(place), &[("kind", kind)])
}

/// The form for a new limit of a kind.
pub fn limit_new(place: impl InWorkspace, kind: &str) -> String {
    with_query(&format!("{}/new", limits(place)), &[("kind", kind)])
}

/// One concurrency limit.
pub fn limit(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/{id}", limits(place))
}

/// A step about one limit: `edit`, `turn-on`, `turn-off`, `reset`, `release`, `delete`.
pub fn limit_step(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/{step}", limit(place, id))
}

/// The flows of a workspace.
pub fn flows(place: impl InWorkspace) -> String {
    format!("{}/flows", workspace(place))
}

/// One flow.
pub fn flow(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/{id}", flows(place))
}

/// The deployments of a workspace.
pub fn deployments(place: impl InWorkspace) -> String {
    format!("{}/deployments", workspace(place))
}

/// One deployment.
pub fn deployment(place: impl InWorkspace, id: impl Display) -> String {
    format!("{}/{id}", deployments(place))
}

/// A step about one deployment: `pause`, `resume`, `delete`.
pub fn deployment_step(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/{step}", deployment(place, id))
}

/// A step about a schedule of a deployment.
pub fn schedule_step(
    place: impl InWorkspace,
    (deployment_id, id): (impl Display, impl Display),
    step: &str,
) -> String {
    format!("{}/schedules/{id}/{step}", deployment(place, deployment_id))
}

/// Says when a workspace's runs changed (server-sent events).
pub fn live(place: impl InWorkspace) -> String {
    format!("{}/live", workspace(place))
}

/// A workspace's settings.
pub fn settings(place: impl InWorkspace) -> String {
    format!("{}/settings", workspace(place))
}

/// The form that edits handle and description.
pub fn settings_edit(place: impl InWorkspace) -> String {
    format!("{}/settings/edit", workspace(place))
}

/// What deleting would remove, and the confirmation.
pub fn settings_delete(place: impl InWorkspace) -> String {
    format!("{}/settings/delete", workspace(place))
}

/// What transferring a workspace would change, and the request.
pub fn settings_transfer(place: impl InWorkspace) -> String {
    format!("{}/settings/transfer", workspace(place))
}

/// What transferring a workspace would change, as a file.
pub fn settings_transfer_review(place: impl InWorkspace) -> String {
    format!("{}/review", settings_transfer(place))
}

/// The flow runs that an account would not keep, as a file.
pub fn transfer_runs(place: impl InWorkspace, target: &str) -> String {
    with_query(&format!("{}/runs", settings_transfer(place)), &[("target", target)])
}

/// A transfer that waits, or its receipt.
pub fn transfer(id: impl Display) -> String {
    format!("/transfers/{id}")
}

/// What a transfer does or did, as a file.
pub fn transfer_review(id: impl Display, format: &str) -> String {
    with_query(&format!("/transfers/{id}/review"), &[("format", format)])
}

/// Leaves somebody else's workspace.
pub fn leave(place: impl InWorkspace) -> String {
    format!("{}/leave", workspace(place))
}

/// The people of a personal workspace.
pub fn collaborators(place: impl InWorkspace) -> String {
    format!("{}/collaborators", workspace(place))
}

/// The form that invites collaborators.
pub fn collaborators_invite(place: impl InWorkspace) -> String {
    format!("{}/collaborators/invite", workspace(place))
}

/// One step of a row's menu (`remove`, `resend`, `revoke`, `link`) on a collaborator or invitation.
pub fn collaborator_step(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/collaborators/{id}/{step}", workspace(place))
}

/// The members and service accounts of an organization's workspace.
pub fn sharing(place: impl InWorkspace) -> String {
    format!("{}/sharing", workspace(place))
}

/// A page below sharing (`default`, `members/new`, `service-accounts/new`).
pub fn sharing_page(place: impl InWorkspace, page: &str) -> String {
    format!("{}/{page}", sharing(place))
}

/// Why a member has access, by the member's handle.
pub fn sharing_access(place: impl InWorkspace, person: &str) -> String {
    format!("{}/access/{}", sharing(place), segment(person))
}

/// One step of the menu of a member's role in a workspace (`role`, `remove`).
pub fn sharing_member(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/members/{id}/{step}", sharing(place))
}

/// One step of the menu of a service account's role in a workspace (`role`, `remove`).
pub fn sharing_bot(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/service-accounts/{id}/{step}", sharing(place))
}

/// One step of the menu of an invitation into a workspace (`resend`, `revoke`, `link`).
pub fn sharing_invitation(place: impl InWorkspace, id: impl Display, step: &str) -> String {
    format!("{}/invitations/{id}/{step}", sharing(place))
}

/// An invitation as the invited person sees it.
pub fn invitation(token: &str) -> String {
    format!("/invitations/{}", segment(token))
}

/// One step of the invited person (`accept`, `decline`, `renew`, `sign-up`, `sign-in`, `switch`).
pub fn invitation_step(token: &str, step: &str) -> String {
    format!("/invitations/{}/{step}", segment(token))
}

/// Revokes an API key.
pub fn api_key_delete(id: impl Display) -> String {
    format!("/profile/api-keys/{id}/delete")
}

/// Ends one session of the own account (POST).
pub fn device_sign_out(id: impl Display) -> String {
    format!("/profile/security/devices/{id}/sign-out")
}

/// One kept mail.
pub fn outbox_mail(id: impl Display) -> String {
    format!("/dev/outbox/{id}")
}

/// The HTML part of a kept mail, alone.
pub fn outbox_mail_html(id: impl Display) -> String {
    format!("/dev/outbox/{id}/html")
}

/// What the Prefect client prints as a workspace's address.
pub fn client_workspace(account_id: impl Display, workspace_id: impl Display) -> String {
    format!("/account/{account_id}/workspace/{workspace_id}")
}

/// A workspace on the API.
pub fn api_workspace(account_id: impl Display, workspace_id: impl Display) -> String {
    format!("/api/accounts/{account_id}/workspaces/{workspace_id}")
}

/// Where a list of events on the API goes on.
pub fn api_events_next(
    account_id: impl Display,
    workspace_id: impl Display,
    token: &str,
) -> String {
    let workspace = api_workspace(account_id, workspace_id);
    format!("{workspace}/events/filter/next?page-token={token}")
}

/// A file of `static/`, under a name that changes with its content.
pub fn asset(name: &str) -> String {
    crate::base::http::assets::path(name)
}
