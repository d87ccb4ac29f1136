//! A review as a file: to be read, to be counted, and for programs.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use serde_json::json;

use super::model::{Impact, Review, Severity, Side, Subject};
use crate::base::csv::line;
use crate::base::error::{Error, Result};

/// The form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Markdown,
    /// For spreadsheets: a line for each subject.
    Csv,
    /// For programs.
    Json,
}

impl Format {
    /// The form that a word names.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn of(word: &str) -> Result<Self> {
        match word {
            "md" => Ok(Self::Markdown),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err(Error::Invalid("Choose the format md, csv or json.".to_owned())),
        }
    }

    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Markdown => ("md", "text/markdown; charset=utf-8"),
            Self::Csv => ("csv", "text/csv; charset=utf-8"),
            Self::Json => ("json", "application/json"),
        }
    }
}

/// From where to where, as paths.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// `ada/lab`
    pub from: &'a str,
    /// `acme/lab`; `None` where it goes for good.
    pub to: Option<&'a str>,
}

impl Route<'_> {
    fn title(self) -> String {
        match self.to {
            Some(to) => format!("Transfer of {} to {to}", self.from),
            None => format!("Deletion of {}", self.from),
        }
    }

    fn word(self) -> &'static str {
        if self.to.is_some() { "transfer" } else { "deletion" }
    }
}

/// A review as a file to be downloaded.
///
/// # Errors
/// A fault of a writer.
pub fn file(review: &Review, route: Route<'_>, format: Format) -> Result<HttpResponse> {
    let body = match format {
        Format::Markdown => markdown(review, route).into_bytes(),
        Format::Csv => csv(review)?,
        Format::Json => {
            let value = json!({ "from": route.from, "to": route.to, "review": review });
            serde_json::to_vec_pretty(&value).map_err(Error::internal)?
        }
    };
    let (ending, media_type) = format.file();
    let name = format!("{}-{}.{ending}", route.word(), route.from.replace('/', "-"));
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(body))
}

fn severity(impact: &Impact) -> &'static str {
    match impact.severity {
        Severity::Blocks => "blocks",
        Severity::Loses => "loses",
        Severity::Action => "action",
        Severity::Info => "info",
        Severity::Unchanged => "unchanged",
    }
}

fn side(impact: &Impact) -> &'static str {
    match impact.side {
        Side::Source => "source",
        Side::Target => "target",
    }
}

/// What people typed, as text that means nothing else in Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|') {
            plain.push('\\');
        }
        plain.push(if c == '\n' { ' ' } else { c });
    }
    plain
}

/// A review to be read.
pub fn markdown(review: &Review, route: Route<'_>) -> String {
    let mut lines = vec![
        format!("# {}", route.title()),
        String::new(),
        format!("Computed at {}.", review.at.second_text()),
    ];
    for (heading, wanted) in [
        ("Not possible as things are", Severity::Blocks),
        ("Loses data", Severity::Loses),
        ("Needs action", Severity::Action),
        ("For information", Severity::Info),
        ("Stays as it is", Severity::Unchanged),
    ] {
        if review.count(wanted) > 0 {
            lines.extend([String::new(), format!("## {heading}"), String::new()]);
            lines.extend(review.of(wanted).flat_map(told));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The lines about one part.
fn told(impact: &Impact) -> Vec<String> {
    let with =
        |text: &str| if text.is_empty() { String::new() } else { format!(": {}", plain(text)) };
    let mut lines = vec![format!(
        "- **{}** ({}){}",
        plain(&impact.title),
        side(impact),
        with(&impact.sentence)
    )];
    let subject = |one: &Subject| format!("  - {}{}", plain(&one.name), with(&one.detail));
    lines.extend(impact.subjects.iter().map(subject));
    for command in &impact.lines {
        lines.extend(["", "  ```", &format!("  {command}"), "  ```"].map(str::to_owned));
    }
    lines
}

fn csv(review: &Review) -> Result<Vec<u8>> {
    let mut file =
        line(["severity", "side", "code", "count", "title", "sentence", "subject", "detail"])?;
    for impact in &review.impacts {
        let code = serde_json::to_value(impact.code).map_err(Error::internal)?;
        let code = code.as_str().unwrap_or_default().to_owned();
        let count = impact.count.to_string();
        let mut add = |name: &str, detail: &str| -> Result<()> {
            file.extend(line([
                severity(impact),
                side(impact),
                &code,
                &count,
                &impact.title,
                &impact.sentence,
                name,
                detail,
            ])?);
            Ok(())
        };
        if impact.subjects.is_empty() {
            add("", "")?;
        }
        for subject in &impact.subjects {
            add(&subject.name, &subject.detail)?;
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_no_markdown() {
        assert_eq!(
            plain("[x](http://evil.example) *a*\nb"),
            "\\[x\\](http://evil.example) \\*a\\* b"
        );
    }
}
