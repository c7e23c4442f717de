//! `nginx.conf` as our configuration: what it serves, passes on and how.
//!
//! The rules are nginx's own: the innermost block that has a directive counts, locations are found in
//! its order, a path after `proxy_pass` replaces what was matched. Rules that shut people out and have no
//! equal are never left out with a warning alone: such a route answers 403. Conditions
//! (`if`) without an equal are, unless they shut people out, and it is said.

mod client;
mod content;
mod engine;
mod guards;
mod headers;
mod known;
mod leads;
mod lines;
mod listen;
mod logs;
mod media;
mod mirrors;
mod names;
mod passing;
mod paths;
mod replies;
mod scope;
mod server;
pub(crate) mod stead;
mod steps;
mod streams;
mod tables;
#[cfg(test)]
mod tests;
mod tls;
mod tree;
mod upstreams;
mod values;
mod words;

use std::path::Path;
use std::rc::Rc;

use self::scope::{Remarks, Scope};
use self::server::Site;
use self::tree::{Directive, Reader};
use self::upstreams::Upstreams;
use super::page::Page;
use super::{Mistakes, Place, Translation, files};

/// Reads the file and what it includes. `prefix`: where relative paths of files that are served
/// begin; without it, the file's folder.
pub(crate) fn translate(path: &Path, prefix: Option<&Path>) -> Result<Translation, Mistakes> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let file: Rc<Path> = Rc::from(absolute);
    let whole = Place { file: Rc::clone(&file), line: 0 };
    let text = files::read(&file).map_err(|error| Mistakes(vec![whole.remark(error)]))?;
    let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
    let prefix = prefix.map_or_else(|| folder.clone(), Path::to_owned);
    finish(Reader::new(&folder), &file, &text, &prefix)
}

/// What holds for any bytes: no panic, and what is translated is TOML.
#[cfg(any(test, fuzzing))]
pub(crate) fn holds_for(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains("include") {
        return;
    }
    let folder = Path::new("/nowhere");
    let file: Rc<Path> = Rc::from(folder.join("nginx.conf"));
    if let Ok(translation) = finish(Reader::new(folder), &file, &text, folder) {
        let parsed = ::toml::from_str::<::toml::Table>(&translation.toml);
        assert!(parsed.is_ok(), "{parsed:?}: {}", translation.toml);
        let _ours_to_judge = crate::config::parse(&translation.toml, "translated");
    }
}

fn finish(
    mut reader: Reader,
    file: &Rc<Path>,
    text: &str,
    prefix: &Path,
) -> Result<Translation, Mistakes> {
    let main = reader.read(file, text);
    let mut remarks = Remarks { warnings: reader.warnings, mistakes: reader.mistakes };
    let whole = Place { file: Rc::clone(file), line: 0 };
    let paths = Paths::new(file, prefix);
    let toml = write(&main, &whole, &paths, &mut remarks);
    known::remark(&main, &[], &mut remarks);
    settle(toml, remarks)
}

/// Where relative paths begin.
#[derive(Debug)]
struct Paths {
    /// Of what is served and written.
    prefix: String,
    /// Of certificates, as of what is included: beside the first file.
    folder: String,
    /// Of the engine, when it stands in for nginx.
    pid_file: Option<String>,
}

impl Paths {
    fn new(file: &Path, prefix: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new("/"));
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Self { prefix: text(prefix), folder: text(folder), pid_file: None }
    }
}

fn settle(toml: String, remarks: Remarks) -> Result<Translation, Mistakes> {
    let Remarks { mut warnings, mut mistakes } = remarks;
    super::sort(&mut warnings);
    super::sort(&mut mistakes);
    if mistakes.is_empty() { Ok(Translation { toml, warnings }) } else { Err(Mistakes(mistakes)) }
}

fn write(main: &[Directive], whole: &Place, paths: &Paths, remarks: &mut Remarks) -> String {
    let mut page = Page::default();
    page.comment(&format!("From {whole}, by `pilothouse import nginx`."));
    page.comment(
        "Requests and answers pass as they come, without `proxy_buffering`; backends learn",
    );
    page.comment(
        "of the client by X-Forwarded-For and X-Forwarded-Proto; a folder asked for without its",
    );
    page.comment(
        "slash is redirected by path alone, without the host. X-Accel-Redirect and its like are",
    );
    page.comment("nobody's order: clients do not see them.");
    let blocks = |name: &'static str| main.iter().filter(move |it| it.name == name);
    let http: Vec<Directive> = blocks("http").flat_map(|block| block.inner().to_vec()).collect();
    engine::write((main, &http), paths.pid_file.as_deref(), (whole, &mut page), remarks);
    let scope = Scope::new(main).within(&http);
    let own = tables::write(&http, &mut page, remarks);
    let mut upstreams = Upstreams::read(&http, &own, remarks);
    let servers: Vec<&Directive> = http.iter().filter(|it| it.name == "server").collect();
    let defaults = listen::defaults(&servers);
    let zones = guards::Zones::write((&http, &own), &mut page, remarks);
    let names = names::Names::read(&servers, remarks);
    let multiplexed = listen::multiplexed(&servers, &scope, remarks);
    let mut site = Site {
        http: &scope,
        upstreams: &mut upstreams,
        zones: &zones,
        names: &names,
        own: &own,
        multiplexed: &multiplexed,
        paths,
        remarks,
    };
    for server in &servers {
        site.write(server, &defaults, &mut page);
    }
    let streams: Vec<Directive> =
        blocks("stream").flat_map(|block| block.inner().to_vec()).collect();
    upstreams.add(&streams, remarks);
    streams::write(&streams, &paths.folder, &mut upstreams, &mut page, remarks);
    upstreams.write(&mut page, remarks);
    page.text()
}
