//! Lines as a file, read some at a time.

use actix_web::web::Bytes;
use futures_util::{Stream, stream};

use super::queries::{self, Log, Of};
use crate::access::WorkspaceId;
use crate::app::App;
use crate::base::db::Db;
use crate::base::error::{Error, Result};

/// Lines read at a time: all that a file holds in memory.
const BATCH: i64 = 100;

/// The lines of a workspace that are meant, the first one first, behind a head; each as `write` writes it.
pub fn lines(
    app: &App,
    (workspace, of): (WorkspaceId, Of),
    head: Vec<u8>,
    write: fn(&Log) -> Result<Vec<u8>>,
) -> impl Stream<Item = Result<Bytes>> + use<> {
    let app = app.clone();
    stream::try_unfold((head, Some(None)), move |(ready, next)| {
        let (app, of) = (app.clone(), of.clone());
        async move {
            if !ready.is_empty() {
                return Ok(Some((Bytes::from(ready), (Vec::new(), next))));
            }
            let Some(place) = next else { return Ok(None) };
            let some = move |db: &mut Db| Ok(queries::after(db, workspace, &of, place, BATCH)?);
            let found = app.db.read(some).await?;
            let Some(last) = found.last() else { return Ok(None) };
            let next = Some(Some((last.at, last.id)));
            let text = found.iter().map(write).collect::<Result<Vec<_>>>()?.concat();
            Ok::<_, Error>(Some((Bytes::from(text), (Vec::new(), next))))
        }
    })
}
