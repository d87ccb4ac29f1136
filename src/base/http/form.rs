//! Forms: what was typed, what is wrong with it, and the two tokens that every form carries.

use std::future::Future;
use std::pin::Pin;

use actix_session::SessionExt;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::prelude::*;
use serde::de::DeserializeOwned;
use subtle::ConstantTimeEq;

use super::body;
use super::session::{ROW_ID, SIGNED_IN};
use crate::base::app::App;
use crate::base::context::Context;
use crate::base::db::ids::{FormTokenId, SessionId};
use crate::base::db::schema::form_tokens;
use crate::base::db::{Db, Id, Instant, on_each_backend};
use crate::base::error::{Error, Result};
use crate::base::random;
use crate::base::secret::{Purpose, mask, unmask};

/// What the template shows: the value as typed and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Name and id of the input.
    pub name: &'static str,
    /// As typed; never of a password.
    pub value: String,
    /// A sentence on what is wrong and what to do.
    pub problem: Option<String>,
}

impl Field {
    /// A field with a value.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), problem: None }
    }

    /// An empty field.
    pub fn empty(name: &'static str) -> Self {
        Self::new(name, "")
    }

    /// The field with a problem.
    #[must_use]
    pub fn with_problem(mut self, problem: impl Into<String>) -> Self {
        self.problem = Some(problem.into());
        self
    }

    /// Parses the value; a refusal becomes the field's problem.
    pub fn parse<T>(&mut self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        match parse(&self.value) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problem = Some(problem);
                None
            }
        }
    }
}

/// What a form token is worth when it is used.
#[derive(Debug, PartialEq, Eq)]
pub enum Use {
    /// This is the first time.
    First,
    /// The form was sent before, and led here; the address, where there is one.
    Again(Option<String>),
}

/// A form that was sent from one of our own pages: its token fitted.
pub struct Form<T> {
    /// What was typed.
    pub fields: T,
    /// The one-use token.
    pub once: FormTokenId,
}

impl<T: DeserializeOwned + 'static> Form<T> {
    async fn read(req: HttpRequest, mut payload: Payload) -> Result<Self> {
        let app = req.app_data::<web::Data<App>>().ok_or_else(|| Error::internal("no App"))?;
        let bytes = body::read(&req, &mut payload, body::FORM_LIMIT).await?;
        if !body::is_type(&req, "application/x-www-form-urlencoded") {
            return Err(Error::UnsupportedMediaType("Send the form as the page does.".to_owned()));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Error::BadRequest("The form is not UTF-8.".to_owned()))?;
        let mut csrf = Vec::new();
        let mut once = Vec::new();
        let mut rest = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            match name.as_ref() {
                "csrf" => csrf.push(value.into_owned()),
                "once" => once.push(value.into_owned()),
                _ => {
                    if value.contains('\0') {
                        return Err(Error::Invalid("The form holds a NUL character.".to_owned()));
                    }
                    rest.append_pair(&name, &value);
                }
            }
        }
        let expected = form_code(&req, &app.context, false);
        let fits = match csrf.as_slice() {
            [token] => unmask(token).is_some_and(|code| code.ct_eq(&expected).into()),
            _ => false,
        };
        if !fits {
            return Err(Error::StaleForm);
        }
        let [once] = once.as_slice() else {
            return Err(Error::BadRequest(
                "The form’s token is missing. Reload the page.".to_owned(),
            ));
        };
        let once = once.parse().map_err(|_| {
            Error::BadRequest("The form’s token is damaged. Reload the page.".to_owned())
        })?;
        let fields = serde_html_form::from_str(&rest.finish()).map_err(|error| {
            tracing::info!(error.cause = %error, "form refused");
            Error::Invalid(
                "The form has a field twice, or one that does not belong to it. Reload the page \
                 and send it again."
                    .to_owned(),
            )
        })?;
        Ok(Self { fields, once })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = std::mem::replace(payload, Payload::None);
        Box::pin(Self::read(req.clone(), payload))
    }
}

/// The two tokens of a form that is yet to be sent, for its hidden fields.
pub struct Tokens {
    /// Ties the form to the browser.
    pub csrf: String,
    /// For one use.
    pub once: FormTokenId,
}

