//! Items that may exist only once: a route, `authenticate`, the exporter of an interface that a service calls.

use std::collections::HashMap;
use std::sync::Arc;

use super::mistake::{ContractError, Fault, Mistake};
use crate::contract::types::{Function, Method, Reach, World};
use crate::names::ServiceName;

/// The one path that the gateway itself always answers.
const OPENAPI_PATH: &str = "/openapi.json";

/// A function that the host serves, and its readable name.
#[derive(Debug)]
pub(in crate::contract) struct Served<'a> {
    pub(in crate::contract) place: String,
    pub(in crate::contract) function: &'a Function,
}

/// Finds two functions on one route, a route of the host, and `authenticate` on two functions; each with the index of
/// the later one in `served`.
pub(in crate::contract) fn clashes(served: &[Served<'_>]) -> Vec<(usize, Fault)> {
    let mut routes: HashMap<(Method, String), &str> = HashMap::new();
    let mut authenticates: Option<&str> = None;
    let mut faults = Vec::new();
    for (index, Served { place, function }) in served.iter().enumerate() {
        match &function.reach {
            Reach::Http(route) => {
                let text = format!("{} {}", route.method, route.path);
                if route.method == Method::Get && route.path == OPENAPI_PATH {
                    faults.push((index, Fault::RouteOfHost { route: text }));
                } else if let Some(other) = routes.get(&(route.method, route.shape())) {
                    faults.push((index, Fault::RouteTwice { route: text, other: (*other).into() }));
                } else {
                    routes.insert((route.method, route.shape()), place);
                }
            }
            Reach::Authenticate => match authenticates {
                Some(other) => faults.push((index, Fault::AuthenticateTwice { other: other.into() })),
                None => authenticates = Some(place),
            },
            Reach::Read | Reach::Event { .. } | Reach::Every(_) | Reach::Internal | Reach::Export | Reach::Import => {}
        }
    }
    faults
}

/// Checks for mistakes that show only if these services run in one host: a route or `authenticate` twice, an interface
/// that two services export and another one calls, a mount that covers a route.
///
/// # Errors
///
/// [`ContractError::Mistakes`] with all of them.
pub fn check_together(
    services: &[(ServiceName, Arc<World>)],
    mounts: &[(ServiceName, String)],
) -> Result<(), ContractError> {
    let served: Vec<_> = services
        .iter()
        .flat_map(|(name, world)| world.exports.iter().map(move |interface| (name, interface)))
        .flat_map(|(name, interface)| interface.functions.iter().map(move |function| (name, function)))
        .map(|(name, function)| Served { place: format!("service {name} · {}", place(function)), function })
        .collect();
    let mut mistakes: Vec<_> = clashes(&served)
        .into_iter()
        .filter_map(|(index, fault)| Some(Mistake::new(None, served.get(index)?.place.clone(), fault)))
        .collect();
    mistakes.extend(doubtful_exports(services));
    mistakes.extend(mounts.iter().filter_map(|(name, mount)| mounted_over(name, mount, &served)));
    match mistakes.is_empty() {
        true => Ok(()),
        false => Err(ContractError::Mistakes { mistakes }),
    }
}

fn doubtful_exports(services: &[(ServiceName, Arc<World>)]) -> Vec<Mistake> {
    let mut exporters: HashMap<&str, &ServiceName> = HashMap::new();
    let mut mistakes = Vec::new();
    for (name, world) in services {
        for interface in world.exports.iter().filter(|interface| interface.is_called()) {
            let Some(other) = exporters.insert(&interface.name, name) else { continue };
            let calls = |world: &World| world.imports.iter().any(|import| import.name == interface.name);
            if let Some((importer, _)) = services.iter().find(|(_, world)| calls(world)) {
                let (other, importer) = (format!("service {other}"), format!("service {importer}"));
                let fault = Fault::ExportTwice { interface: interface.name.to_string(), other, importer };
                mistakes.push(Mistake::new(None, format!("service {name}"), fault));
            }
        }
    }
    mistakes
}

/// The first route that the service `name` would cover if it is mounted at `mount`. A mount at `/` covers no route: it
/// gets only the requests that match none.
fn mounted_over(name: &ServiceName, mount: &str, served: &[Served<'_>]) -> Option<Mistake> {
    let segments = |path: &str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let prefix = segments(mount);
    let is_over = |route: &str| {
        let route = segments(route);
        let same = |(part, own): (&String, &String)| part == own || part.starts_with('{');
        !prefix.is_empty() && route.len() >= prefix.len() && route.iter().zip(&prefix).all(same)
    };
    let routes = served.iter().filter_map(|one| match &one.function.reach {
        Reach::Http(route) => Some((route.path.as_str(), one.place.as_str())),
        _ => None,
    });
    let (route, other) = routes.chain([(OPENAPI_PATH, "the host itself")]).find(|(route, _)| is_over(route))?;
    let fault = Fault::MountOverRoute { mount: mount.into(), route: route.into(), other: other.into() };
    Some(Mistake::new(None, format!("service {name}"), fault))
}

/// The readable name of a function.
pub(in crate::contract) fn place(function: &Function) -> String {
    format!("{} · {}", function.interface, function.name.wit)
}
