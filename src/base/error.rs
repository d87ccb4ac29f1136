//! Everything a request can end in, apart from success. One type, shown as a page or as JSON.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use diesel::result::{DatabaseErrorKind, Error as QueryError};
use serde_json::json;

/// The result of anything that can end in an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything a request can end in, apart from success. `Display` is the sentence that the user
/// reads; the cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session, no key, or one that does not count any more: 303 to sign-in, 401 on the API.
    #[error("Sign in to continue.")]
    SignInRequired,
    /// The address is not confirmed yet (AU-15): 303 to the verify page, 403 on the API.
    #[error("Confirm your email address first.")]
    VerificationRequired,
    /// The last proof of identity is too old (AU-17): 303 to re-authentication.
    #[error("Confirm that it is you to continue.")]
    ReauthenticationRequired,
    /// An organization asks its people for a second factor, and this one has none; its name.
    #[error(
        "{0} asks everybody in it for two-factor authentication. Turn it on for your account first."
    )]
    SecondFactorRequired(String),
    /// May be seen, but not done; says what is needed.
    #[error("{0}")]
    Forbidden(String),
    /// Does not exist, or may not be seen: both look the same.
    #[error("The page was moved or deleted, or you have no access to it.")]
    NotFound,
    /// An address of the API that this version lacks, in a sentence for whoever reads what a client prints: 404.
    #[error("{0}")]
    Absent(String),
    /// It is elsewhere now; the path of the new place.
    #[error("This moved to {0}.")]
    Moved(String),
    /// The request cannot be understood or breaks a rule that no form field shows: 422.
    #[error("{0}")]
    Invalid(String),
    /// The request is malformed: 400.
    #[error("{0}")]
    BadRequest(String),
    /// It was there, and is over for good: 410.
    #[error("{0}")]
    Gone(String),
    /// It contradicts what is there: 409.
    #[error("{0}")]
    Conflict(String),
    /// The address exists, the method does not: 405 with `Allow`.
    #[error("This address does not take that kind of request.")]
    MethodNotAllowed(Vec<Method>),
    /// The body did not arrive in time: 408.
    #[error("The request took too long to arrive. Send it again.")]
    TooSlow,
    /// All slots of a limit are taken; why, and seconds until it makes sense to ask again: 423.
    #[error("{0}")]
    Locked(String, f64),
    /// The form was opened too long ago, or before whoever sends it signed in: 403.
    #[error(
        "This form is no longer valid: it was opened long ago, or before you signed in. Open the page again and send it from there."
    )]
    StaleForm,
    /// The address is longer than the limit, in bytes: 414.
    #[error("This address is longer than {0} characters. Use a shorter one.")]
    AddressTooLong(usize),
    /// The head of the request is larger than the limit: 431.
    #[error("The head of that request is more than this server takes: 16 KiB.")]
    HeadTooLarge,
    /// The body is larger than the limit: 413.
    #[error("That is more than this server takes in one request.")]
    TooLarge,
    /// A content type that is not taken: 415.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Addressed to a host that this server is not: 421.
    #[error("This server does not answer under that name.")]
    Misdirected,
    /// Too many tries; whole seconds until the next one makes sense: 429.
    #[error("Too many attempts. Try again in {}.", wait_text(*.0))]
    TooMany(u64),
    /// The database or another part is away or busy; nothing was changed: 503.
    #[error("The server is busy. Nothing was changed; try again in a moment.")]
    Unavailable,
    /// Our fault; the cause goes to the log.
    #[error(
        "Something went wrong on our side. Nothing was changed. Try again; if it happens again, tell whoever runs this server."
    )]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Seconds in words, rounded up.
