//! A workspace's settings, and the form that changes them (G1 … G4).

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::path_of;
use crate::access::membership::{AccountKind, Workspace};
use crate::access::permission::{Permission, needs};
use crate::access::workspace::{AnyRole, WorkspaceAccess};
use crate::app::App;
use crate::base::error::Result;
use crate::base::http::client::ClientIp;
use crate::base::http::form::Form;
use crate::base::http::page::{Notice, Page};
use crate::base::http::see_other;
use crate::base::text::When;
use crate::frame::Shell;
use crate::tenancy::workspaces::actions::{self, Edited};
use crate::tenancy::workspaces::connect::Connect;
use crate::tenancy::workspaces::forms::{EditForm, Fields};
use crate::tenancy::workspaces::rules::transfer_verb;
use crate::urls;

#[derive(Template)]
#[template(path = "tenancy/workspaces/settings.html")]
struct SettingsPage {
    shell: Shell,
    workspace: Workspace,
    id: String,
    kind: &'static str,
    created: When,
    connect: Connect,
    /// Whoever runs something with a client is told how to connect it.
    connects: bool,
    sees_all: bool,
    edit_href: Option<String>,
    transfer_href: Option<String>,
    /// `Transfer`, or `Request transfer`.
    transfer_verb: &'static str,
    delete_href: Option<String>,
    leave_href: Option<String>,
    grace_days: i64,
}

pub(super) async fn show(
    access: WorkspaceAccess<AnyRole>,
    shell: Shell,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let workspace = access.workspace().clone();
    let page = SettingsPage {
        shell: access.shell(shell, "settings"),
        id: workspace.id.to_string(),
        kind: match workspace.account_kind {
            AccountKind::Personal => "Personal",
            AccountKind::Organization => "Organization",
        },
        created: When::new(workspace.created_at, app.now()),
        connect: Connect::of(&app, &workspace),
        connects: [
            Permission::SeeWorkspaceSettings,
            Permission::RunFlows,
            Permission::RunDeployments,
        ]
        .into_iter()
        .any(|one| access.may(one)),
        sees_all: access.may(Permission::SeeWorkspaceSettings),
        edit_href: access
            .may(Permission::WriteWorkspaceSettings)
            .then(|| urls::settings_edit(&workspace)),
        transfer_href: access
            .may(Permission::ManageWorkspaceSettings)
            .then(|| urls::settings_transfer(&workspace)),
        transfer_verb: transfer_verb(access.held().has_authority()),
        delete_href: access
            .may(Permission::ManageWorkspaceSettings)
            .then(|| urls::settings_delete(&workspace)),
        leave_href: access.can_leave().then(|| urls::leave(&workspace)),
        grace_days: app.settings().flags.deletion_grace_days,
        workspace,
    };
    Page(page).ok()
}

#[derive(Template)]
#[template(path = "tenancy/workspaces/edit.html")]
struct EditPage {
    shell: Shell,
    workspace: Workspace,
    prefix: String,
    fields: Fields,
}

impl EditPage {
    fn of(shell: Shell, workspace: &Workspace, fields: Fields) -> Self {
        Self {
            shell,
            prefix: format!("{}/", workspace.account_handle),
            workspace: workspace.clone(),
            fields,
        }
    }
}

pub(super) async fn edit(
    access: WorkspaceAccess<needs::WriteWorkspaceSettings>,
    shell: Shell,
) -> Result<HttpResponse> {
    let workspace = access.workspace();
    let fields = Fields::new(&workspace.handle, &workspace.description);
    Page(EditPage::of(access.shell(shell, "settings"), workspace, fields)).ok()
}

pub(super) async fn save(
    access: WorkspaceAccess<needs::WriteWorkspaceSettings>,
    shell: Shell,
    app: web::Data<App>,
    ip: ClientIp,
    form: Form<EditForm>,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let mut fields = Fields::new(form.fields.handle, form.fields.description);
    let (workspace, shell) = (access.workspace().clone(), access.shell(shell, "settings"));
    let Some(wanted) = fields.parse() else {
        return Page(EditPage::of(shell, &workspace, fields)).unprocessable();
    };
    let handle = wanted.handle.clone();
    match actions::edit(&app, access, ip, move |_| Ok(wanted)).await? {
        Edited::Saved { before } => {
            let after = Workspace { handle: handle.into(), ..workspace };
            saved(&before, &after).leave(&req)?;
            Ok(see_other(urls::settings(after)))
        }
        Edited::Taken(taken) => {
            fields.handle.problem = Some(taken.problem());
            Page(EditPage::of(shell, &workspace, fields)).unprocessable()
        }
    }
}

fn saved(before: &str, after: &Workspace) -> Notice {
    if before == after.handle {
        return Notice::ok("The settings are saved.");
    }
    let path = path_of(after);
    Notice::info(format!(
        "The workspace is {path} now, and links to {before} lead here. Its path for the command \
         line changed: run prefect cloud workspace set --workspace \"{path}\" where it is used."
    ))
}
