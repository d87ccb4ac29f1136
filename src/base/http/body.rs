//! Request bodies: a size and a deadline for each, since actix has no deadline of its own for slow
//! bodies (security.md §1.1).

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::base::error::{Error, Result};

/// A whole body has this long to arrive (CF-06).
pub const DEADLINE: Duration = Duration::from_secs(15);

/// The largest form, in bytes (CF-06).
pub const FORM_LIMIT: usize = 64 * 1024;

/// Reads a whole body.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::TooSlow`], [`Error::UnsupportedMediaType`] for a compressed one
/// (IV-16), [`Error::BadRequest`] when the connection breaks off.
pub async fn read(req: &HttpRequest, payload: &mut Payload, limit: usize) -> Result<Bytes> {
    if req.headers().contains_key("content-encoding") {
        return Err(Error::UnsupportedMediaType("Send the body uncompressed.".to_owned()));
    }
    let announced = req
        .headers()
        .get("content-length")
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    if announced > limit {
        return Err(Error::TooLarge);
    }
    let mut payload = match payload {
        Payload::None => return Ok(Bytes::new()),
        _ => std::mem::replace(payload, Payload::None),
    };
    let everything = async {
        let mut body = BytesMut::with_capacity(announced);
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| {
                Error::BadRequest("The request broke off. Send it again.".to_owned())
            })?;
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    timeout(DEADLINE, everything).await.map_err(|_| Error::TooSlow)?
}

/// Whether the body says that it is of this media type.
pub fn is_type(req: &HttpRequest, expected: &str) -> bool {
    req.content_type().eq_ignore_ascii_case(expected)
}
