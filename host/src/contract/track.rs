//! The track of an interface: the versions of it that stand for each other.
//!
//! As the component model has it: from 1.0.0 on those of one major version, before of one minor version, and before 0.1.0,
//! or with a pre-release, that version alone.

#[cfg(test)]
mod tests;

/// What all compatible versions of the interface `name` have in common: `shop:cart/cart@1` for `shop:cart/cart@1.2.3`.
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
