//! The page that asks before something is deleted (ALL-06).

use actix_web::HttpResponse;
use askama::Template;

use crate::base::error::Result;
use crate::base::http::page::Page;
use crate::frame::Shell;

/// What is about to be deleted.
pub struct Deletion {
    /// The word for its kind, as in `saved search`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What goes with it, and what stays.
    pub texts: Vec<String>,
    /// The list that it is in: its title and its address.
    pub list: (&'static str, String),
}

#[derive(Template)]
#[template(path = "orchestration/deletion.html")]
struct DeletionPage {
    shell: Shell,
    about: Deletion,
}

impl Deletion {
    /// The page, whose form posts to its own address.
    ///
    /// # Errors
    /// As of [`Page::ok`].
    pub fn page(self, shell: Shell) -> Result<HttpResponse> {
        Page(DeletionPage { shell, about: self }).ok()
    }
}
