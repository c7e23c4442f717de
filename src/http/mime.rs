//! Types of files by the ends of their names.
//!
//! The registered types (IANA's list), and nginx's words for what is not registered.

/// A longer end of a name is none that is known.
const EXTENSION_BYTES_MAX: usize = 16;

/// In place of an end of a name: every one that is not among the file's own.
pub(crate) const OTHERS: &str = "*";

/// Sorted by extension.
const TYPES: &[(&str, &str)] = &[
    ("3gp", "video/3gpp"),
    ("3gpp", "video/3gpp"),
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("ai", "application/postscript"),
    ("apk", "application/vnd.android.package-archive"),
    ("apng", "image/apng"),
    ("asf", "video/x-ms-asf"),
    ("asx", "video/x-ms-asf"),
    ("atom", "application/atom+xml"),
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("bin", "application/octet-stream"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("cco", "application/x-cocoa"),
    ("conf", "text/plain"),
    ("crt", "application/x-x509-ca-cert"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("deb", "application/octet-stream"),
    ("der", "application/x-x509-ca-cert"),
    ("dll", "application/octet-stream"),
    ("dmg", "application/octet-stream"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("ear", "application/java-archive"),
    ("eot", "application/vnd.ms-fontobject"),
    ("eps", "application/postscript"),
    ("epub", "application/epub+zip"),
    ("exe", "application/octet-stream"),
    ("flac", "audio/flac"),
    ("flv", "video/x-flv"),
    ("geojson", "application/geo+json"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("hqx", "application/mac-binhex40"),
    ("htc", "text/x-component"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ico", "image/x-icon"),
    ("ics", "text/calendar"),
    ("img", "application/octet-stream"),
    ("ini", "text/plain"),
    ("iso", "application/octet-stream"),
    ("jad", "text/vnd.sun.j2me.app-descriptor"),
    ("jar", "application/java-archive"),
    ("jardiff", "application/x-java-archive-diff"),
    ("jng", "image/x-jng"),
    ("jnlp", "application/x-java-jnlp-file"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("kar", "audio/midi"),
    ("kml", "application/vnd.google-earth.kml+xml"),
    ("kmz", "application/vnd.google-earth.kmz"),
    ("log", "text/plain"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/x-m4a"),
    ("m4v", "video/x-m4v"),
    ("map", "application/json"),
    ("markdown", "text/markdown"),
    ("md", "text/markdown"),
    ("md5", "text/plain"),
    ("mid", "audio/midi"),
    ("midi", "audio/midi"),
    ("mjs", "text/javascript"),
    ("mkv", "video/x-matroska"),
    ("mml", "text/mathml"),
    ("mng", "video/x-mng"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpeg"),
    ("msi", "application/octet-stream"),
    ("msm", "application/octet-stream"),
    ("msp", "application/octet-stream"),
    ("odg", "application/vnd.oasis.opendocument.graphics"),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdb", "application/x-pilot"),
    ("pdf", "application/pdf"),
    ("pem", "application/x-x509-ca-cert"),
    ("pl", "application/x-perl"),
    ("pm", "application/x-perl"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("prc", "application/x-pilot"),
    ("ps", "application/postscript"),
    ("ra", "audio/x-realaudio"),
    ("rar", "application/x-rar-compressed"),
    ("rpm", "application/x-redhat-package-manager"),
    ("rss", "application/rss+xml"),
    ("rtf", "application/rtf"),
    ("run", "application/x-makeself"),
    ("sea", "application/x-sea"),
    ("sh", "application/x-sh"),
    ("sha256", "text/plain"),
    ("shtml", "text/html"),
    ("sit", "application/x-stuffit"),
    ("sqlite", "application/vnd.sqlite3"),
    ("svg", "image/svg+xml"),
    ("svgz", "image/svg+xml"),
    ("swf", "application/x-shockwave-flash"),
    ("tar", "application/x-tar"),
    ("tcl", "application/x-tcl"),
    ("text", "text/plain"),
    ("tgz", "application/gzip"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("tk", "application/x-tcl"),
    ("toml", "application/toml"),
    ("ts", "video/mp2t"),
    ("ttc", "font/collection"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain"),
    ("vcf", "text/vcard"),
    ("vtt", "text/vtt"),
    ("war", "application/java-archive"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("wbmp", "image/vnd.wap.wbmp"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("wml", "text/vnd.wap.wml"),
    ("wmlc", "application/vnd.wap.wmlc"),
    ("wmv", "video/x-ms-wmv"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "text/xml"),
    ("xpi", "application/x-xpinstall"),
    ("xsl", "application/xslt+xml"),
    ("xslt", "application/xslt+xml"),
    ("xspf", "application/xspf+xml"),
    ("xz", "application/x-xz"),
    ("yaml", "text/yaml"),
    ("yml", "text/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// The type of a file by its name, by `own` before the table. `own` is sorted, its extensions in
/// lower case; `None`: neither knows it.
pub(crate) fn of<'t>(name: &[u8], own: &'t [(String, String)]) -> Option<&'t str> {
    let mut lower = [0; EXTENSION_BYTES_MAX];
    let extension = extension(name)?;
    let own_of = |end: &[u8]| {
        let at = own.binary_search_by(|(known, _)| known.as_bytes().cmp(end)).ok()?;
        Some(own[at].1.as_str())
    };
    let Some(lower) = lower.get_mut(..extension.len()) else { return own_of(OTHERS.as_bytes()) };
    lower.copy_from_slice(extension);
    lower.make_ascii_lowercase();
    own_of(lower).or_else(|| own_of(OTHERS.as_bytes())).or_else(|| known(lower))
}

/// By an end of names in lower case.
pub(crate) fn known(extension: &[u8]) -> Option<&'static str> {
    let at = TYPES.binary_search_by(|(known, _)| known.as_bytes().cmp(extension)).ok()?;
    Some(TYPES[at].1)
}

/// What follows the last dot of the last segment.
fn extension(name: &[u8]) -> Option<&[u8]> {
    let dot = name.iter().rposition(|byte| matches!(byte, b'.' | b'/'))?;
    let extension = &name[dot + 1..];
    (name[dot] == b'.' && !extension.is_empty()).then_some(extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_in_lower_case() {
        assert!(TYPES.is_sorted_by(|(one, _), (other, _)| one < other));
        for (extension, of_type) in TYPES {
            assert!(extension.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()));
            assert!(extension.len() <= EXTENSION_BYTES_MAX && of_type.contains('/'));
        }
    }

    #[test]
    fn a_name_has_the_type_of_its_end() {
        let own = [("foo".to_owned(), "text/x-foo".to_owned()), ("html".into(), "x/y".into())];
        for (name, expected) in [
            ("a.css", Some("text/css")),
            ("A.CSS", Some("text/css")),
            ("a.tar.gz", Some("application/gzip")),
            ("a.foo", Some("text/x-foo")),
            ("a.html", Some("x/y")),
            ("a", None),
            ("a.", None),
            ("/srv/site.css/a", None),
            ("a.an-end-that-is-far-too-long", None),
            ("", None),
        ] {
            assert_eq!(of(name.as_bytes(), &own), expected, "{name}");
        }
        let only = [(OTHERS.to_owned(), "x/others".to_owned()), ("md".into(), "x/md".into())];
        for (name, expected) in [
            ("a.md", Some("x/md")),
            ("a.html", Some("x/others")),
            ("a.an-end-that-is-far-too-long", Some("x/others")),
            ("a", None),
        ] {
            assert_eq!(of(name.as_bytes(), &only), expected, "{name}");
        }
    }
}
