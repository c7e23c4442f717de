//! Paths of the file system that nginx makes of a place: `$document_root` and `$request_filename`, in
//! words that are known here.

use super::scope::Scope;

/// What the variables stand for, as nginx would write it.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    root: String,
    /// `None`: there are no words for it.
    file: Option<String>,
}

/// Of a place. `exact`: the whole path of a location that has just that.
pub(super) fn of(scope: &Scope<'_>, is_exact: bool, prefix: &str) -> Placed {
    let absolute = |path: &str| {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{prefix}/{path}") };
        path.trim_end_matches('/').to_owned()
    };
    if let Some(alias) = scope.own("alias").next() {
        let root = absolute(alias.argument(0).unwrap_or_default());
        // Of all others it is what follows the location's own path.
        let file = is_exact.then(|| root.clone());
        return Placed { root, file };
    }
    let root = absolute(scope.word("root").map_or("html", |(root, _)| root));
    let file = Some(format!("{root}${{uri}}"));
    Placed { root, file }
}

impl Placed {
    /// A path with these variables replaced; an error says which one can not be.
    pub(super) fn resolve(&self, path: &str) -> Result<String, String> {
        let path = replaced(path, "document_root", &self.root);
        match &self.file {
            Some(file) => Ok(replaced(&path, "request_filename", file)),
            None if replaced(&path, "request_filename", "") == path => Ok(path),
            None => Err("there are no words for `$request_filename` of this `alias`".to_owned()),
        }
    }
}

fn replaced(text: &str, name: &str, value: &str) -> String {
    let text = text.replace(&format!("${{{name}}}"), value);
    let bare = format!("${name}");
    let mut written = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(&bare) {
        let after = &rest[at + bare.len()..];
        let is_whole = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        written.push_str(&rest[..at]);
        written.push_str(if is_whole { value } else { &bare });
        rest = after;
    }
    written.push_str(rest);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_whole() {
        let placed = Placed { root: "/srv".to_owned(), file: Some("/srv${uri}".to_owned()) };
        for (path, expected) in [
            ("$document_root/x.html", "/srv/x.html"),
            ("${document_root}x", "/srvx"),
            ("$document_rooted/$request_filename.gz", "$document_rooted//srv${uri}.gz"),
            ("/etc$request_filename$document_root", "/etc/srv${uri}/srv"),
        ] {
            assert_eq!(placed.resolve(path).as_deref(), Ok(expected));
        }
        let placed = Placed { file: None, ..placed };
        assert!(placed.resolve("$request_filename").is_err());
        assert_eq!(placed.resolve("$document_root").as_deref(), Ok("/srv"));
    }
}
