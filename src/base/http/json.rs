//! JSON bodies of the API: typed, bounded, and nothing else than JSON (BR-03, CF-06, IV-11).

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::body;
use super::object::Object;
use crate::base::db::Instant;
use crate::base::error::{Error, Result};
use crate::base::json::{Raw, clean, mended};

/// The largest JSON body, in bytes (CF-06).
pub const JSON_LIMIT: usize = 1024 * 1024;

/// The largest report of what happened: a state with its message and its data, or a list of lines or events, in
/// bytes. It is far beyond what clients send (4 MB of lines), so that no end of a run is lost for its size
/// (SP-42).
pub const REPORT_LIMIT: usize = 8 * 1024 * 1024;

/// A JSON object as a body. An absent one reads like `{}`, which is what programs mean by it. What is
/// wrong with it is said once somebody asks for it: whoever may not do a thing hears that first.
pub struct JsonBody<T, const LIMIT: usize = JSON_LIMIT>(Result<T>);

/// A JSON array as a body, up to [`REPORT_LIMIT`]; the same in everything else.
pub struct JsonList<T>(Result<Vec<T>>);

impl<T> JsonList<T> {
    /// The body.
    ///
    /// # Errors
    /// As of [`JsonBody::parsed`].
    pub fn parsed(self) -> Result<Vec<T>> {
        self.0
    }
}

/// A JSON array as a body, up to [`REPORT_LIMIT`], of whose elements one that does not fit costs no other.
pub struct JsonElements(Result<String>);

impl JsonElements {
    /// Each element, or what is wrong with it; they are objects.
    ///
    /// # Errors
    /// As of [`JsonBody::parsed`], for what is no array.
    pub fn parsed<T: DeserializeOwned>(self) -> Result<Vec<serde_json::Result<T>>> {
        let text = self.0?;
        if let Ok(all) = serde_json::from_str::<Vec<Object<T>>>(&text) {
            return Ok(all.into_iter().map(|Object(one)| Ok(one)).collect());
        }
        let read = |one: &Raw| serde_json::from_str(one.text()).map(|Object(one)| one);
        Ok(from_text::<Vec<Raw>>(&text)?.iter().map(read).collect())
    }
}

impl<T, const LIMIT: usize> JsonBody<T, LIMIT> {
    /// The body.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no JSON or has other fields than asked for,
    /// [`Error::UnsupportedMediaType`], or too long.
    pub fn parsed(self) -> Result<T> {
        self.0
    }
}

async fn text_of(req: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<String> {
    let bytes = body::read(req, payload, limit).await?;
    if !bytes.is_empty() && !body::is_type(req, "application/json") {
        return Err(Error::UnsupportedMediaType("Send application/json.".to_owned()));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::BadRequest("The body is not UTF-8.".to_owned()))?;
    Ok(text.to_owned())
}

fn cleaned(text: &str) -> Result<Cow<'_, str>> {
    clean(text).map_err(Error::Invalid)
}

fn from_text<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let what = if error.is_data() { "does not fit" } else { "is no JSON" };
        Error::Invalid(format!("The body {what}: {error}."))
    })
}

/// An object's fields; serde would take those of a struct from an array too.
fn from_object<T: DeserializeOwned>(text: &str) -> Result<T> {
    let text = if text.is_empty() { "{}" } else { text };
    if text.trim_ascii_start().starts_with('[') {
        return Err(Error::Invalid("The body has to be a JSON object.".to_owned()));
    }
    from_text(text)
}

/// A body that is being read.
type Reading<B> = Pin<Box<dyn Future<Output = Result<B>>>>;

/// Reads a body's text, and makes of it, or of why there is none, what a handler asks for.
fn reading<B: 'static>(
    (req, payload): (&HttpRequest, &mut Payload),
    limit: usize,
    made: impl FnOnce(Result<String>) -> B + 'static,
) -> Reading<B> {
    let mut payload = std::mem::replace(payload, Payload::None);
    let req = req.clone();
    Box::pin(async move { Ok(made(text_of(&req, &mut payload, limit).await)) })
}

impl<T: DeserializeOwned + 'static, const LIMIT: usize> FromRequest for JsonBody<T, LIMIT> {
    type Error = Error;
    type Future = Reading<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        reading((req, payload), LIMIT, |text| {
            Self(text.and_then(|text| from_object(&cleaned(&text)?)))
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonList<T> {
    type Error = Error;
    type Future = Reading<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // What is nested too deep costs no other element.
        reading((req, payload), REPORT_LIMIT, |text| {
            Self(text.and_then(|text| from_text(&mended(&text).0)))
        })
    }
}

impl FromRequest for JsonElements {
    type Error = Error;
    type Future = Reading<Self>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        reading((req, payload), REPORT_LIMIT, |text| {
            Self(text.map(|text| mended(&text).0.into_owned()))
        })
    }
}

