//! What surrounds every page: who is looking, where they are, the form tokens, the notice; the pages of a list, and
//! errors as pages.

pub mod errors;
mod pager;
pub mod parts;

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use crate::app::App;
use crate::base::error::{Error, Result};
use crate::base::http::form::Tokens;
use crate::base::http::page::Notice;
use crate::base::text::{When, initials, tone_of};
use crate::base::zone::Zone;
use crate::urls::InWorkspace;

pub use pager::Pager;

/// Who is looking, as pages show it. Put into the request by `access/identify.rs`.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Display name.
    pub name: String,
    /// Address as typed.
    pub email: String,
    /// Handle of the personal account.
    pub handle: String,
    /// For the picture.
    pub initials: String,
    /// Tone of the picture.
    pub tone: &'static str,
    /// Whether the address is confirmed.
    pub verified: bool,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// By whose clock times are shown.
    pub zone: Zone,
}

/// A person in a list.
#[derive(Clone, Debug)]
pub struct Person {
    /// Display name.
    pub name: String,
    /// Address, or another line about the person.
    pub email: String,
    /// For the picture.
    pub initials: String,
    /// Tone of the picture.
    pub tone: &'static str,
}

impl Person {
    /// A person with a picture made from the name.
    pub fn new(name: &str, email: &str) -> Self {
        Self {
            name: name.to_owned(),
            email: email.to_owned(),
            initials: initials(name),
            tone: tone_of(name),
        }
    }
}

/// The workspace that a page is about.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each kind of page is open or not by itself")]
pub struct CurrentWorkspace {
    /// Handle of the owning account.
    pub account: String,
    /// Name of the owning account.
    pub account_name: String,
    /// Handle of the workspace.
    pub handle: String,
    /// The pages of flows and their runs are open to the viewer.
    pub sees_flows: bool,
    /// The pages of deployments are open to the viewer.
    pub sees_deployments: bool,
    /// The pages of concurrency limits are open to the viewer.
    pub sees_limits: bool,
    /// The Collaborators page is open to the viewer.
    pub sees_collaborators: bool,
    /// Whether there is a page of members and service accounts, and the viewer sees it.
    pub sees_sharing: bool,
    /// Set while somebody wants to transfer it.
    pub moving: Option<Moving>,
    /// Set while the transfer that brought it here can be undone.
    pub arrival: Option<Arrival>,
}

impl InWorkspace for CurrentWorkspace {
    fn handles(&self) -> (&str, &str) {
        (&self.account, &self.handle)
    }
}

/// Where a workspace is to move.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Name of the account.
    pub target: String,
    /// The transfer's page, for those who may see it.
    pub href: Option<String>,
}

/// How a workspace came to where it is.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Name of the account that it came from.
    pub from: String,
    /// Who asked for the transfer, by name.
    pub by: String,
    /// When it moved.
    pub at: When,
    /// Until when that can be undone.
    pub until: When,
    /// By whom, to begin a sentence with.
    pub who: String,
    /// The transfer's page, for those who may see it.
    pub href: Option<String>,
}

/// The organization that a page is about.
#[derive(Clone, Debug)]
pub struct CurrentOrganization {
    /// Its handle.
    pub handle: String,
    /// Its name.
    pub name: String,
    /// The viewer is one of its admins.
    pub is_admin: bool,
}

/// Another workspace to change to.
#[derive(Clone, Debug)]
pub struct SwitchItem {
    /// Handle of the owning account.
    pub account: String,
    /// Handle of the workspace.
    pub handle: String,
}

impl InWorkspace for SwitchItem {
    fn handles(&self) -> (&str, &str) {
        (&self.account, &self.handle)
    }
}

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Shell {
    /// `None` when signed out.
    pub viewer: Option<Viewer>,
    /// `system`, `light` or `dark`.
    pub theme: &'static str,
    /// The viewer's time zone; UTC when signed out.
    pub zone: Zone,
    /// When the page was made.
    pub made: When,
    /// For the hidden field `csrf`.
    pub csrf: String,
    /// For the hidden field `once`.
    pub once: String,
    /// What just happened.
    pub notice: Option<Notice>,
    /// Host and port of the base URL.
    pub host: String,
    /// Who runs the server.
    pub operator: Option<String>,
    /// The workspace that the page is about.
    pub workspace: Option<CurrentWorkspace>,
    /// The organization that the page is about.
    pub organization: Option<CurrentOrganization>,
    /// Other workspaces.
    pub switcher: Vec<SwitchItem>,
    /// Which entry of the navigation the page is.
    pub at: &'static str,
    /// Mails are kept, and can be read here.
    pub mail_kept: bool,
}

impl Shell {
    /// The shell of a page at an entry of the navigation.
    #[must_use]
    pub fn at(mut self, at: &'static str) -> Self {
        self.at = at;
        self
    }

    /// The shell of a page for whoever sent `req`; it takes the notice that waits.
    pub fn of(req: &HttpRequest, app: &App) -> Self {
        let viewer = req.extensions().get::<Viewer>().cloned();
        let notice = Notice::take(req);
        let tokens = Tokens::new(req, &app.context);
        let settings = app.settings();
        Self {
            theme: viewer.as_ref().map_or("system", |viewer| viewer.theme),
            zone: viewer.as_ref().map(|viewer| viewer.zone.clone()).unwrap_or_default(),
            viewer,
            made: When::exact(app.now(), app.now()),
            csrf: tokens.csrf,
            once: tokens.once.to_string(),
            notice,
            host: settings.host(),
            operator: settings.flags.operator.clone(),
            workspace: None,
            organization: None,
            switcher: Vec::new(),
            at: "",
            mail_kept: settings.has_outbox_page(),
        }
    }
}

impl FromRequest for Shell {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match req.app_data::<web::Data<App>>() {
            Some(app) => Ok(Self::of(req, app)),
            None => Err(Error::internal("no App")),
        })
    }
}

/// The time zone of whoever looks, for what is no page: a file, a filter.
impl FromRequest for Zone {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let viewer = req.extensions().get::<Viewer>().map(|viewer| viewer.zone.clone());
        ready(Ok(viewer.unwrap_or_default()))
    }
}
