//! The commands that connect a Prefect client to a workspace.

use crate::access::membership::Workspace;
use crate::app::App;
use crate::urls;

/// `ada/lab`
pub fn path_of(workspace: &Workspace) -> String {
    format!("{}/{}", workspace.account_handle, workspace.handle)
}

/// What is typed once on a machine to work with a workspace (G1, SP-21).
#[derive(Clone, Debug)]
pub struct Connect {
    /// Points the client at this server.
    pub server: String,
    /// Signs in.
    pub login: &'static str,
    /// Chooses the workspace.
    pub select: String,
    /// All of it where there is no terminal.
    pub environment: String,
}

impl Connect {
    /// The commands for a workspace.
    pub fn of(app: &App, workspace: &Workspace) -> Self {
        let site = app.settings().site();
        Self {
            server: format!(
                "prefect config set PREFECT_CLOUD_API_URL=\"{site}/api\"\n\
                 prefect config set PREFECT_CLOUD_UI_URL=\"{site}\""
            ),
            login: "prefect cloud login --key \"pnu_…\"",
            select: format!("prefect cloud workspace set --workspace \"{}\"", path_of(workspace)),
            environment: format!(
                "export PREFECT_API_URL=\"{site}{}\"\n\
                 export PREFECT_API_KEY=\"pnu_…\"",
                urls::api_workspace(workspace.account, workspace.id)
            ),
        }
    }
}
