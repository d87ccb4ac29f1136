//! A mail of one paragraph and one link: what most notices are.

use askama::Template;

use super::outbox::Rendered;
use crate::base::error::{Error, Result};
use crate::base::settings::Settings;

/// The paragraph and the link of a notice.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The subject, which is the heading too.
    pub subject: String,
    /// The paragraph.
    pub body: String,
    /// The words of the link.
    pub action: &'static str,
    /// Its path on this site.
    pub path: String,
}

#[derive(Template)]
#[template(path = "layouts/notice.html")]
struct Html {
    host: String,
    site: String,
    subject: String,
    body: String,
    action: &'static str,
    link: String,
}

#[derive(Template)]
#[template(path = "layouts/notice.txt", escape = "none")]
struct Text<'a> {
    host: &'a str,
    mail: &'a Html,
}

impl Notice {
    /// As a mail.
    ///
    /// # Errors
    /// A template's fault.
    pub fn render(self, settings: &Settings) -> Result<Rendered> {
        let site = settings.site().to_owned();
        let html = Html {
            host: settings.host(),
            link: format!("{site}{}", self.path),
            site,
            subject: self.subject.clone(),
            body: self.body,
            action: self.action,
        };
        Ok(Rendered {
            subject: self.subject,
            text: Text { host: &html.host, mail: &html }.render().map_err(Error::internal)?,
            html: html.render().map_err(Error::internal)?,
        })
    }
}
