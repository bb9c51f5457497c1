//! `switchyard wit`: writes a contract, and all that it uses, as the toolchains of components read it.

use std::fs;
use std::path::{Path, PathBuf};

use super::contracts;
use crate::cli::arguments::Wit;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::contract::{NamedPackage, Sources, World, needed_packages};

pub(in crate::cli) fn run(command: &Wit) -> Outcome {
    let wit = contracts::folder(command.wit.as_deref(), &command.manifest)?;
    let (_contracts, world) = contracts::world(&wit, &command.contract, None)?;
    let sources = Sources::read(&wit).map_err(contracts::unreadable)?;
    let packages = needed_packages(&sources, &world.package()).map_err(contracts::unreadable)?;
    let mut lines = Vec::new();
    for package in &packages {
        lines.push(format!("wrote {}", write_package(&command.out, package)?.display()));
    }
    let path = command.out.join("world.wit");
    // The author has changed it, perhaps.
    if path.exists() {
        lines.push(format!("kept  {}", path.display()));
    } else {
        write(&path, &component_world(&world))?;
        lines.push(format!(
            "wrote {}: the world `component` of your component; the file is yours to edit",
            path.display()
        ));
    }
    Ok(lines.join("\n"))
}

/// Writes the files of a package into a folder of its own below `deps`, and gives the folder.
fn write_package(out: &Path, package: &NamedPackage) -> Result<PathBuf, Failure> {
    let folder = out.join("deps").join(package.name.replace([':', '@'], "-"));
    fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, error))?;
    for (name, text) in &package.files {
        write(&folder.join(name), text)?;
    }
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Failure {
    Failure::new(Kind::Usage, anyhow::Error::new(error).context(format!("cannot write {}", path.display())))
}

/// A world for the component: that of the contract, and the exports that a component may add.
fn component_world(world: &World) -> String {
    let package = world.package();
    let name = package.split([':', '@']).nth(1).unwrap_or(&package);
    let state = world.state.as_ref().map(|state| {
        format!(
            "
    // All data in the form of the contract, for handovers between implementations. Uncomment it when you implement it.
    // export {};
",
            state.name
        )
    });
    format!(
        "package local:{name};

world component {{
    include {};

    // The format of your data. Without it, the component runs only on an empty store, or on data that only components
    // without a format have written. Uncomment it when you implement it.
    // export switchyard:service/migration@0.1.0;
{}}}
",
        world.name,
        state.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests;