fn wait_text(seconds: u64) -> String {
    match seconds {
        0..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

impl Error {
    /// An [`Error::Internal`] from any cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// Seconds for a `Retry-After` header, where there is one.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::TooMany(seconds) => Some((*seconds).max(1)),
            Self::Unavailable => Some(2),
            _ => None,
        }
    }

    /// Adds the headers that belong to this error (`Retry-After`, `Allow`).
    pub fn add_headers(&self, response: &mut HttpResponse) {
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self {
            Self::MethodNotAllowed(methods) => {
                let allow: Vec<&str> = methods.iter().map(Method::as_str).collect();
                if let Ok(value) = HeaderValue::from_str(&allow.join(", ")) {
                    headers.insert(header::ALLOW, value);
                }
            }
            Self::Locked(_, seconds) => {
                // The client reads a number with a fraction, by which those who wait are kept apart (Prefect 3.8).
                if let Ok(value) = HeaderValue::from_str(&format!("{seconds:.3}")) {
                    headers.insert(header::RETRY_AFTER, value);
                }
            }
            Self::TooSlow => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignInRequired => StatusCode::UNAUTHORIZED,
            Self::VerificationRequired
            | Self::ReauthenticationRequired
            | Self::SecondFactorRequired(_)
            | Self::StaleForm
            | Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Moved(_) => StatusCode::PERMANENT_REDIRECT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Gone(_) => StatusCode::GONE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Locked(..) => StatusCode::LOCKED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::AddressTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The error as the API shows it; the web scope turns it into a page.
    fn error_response(&self) -> HttpResponse {
        let detail = match self {
            Self::SignInRequired => {
                "A valid API key is needed, as in “Authorization: Bearer pnu_…”.".to_owned()
            }
            Self::NotFound => "Not Found".to_owned(),
            error => error.to_string(),
        };
        let body = match self {
            // The client's commands read what is wrong from `exception_detail` (Prefect 3.8).
            Self::Invalid(_) => json!({
                "detail": detail,
                "exception_message": "Invalid request received.",
                "exception_detail": [{ "type": "value_error", "loc": ["body"], "msg": detail }],
            }),
            _ => json!({ "detail": detail }),
        };
        let mut response = HttpResponse::build(self.status_code()).json(body);
        if matches!(self, Self::SignInRequired) {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Self::Moved(to) = self
            && let Ok(value) = HeaderValue::from_str(to)
        {
            response.headers_mut().insert(header::LOCATION, value);
        }
        self.add_headers(&mut response);
        response
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match &error {
            QueryError::NotFound => Self::NotFound,
            QueryError::DatabaseError(kind, info) => match kind {
                DatabaseErrorKind::UniqueViolation => {
                    Self::Conflict("That exists already. Reload the page and try again.".to_owned())
                }
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ReadOnlyTransaction
                | DatabaseErrorKind::UnableToSendCommand => unavailable(&error),
                // diesel has no kind for "busy", "full" and "cancelled"; the message tells.
                _ if is_passing(info.message()) => unavailable(&error),
                _ => Self::internal(error),
            },
            QueryError::BrokenTransactionManager => unavailable(&error),
            _ => Self::internal(error),
        }
    }
}

fn unavailable(cause: &QueryError) -> Error {
    tracing::warn!(error.cause = %cause, "database unavailable");
    Error::Unavailable
}

/// Whether a database's message names a fault that passes by itself or through the operator:
/// locks, a full disk, a server that stops, a statement that took too long.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 13] = [
        "database is locked",
        "database table is locked",
        "database or disk is full",
        "disk I/O error",
        "readonly database",
        "unable to open database file",
        "deadlock detected",
        "canceling statement",
        "terminating connection",
        "server closed the connection",
        "connection to server",
        "no space left on device",
        "could not extend file",
    ];
    let message = message.to_lowercase();
    PASSING.iter().any(|known| message.contains(&known.to_lowercase()))
        || message.contains("could not receive data")
        || message.contains("no connection to the server")
}

impl From<r2d2::Error> for Error {
    fn from(error: r2d2::Error) -> Self {
        tracing::warn!(error.cause = %error, "no database connection");
        Self::Unavailable
    }
}
