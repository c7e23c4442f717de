//! What a folder without an index is shown as, read and written by a helper thread.

use std::ffi::CString;
use std::io;
use std::sync::Arc;

use super::search::Folder;
use crate::config::limits;
use crate::config::model::files::Listing;
use crate::http::listing::{self, Item, Kind};
use crate::sys;
use crate::sys::file::Patience;

/// The page of the folder at `path`, which requests know as `uri`. Of a folder that holds too much,
/// some is left out.
pub(crate) async fn read(
    folder: &Arc<Folder>,
    path: &[u8],
    uri: Vec<u8>,
    form: Listing,
) -> io::Result<Vec<u8>> {
    let folder = Arc::clone(folder);
    let path = CString::new(path)?;
    let job = tokio::task::spawn_blocking(move || {
        let opened = sys::file::open(&path, folder.root.len(), folder.links, Patience::Disk)?;
        let entries = sys::entries::entries(opened, folder.links, limits::FILES_LISTED_MAX)?;
        let mut items: Vec<Item> = entries
            .into_iter()
            .map(|(name, stamp)| Item {
                name,
                kind: match stamp.kind {
                    sys::file::Kind::File => Kind::File,
                    sys::file::Kind::Folder => Kind::Folder,
                    sys::file::Kind::Other => Kind::Other,
                },
                bytes: stamp.bytes,
                modified_s: stamp.modified.0,
            })
            .collect();
        listing::sort(&mut items);
        Ok(match form {
            Listing::Html => listing::html(&uri, &items),
            Listing::Json => listing::json(&items),
        })
    });
    job.await.map_err(io::Error::other)?
}
