//! The track of an interface: the versions of it that stand for each other.
//!
//! As the component model has it: from 1.0.0 on those of one major version, before of one minor version, and before 0.1.0,
//! or with a pre-release, that version alone.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compatible_versions_have_one_track() {
        let check = |name: &str, expected: &str| assert_eq!(track(name), expected, "{name}");
        check("a:b/c@1.2.3", "a:b/c@1");
        check("a:b/c@12.0.0", "a:b/c@12");
        check("a:b/c@0.2.9", "a:b/c@0.2");
        check("a:b/c@0.0.9", "a:b/c@0.0.9");
        check("a:b/c@1.2.3-rc1", "a:b/c@1.2.3-rc1");
        check("a:b/c@1.2.3+build.1", "a:b/c@1");
        check("a:b/c@1", "a:b/c@1");
        check("a:b/c", "a:b/c");
        check("", "");
    }
}