/// What every refusal says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refusal {
    /// What is wrong, and what to do.
    pub detail: String,
}

/// One of several values; `null` means any.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub struct AnyOf<T> {
    /// The values, 200 at most.
    #[serde(default = "Option::default")]
    #[schema(max_items = 200)]
    any_: Option<Vec<T>>,
}

impl<T> AnyOf<T> {
    /// The values; none for any.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than a query takes (IV-10).
    pub fn values(self) -> Result<Option<Vec<T>>> {
        match self.any_ {
            Some(values) if values.len() > 200 => {
                Err(Error::Invalid("any_ takes 200 values at most.".to_owned()))
            }
            values => Ok(values),
        }
    }
}

impl<T> Default for AnyOf<T> {
    fn default() -> Self {
        Self { any_: None }
    }
}

/// For a field that is an object or null: serde would take the fields of a struct from an array too. With
/// `#[serde(default)]`.
///
/// # Errors
/// What the object's own parsing says.
pub fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

/// For a field of a change that can be absent, null, or a value: the outer `None` is absent. With
/// `#[serde(default)]`.
///
/// # Errors
/// What the value's own parsing says.
pub fn given<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// Texts in one answer together, in characters, at most: an answer is held in memory as a whole.
const TOGETHER: i64 = 64 * 1024 * 1024;

/// Whether texts of such lengths fit into one answer.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check_together(lengths: &[i32]) -> Result<()> {
    if lengths.iter().copied().map(i64::from).sum::<i64>() > TOGETHER {
        return Err(Error::Invalid(format!(
            "That would be more than {} MiB in one answer. Ask for fewer rows at a time (limit).",
            TOGETHER / (1024 * 1024)
        )));
    }
    Ok(())
}

/// Rows in one answer, at most and unless less is wanted.
pub const ROWS: u32 = 200;

/// Rows left out before an answer's, at most: what the int32 of the document holds.
const FURTHEST: u32 = i32::MAX.unsigned_abs();

/// How many rows are wanted, and behind how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows at most.
    pub limit: i64,
    /// Rows left out before them.
    pub offset: i64,
}

impl Window {
    /// The window of a body's two values (IV-10).
    ///
    /// # Errors
    /// [`Error::Invalid`] for more rows than one answer has.
    pub fn of(limit: Option<u32>, offset: Option<u32>) -> Result<Self> {
        let (limit, offset) = (limit.unwrap_or(ROWS), offset.unwrap_or(0));
        if limit > ROWS {
            return Err(Error::Invalid(format!("The limit is {ROWS} at most.")));
        }
        if offset > FURTHEST {
            return Err(Error::Invalid(format!("The offset is {FURTHEST} at most.")));
        }
        Ok(Self { limit: limit.into(), offset: offset.into() })
    }

    /// The window of a page, and the page's number, from 1.
    ///
    /// # Errors
    /// As of [`Window::of`]; [`Error::Invalid`] for no page and no rows.
    pub fn of_page(limit: Option<u32>, page: Option<u32>) -> Result<(Self, i64)> {
        let page = page.unwrap_or(1);
        let rows = limit.unwrap_or(ROWS);
        if page == 0 || rows == 0 {
            return Err(Error::Invalid("page and limit: use 1 or more.".to_owned()));
        }
        let offset = u64::from(page - 1) * u64::from(rows);
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        Ok((Self::of(Some(rows), Some(offset))?, page.into()))
    }
}

/// A moment as RFC 3339 in UTC.
pub fn moment(at: Instant) -> String {
    at.to_string()
}

/// A moment of a body.
///
/// # Errors
/// [`Error::Invalid`] for what is no RFC 3339.
pub fn parse_moment(text: &str) -> Result<Instant> {
    text.parse().map_err(|_| {
        Error::Invalid("A time has to look like 2026-11-23T09:24:11Z (RFC 3339).".to_owned())
    })
}

/// 200 with a value.
pub fn ok(value: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

/// 201 with a value.
pub fn created(value: &impl Serialize) -> HttpResponse {
    HttpResponse::Created().json(value)
}

/// 204.
pub fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// An id of a path; what is no id names nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn path_id<T: std::str::FromStr>(req: &HttpRequest, name: &str) -> Result<T> {
    req.match_info().get(name).and_then(|id| id.parse().ok()).ok_or(Error::NotFound)
}
