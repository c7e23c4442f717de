//! Where themes come from: those in the binary, and the operator's own in a folder.

use std::path::{Path, PathBuf};

use super::file::{self, File};
use super::{Role, Theme, ThemeError};
use crate::tui::home;

/// File and text of each built-in theme; the first is the default.
const BUILT_IN: [(&str, &str); 15] = [
    ("harbor.toml", include_str!("../../../themes/harbor.toml")),
    ("paper.toml", include_str!("../../../themes/paper.toml")),
    ("contrast.toml", include_str!("../../../themes/contrast.toml")),
    ("daylight.toml", include_str!("../../../themes/daylight.toml")),
    ("safe.toml", include_str!("../../../themes/safe.toml")),
    ("mono.toml", include_str!("../../../themes/mono.toml")),
    ("terminal.toml", include_str!("../../../themes/terminal.toml")),
    ("gruvbox.toml", include_str!("../../../themes/gruvbox.toml")),
    ("nord.toml", include_str!("../../../themes/nord.toml")),
    ("dracula.toml", include_str!("../../../themes/dracula.toml")),
    ("solarized-dark.toml", include_str!("../../../themes/solarized-dark.toml")),
    ("solarized-light.toml", include_str!("../../../themes/solarized-light.toml")),
    ("catppuccin.toml", include_str!("../../../themes/catppuccin.toml")),
    ("latte.toml", include_str!("../../../themes/latte.toml")),
    ("tokyo-night.toml", include_str!("../../../themes/tokyo-night.toml")),
];

/// How long a chain of `inherits` may be; also what ends a theme that inherits itself.
const INHERITS_MAX: usize = 4;
/// A larger file is no theme.
const THEME_BYTES_MAX: u64 = 64 * 1024;
/// More than anybody chooses from.
const OWN_MAX: usize = 100;

/// A theme to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// In some words, or what is wrong with it.
    pub(crate) about: String,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    /// The operator's own themes, one a file.
    folder: Option<PathBuf>,
}

/// The built-in names, default first.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().filter_map(|(file, _)| file.strip_suffix(".toml"))
}

impl Shelf {
    /// With `themes` of the operator's own folder.
    pub(crate) fn of_user(variable: impl Fn(&str) -> Option<String>) -> Self {
        Self { folder: home::settings(variable).map(|folder| folder.join("themes")) }
    }

    /// Of a folder.
    #[cfg(test)]
    pub(super) fn of(folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()) }
    }

    /// The built-in ones, then the operator's own by name; broken ones say what is wrong with them.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let built_in = names().map(str::to_owned);
        let entry = |name: String| {
            let about = match self.load(&name) {
                Ok(theme) => theme.about,
                Err(error) => error.to_string(),
            };
            Entry { name, about }
        };
        built_in.chain(self.own_names()).map(entry).collect()
    }

    fn own_names(&self) -> Vec<String> {
        let Some(Ok(files)) = self.folder.as_ref().map(std::fs::read_dir) else {
            // Most operators have none.
            return Vec::new();
        };
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let name = |path: PathBuf| {
            let is_theme = path.extension().is_some_and(|extension| extension == "toml");
            let name = path.file_stem()?.to_str()?.to_owned();
            (is_theme && !names().any(|built_in| built_in == name)).then_some(name)
        };
        let mut own: Vec<String> = paths.filter_map(name).take(OWN_MAX).collect();
        own.sort();
        own
    }

    /// A built-in theme or one of the folder by name, or a file when `name` looks like a path.
    pub(crate) fn load(&self, name: &str) -> Result<Theme, ThemeError> {
        let mut files = vec![self.open(name)?];
        while let Some(parent) = files.last().and_then(|file| file.inherits.clone()) {
            if files.len() == INHERITS_MAX {
                let file = files.swap_remove(0).place;
                return Err(ThemeError::TooDeep { file, most: INHERITS_MAX });
            }
            files.push(self.open(&parent)?);
        }
        let mut paints = [super::paint::Paint::Rgb(super::paint::Rgb::default()); Role::ALL.len()];
        for role in Role::ALL {
            paints[role as usize] = file::paint(&files, role)?;
        }
        let File { name, about, .. } = files.swap_remove(0);
        Ok(Theme { name, about, paints })
    }

    fn open(&self, name: &str) -> Result<File, ThemeError> {
        let built_in = BUILT_IN.iter().find(|(file, _)| file.strip_suffix(".toml") == Some(name));
        if let Some((file, text)) = built_in {
            return File::parse(&format!("themes/{file}"), text);
        }
        let extension = Path::new(name).extension();
        let is_path = name.contains('/') || extension.is_some_and(|extension| extension == "toml");
        let own = self.folder.as_ref().map(|folder| folder.join(format!("{name}.toml")));
        let path = match own {
            _ if is_path => PathBuf::from(name),
            Some(path) if path.exists() => path,
            Some(_) | None => return Err(ThemeError::Unknown(name.to_owned())),
        };
        File::parse(&path.display().to_string(), &read(&path)?)
    }
}

fn read(path: &Path) -> Result<String, ThemeError> {
    let failed = |cause: String| ThemeError::Read { path: path.display().to_string(), cause };
    let bytes = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if bytes > THEME_BYTES_MAX {
        return Err(failed(format!("{bytes} bytes is too large for a theme")));
    }
    std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))
}
