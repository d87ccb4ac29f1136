//! An organization's log as a file, streamed: CSV for spreadsheets, or JSON Lines with the exact
//! texts that the hashes cover (U5, LG-04).

use std::collections::VecDeque;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::stream;
use serde_json::json;

use super::log::filter;
use crate::access::organization::{Admin, OrganizationAccess};
use crate::app::App;
use crate::base::csv::line;
use crate::base::error::{Error, Result};
use crate::base::text::hex;
use crate::base::zone::Zone;
use crate::tenancy::audit::forms::LogParams;
use crate::tenancy::audit::queries::{self, Filter, Kept};
use crate::tenancy::audit::story::Story;

/// Entries read at a time: all that an export holds in memory.
const BATCH: i64 = 500;

#[derive(Clone, Copy)]
enum Format {
    Csv,
    JsonLines,
}

impl Format {
    fn of(word: &str) -> Result<Self> {
        match word {
            "csv" => Ok(Self::Csv),
            "jsonl" => Ok(Self::JsonLines),
            _ => Err(Error::Invalid("Choose the format csv or jsonl.".to_owned())),
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/jsonl; charset=utf-8",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    fn head(self) -> Result<Vec<u8>> {
        match self {
            Self::Csv => line(COLUMNS),
            Self::JsonLines => Ok(Vec::new()),
        }
    }

    fn entry(self, kept: &Kept) -> Result<Vec<u8>> {
        match self {
            Self::Csv => line(cells(kept).iter().map(String::as_str)),
            Self::JsonLines => {
                let value = json!({
                    "sequence": kept.sequence,
                    "entry": kept.entry,
                    "hash": hex(&kept.hash),
                });
                Ok(format!("{value}\n").into_bytes())
            }
        }
    }
}

const COLUMNS: [&str; 10] = [
    "sequence",
    "time",
    "event",
    "who",
    "email",
    "key",
    "workspace",
    "address",
    "about",
    "details",
];

fn cells(kept: &Kept) -> [String; 10] {
    let story = Story::read(&kept.entry);
    [
        kept.sequence.to_string(),
        kept.occurred_at.to_string(),
        kept.event.clone(),
        story.who(uuid::Uuid::nil()),
        story.email().to_owned(),
        story.key().unwrap_or_default().to_owned(),
        story.workspace().unwrap_or_default().to_owned(),
        story.ip().unwrap_or_default().to_owned(),
        story.about(),
        story.details(),
    ]
}

/// Where an export is.
struct Progress {
    app: web::Data<App>,
    filter: Filter,
    format: Format,
    waiting: VecDeque<Vec<u8>>,
    under: Option<i64>,
    is_over: bool,
}

impl Progress {
    /// The next piece of the file; `None` at its end.
    async fn next(mut self) -> Result<Option<(web::Bytes, Self)>> {
        if let Some(piece) = self.waiting.pop_front() {
            return Ok(Some((piece.into(), self)));
        }
        if self.is_over {
            return Ok(None);
        }
        let (filter, under) = (self.filter.clone(), self.under);
        let batch =
            self.app.db.read(move |db| Ok(queries::batch(db, &filter, under, BATCH)?)).await?;
        self.is_over = i64::try_from(batch.len()).unwrap_or(0) < BATCH;
        self.under = batch.last().map(|kept| kept.sequence);
        let mut piece = Vec::new();
        for kept in &batch {
            piece.extend(self.format.entry(kept)?);
        }
        Ok(Some((piece.into(), self)))
    }
}

/// `GET /organizations/{organization}/audit-log/export`
pub(super) async fn export(
    access: OrganizationAccess<Admin>,
    app: web::Data<App>,
    zone: Zone,
    req: HttpRequest,
) -> Result<HttpResponse> {
    let params = LogParams::of(req.query_string());
    let format = Format::of(&params.format)?;
    let account = access.organization().account;
    let asked = app.db.read(move |db| filter(db, account, &params, &zone)).await?;
    let waiting = VecDeque::from([format.head()?]);
    // What is not there leaves nothing: the file has its head and no entry.
    let is_over = asked.is_err();
    let filter = asked.unwrap_or_else(|_| Filter::everything(account));
    let progress = Progress { app, filter, format, waiting, under: None, is_over };
    let name = format!("{}-audit-log.{}", access.organization().handle, format.ending());
    Ok(HttpResponse::Ok()
        .content_type(format.media_type())
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(stream::try_unfold(progress, Progress::next)))
}
