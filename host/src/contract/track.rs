//! The track of an interface: the versions of it that match each other.
//!
//! As in the component model: from 1.0.0 on, all versions with one major number; from 0.1.0 on, all with one minor
//! number; before that, or with a pre-release, only that version.
//! or with a pre-release, that version alone.

#[cfg(test)]
mod tests;

/// The common part of all compatible versions of the interface `name`: `shop:cart/cart@1` for `shop:cart/cart@1.2.3`.
#[must_use]
pub fn track(name: &str) -> &str {
    let Some((plain, version)) = name.split_once('@') else { return name };
    if version.contains('-') {
        return name;
    }
    let places = version.split('+').next().unwrap_or_default().split('.').collect::<Vec<_>>();
    let places = match places.as_slice() {
        ["0", "0", _] => return name,
        ["0", minor, _] => 2 + minor.len(),
        [major, _, _] => major.len(),
        _ => return name,
    };
    name.get(..plain.len() + 1 + places).unwrap_or(name)
}
