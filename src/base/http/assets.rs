//! The files of `static/`: embedded, under a path that changes with their content, compressed once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header::{self, CacheControl, CacheDirective, ContentEncoding};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

use crate::base::error::{Error, Result};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

struct Asset {
    mime: &'static str,
    plain: web::Bytes,
    brotli: OnceLock<Option<web::Bytes>>,
}

impl Asset {
    /// Compressed when it is first asked for.
    fn brotli(&self) -> Option<&web::Bytes> {
        let compressed = || if self.mime == "font/woff2" { None } else { compress(&self.plain) };
        self.brotli.get_or_init(compressed).as_ref()
    }
}

struct Assets {
    version: String,
    files: HashMap<String, Asset>,
}

fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

/// Brotli; `None` when it saves nothing. At quality 5 its tables take 1 MiB; at 9 they take 32 MiB a file, which
/// the process keeps, and what the first visit loads is no 2% smaller.
fn compress(bytes: &[u8]) -> Option<web::Bytes> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 5, 18);
    writer.write_all(bytes).ok()?;
    drop(writer);
    (out.len() < bytes.len()).then(|| out.into())
}

fn assets() -> &'static Assets {
    static ASSETS: OnceLock<Assets> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let mut names: Vec<String> = Files::iter().map(Into::into).collect();
        names.sort_unstable();
        let mut all = Vec::new();
        let mut files = HashMap::new();
        for name in names {
            let Some(file) = Files::get(&name) else { continue };
            all.extend_from_slice(&file.metadata.sha256_hash());
            let plain = web::Bytes::from(file.data.into_owned());
            let asset = Asset { mime: mime(&name), plain, brotli: OnceLock::new() };
            files.insert(name, asset);
        }
        let version = crate::base::secret::sha256(&all)
            .iter()
            .take(8)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let version = format!("{version:016x}");
        Assets { version, files }
    })
}

/// The address of a file: one version for all of them, so that the stylesheet's relative font
/// address is right too.
pub fn path(name: &str) -> String {
    format!("/static/{}/{name}", assets().version)
}

/// `GET /static/{version}/{name}`
///
/// # Errors
/// [`Error::NotFound`] for a file that is not there.
pub async fn serve(req: HttpRequest, path: web::Path<(String, String)>) -> Result<HttpResponse> {
    let (version, name) = path.into_inner();
    let asset = assets().files.get(&name).ok_or(Error::NotFound)?;
    // A page of an older build may still ask under its version: give it the file, but let nobody
    // keep it under a name that is not its own.
    let caching = if version == assets().version {
        vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(31_536_000),
            CacheDirective::Extension("immutable".to_owned(), None),
        ]
    } else {
        vec![CacheDirective::NoCache]
    };
    let takes_brotli = req
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(',').any(|part| part.trim().starts_with("br")));
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, asset.mime))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header(CacheControl(caching));
    let brotli = if takes_brotli { asset.brotli() } else { None };
    Ok(match brotli {
        Some(brotli) => response.insert_header(ContentEncoding::Brotli).body(brotli.clone()),
        _ => response.insert_header(ContentEncoding::Identity).body(asset.plain.clone()),
    })
}
