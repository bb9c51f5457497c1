//! The WIT files of a folder, parsed and resolved against one another. Nothing is downloaded.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wit_parser::{Resolve, SourceMap, Span};

use super::mistake::ContractError;
use crate::contract::host::is_host;
use crate::names::Digest;

/// How many levels below the contracts' folder to search for packages.
const FOLDER_DEPTH_MAX: usize = 4;

/// The files of one package: path and text each.
pub(in crate::contract) type Package = Vec<(String, String)>;

/// The texts of a folder of contracts. They are stored so that the same contracts can be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    pub(in crate::contract) packages: Vec<Package>,
}

impl Sources {
    /// Reads the packages in subfolders of `wit`; the names of the folders do not matter.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or there is none.
    pub fn read(wit: &Path) -> Result<Self, ContractError> {
        Ok(Self { packages: packages(wit)? })
    }

    /// Builds the sources from paths and texts that were read elsewhere. The files of one folder form a package.
    #[must_use]
    pub fn of_files(files: Vec<(String, String)>) -> Self {
        let mut packages: Vec<(PathBuf, Package)> = Vec::new();
        for (path, text) in files {
            let folder = Path::new(&path).parent().map(Path::to_path_buf).unwrap_or_default();
            match packages.iter_mut().find(|(known, _)| *known == folder) {
                Some((_, package)) => package.push((path, text)),
                None => packages.push((folder, vec![(path, text)])),
            }
        }
        Self { packages: packages.into_iter().map(|(_, package)| package).collect() }
    }

    /// These packages, and those of `others` that are not among them.
    #[must_use]
    pub fn with_new_packages(mut self, others: Self) -> Self {
        let known: Vec<_> = self.packages.iter().filter_map(package_name).map(str::to_owned).collect();
        let is_new = |package: &Package| package_name(package).is_none_or(|name| known.iter().all(|one| one != name));
        self.packages.extend(others.packages.into_iter().filter(is_new));
        self
    }

    /// The digest of the texts, independent of their folder.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        for package in &self.packages {
            bytes.extend_from_slice(&(package.len() as u64).to_be_bytes());
            for (_path, text) in package {
                bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
        }
        Digest::of(&bytes)
    }
}

/// The name and version in the declaration of a package, such as `shop:cart@1.0.0`.
fn package_name(package: &Package) -> Option<&str> {
    let mut lines = package.iter().flat_map(|(_, text)| text.lines());
    lines.find_map(|line| Some(line.trim_start().strip_prefix("package ")?.trim_end_matches(';').trim()))
}

/// The packages under `wit`: each folder that holds `.wit` files is one.
fn packages(wit: &Path) -> Result<Vec<Package>, ContractError> {
    let mut packages = Vec::new();
    collect(wit, 0, &mut packages)?;
    match packages.is_empty() {
        true => Err(ContractError::Empty { path: wit.into() }),
        false => Ok(packages),
    }
}

/// The files of all packages under `wit`: the path of each relative to `wit`, and its text.
///
/// # Errors
///
/// If a file cannot be read, or there is none.
pub fn wit_files(wit: &Path) -> Result<Vec<(String, String)>, ContractError> {
    let below = |path: String| match Path::new(&path).strip_prefix(wit) {
        Ok(below) => below.display().to_string(),
        Err(_) => path,
    };
    Ok(packages(wit)?.into_iter().flatten().map(|(path, text)| (below(path), text)).collect())
}

fn collect(folder: &Path, depth: usize, packages: &mut Vec<Package>) -> Result<(), ContractError> {
    let failed = |path: &Path| {
        let path = PathBuf::from(path);
        |source| ContractError::Read { path, source }
    };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed(folder))?;
    let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let mut package = Package::new();
    for path in paths {
        if path.is_dir() {
            if depth < FOLDER_DEPTH_MAX {
                collect(&path, depth + 1, packages)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "wit") {
            let text = fs::read_to_string(&path).map_err(failed(&path))?;
            package.push((path.display().to_string(), text));
        }
    }
    if !package.is_empty() {
        packages.push(package);
    }
    Ok(())
}

/// One package by its name, and its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPackage {
    /// Such as `shop:types@1.0.0`.
    pub name: String,
    /// The name and the text of each file.
    pub files: Vec<(String, String)>,
}

/// The packages that an author needs for the worlds of the package `root`: that one, all that it uses, and the host's own.
///
/// # Errors
///
/// If a file is not WIT.
pub fn needed_packages(sources: &Sources, root: &str) -> Result<Vec<NamedPackage>, ContractError> {
    let mut known = Vec::new();
    for files in &sources.packages {
        let (name, uses) = names(files)?;
        known.push((name, uses, files));
    }
    let mut needed: BTreeSet<&str> =
        known.iter().map(|(name, ..)| name.as_str()).filter(|name| is_host(name)).collect();
    needed.insert(root);
    // As often as there are packages, so that the last in a chain of uses is found.
    for _ in &known {
        let used = known.iter().filter(|(name, ..)| needed.contains(name.as_str())).flat_map(|(_, uses, _)| uses);
        needed = used.map(String::as_str).chain(needed.iter().copied()).collect();
    }
    let file = |(path, text): &(String, String)| {
        let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        (name.unwrap_or_default(), text.clone())
    };
    let found = known.iter().filter(|(name, ..)| needed.contains(name.as_str()));
    Ok(found
        .map(|(name, _, files)| NamedPackage { name: name.clone(), files: files.iter().map(file).collect() })
        .collect())
}

/// The name of a package, and the names of those that it uses.
fn names(files: &Package) -> Result<(String, Vec<String>), ContractError> {
    let mut map = SourceMap::new();
    for (path, text) in files {
        map.push_str(path, text.as_str());
    }
    let group = map.parse().map_err(|(map, error)| ContractError::Wit { texts: vec![error.render(&map)] })?;
    let uses = group.main.foreign_deps.keys().map(ToString::to_string).collect();
    Ok((group.main.name.to_string(), uses))
}

/// Parses every package and resolves them, each after the packages that it uses.
///
/// # Errors
///
/// [`ContractError::Wit`] with every file that is not WIT, or with the first unknown name.
pub(in crate::contract) fn resolve(packages: Vec<Package>) -> Result<Resolve, ContractError> {
    let (mut groups, mut texts) = (Vec::new(), Vec::new());
    for package in packages {
        let mut map = SourceMap::new();
        for (path, text) in package {
            map.push_str(&path, text);
        }
        match map.parse() {
            Ok(group) => groups.push(group),
            Err((map, error)) => texts.push(error.render(&map)),
        }
    }
    if !texts.is_empty() {
        return Err(ContractError::Wit { texts });
    }
    let mut resolve = Resolve::new();
    let Some(last) = groups.pop() else { return Ok(resolve) };
    match resolve.push_groups(last, groups) {
        Ok(_) => Ok(resolve),
        Err(error) => {
            let text = resolve.render_error(&anyhow::Error::from(error));
            Err(ContractError::Wit { texts: vec![text] })
        }
    }
}

/// File and line of a span, in the form that editors understand.
pub(in crate::contract) fn at(resolve: &Resolve, span: Span) -> Option<String> {
    let place = span.is_known().then(|| resolve.render_location(span))?;
    Some(place.rsplit_once(':').map_or(place.clone(), |(line, _column)| line.to_owned()))
}
