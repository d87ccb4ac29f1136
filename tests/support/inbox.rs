//! The mails that were written.

use bulkhead::app::App;
use bulkhead::base::db::MultiBackend;
use bulkhead::base::db::schema::mails;
use bulkhead::base::mail::QueuedMail;
use diesel::prelude::*;

/// A mail as its recipient reads it.
#[derive(Clone, Debug)]
pub struct TestMail {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl TestMail {
    /// The path of the first link in the text.
    pub fn link(&self) -> String {
        let at = self.text.find("http").unwrap_or_else(|| panic!("no link in {}", self.text));
        let url: String = self.text[at..].chars().take_while(|c| !c.is_whitespace()).collect();
        let url = url::Url::parse(&url).unwrap();
        match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        }
    }
}

pub async fn of(app: &App, address: &str) -> Vec<TestMail> {
    let (address, context, render) = (address.to_owned(), app.context.clone(), app.render_mail);
    app.db
        .read(move |db| {
            let query = mails::table.into_boxed::<MultiBackend>();
            let queued: Vec<QueuedMail> = query
                .filter(mails::recipient.eq(address))
                .order((mails::created_at, mails::id))
                .select(QueuedMail::as_select())
                .load(db)?;
            let mut read = Vec::new();
            for mail in queued {
                if let Some(content) = render(&context, db, &mail)? {
                    read.push(TestMail {
                        subject: content.subject,
                        text: content.text,
                        html: content.html,
                    });
                }
            }
            Ok(read)
        })
        .await
        .unwrap()
}