impl Tokens {
    /// Fresh ones for whoever sent `req`.
    pub fn new(req: &HttpRequest, context: &Context) -> Self {
        Self { csrf: mask(&form_code(req, context, true)), once: Id::new(context.now()) }
    }
}

/// A visitor without a session got a form: this cookie ties the form to the browser.
pub struct NewVisitorCookie(pub Cookie<'static>);

/// The name of that cookie.
fn visitor_cookie_name(is_https: bool) -> &'static str {
    if is_https { "__Host-bulkhead-form" } else { "bulkhead-form" }
}

/// The code that stands for this browser, as its form tokens carry it (SP-18): from the
/// session's id, or from a random cookie of a visitor, which `may_set` allows to be made.
pub fn form_code(req: &HttpRequest, context: &Context, may_set: bool) -> [u8; 32] {
    let session = req.get_session();
    if let Ok(Some(row)) = session.get::<SessionId>(ROW_ID)
        && session.contains_key(SIGNED_IN)
    {
        return context.keys.code(Purpose::FormOfSession, row.uuid().as_bytes());
    }
    let is_https = context.settings.is_https();
    let name = visitor_cookie_name(is_https);
    let known = req.cookie(name).map(|cookie| cookie.value().to_owned());
    let fresh = req.extensions().get::<NewVisitorCookie>().map(|new| new.0.value().to_owned());
    let value = if let Some(value) = known.filter(|value| value.len() == 22).or(fresh) {
        value
    } else {
        let value = URL_SAFE_NO_PAD.encode(random::bytes::<16>());
        if may_set {
            let cookie = Cookie::build(name, value.clone())
                .path("/")
                .http_only(true)
                .secure(is_https)
                .same_site(SameSite::Lax)
                .finish();
            req.extensions_mut().insert(NewVisitorCookie(cookie));
        }
        value
    };
    context.keys.code(Purpose::FormOfVisitor, value.as_bytes())
}

/// A form without fields: a button.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {}

/// Uses a form's token, inside the transaction of what the form does; `location` is where a second
/// use of the same form leads.
pub fn use_once(
    db: &mut Db,
    once: FormTokenId,
    location: Option<&str>,
    now: Instant,
) -> Result<Use> {
    let inserted = on_each_backend!(db, |conn| diesel::insert_into(form_tokens::table)
        .values((
            form_tokens::id.eq(once),
            form_tokens::location.eq(location),
            form_tokens::used_at.eq(now),
        ))
        .on_conflict(form_tokens::id)
        .do_nothing()
        .execute(conn))?;
    if inserted == 1 {
        return Ok(Use::First);
    }
    Ok(Use::Again(led_to(db, once)?))
}

/// Where the first use of a form's token led; `None` where it was not used yet, or led nowhere.
pub fn led_to(db: &mut Db, once: FormTokenId) -> Result<Option<String>> {
    let location = form_tokens::table
        .find(once)
        .select(form_tokens::location)
        .first::<Option<String>>(db)
        .optional()?;
    Ok(location.flatten())
}

/// Takes the use of a form's token back, where the form was refused after all: it may be corrected
/// and sent again.
pub fn unuse(db: &mut Db, once: FormTokenId) -> Result<()> {
    diesel::delete(form_tokens::table.find(once)).execute(db)?;
    Ok(())
}

/// As [`use_once`], for what has no place to lead to: a second use is refused.
///
/// # Errors
/// [`Error::Conflict`] on a second use.
pub fn only_once(db: &mut Db, once: FormTokenId, now: Instant) -> Result<()> {
    match use_once(db, once, None, now)? {
        Use::First => Ok(()),
        Use::Again(_) => Err(Error::Conflict(
            "This form was sent twice, and the first time counted. Open the page again to see how \
             things are."
                .to_owned(),
        )),
    }
}

/// Removes the tokens of forms used before `before`, some at a time; returns how many.
pub fn forget_tokens(db: &mut Db, before: Instant) -> Result<usize> {
    let old: Vec<FormTokenId> = form_tokens::table
        .filter(form_tokens::used_at.lt(before))
        .order(form_tokens::used_at)
        .limit(1000)
        .select(form_tokens::id)
        .load(db)?;
    Ok(diesel::delete(form_tokens::table.filter(form_tokens::id.eq_any(old))).execute(db)?)
}
