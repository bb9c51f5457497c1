//! Lists with weights, as in `Accept` and `Accept-Encoding`: `gzip;q=0.5, *`.

#[cfg(test)]
mod tests;

/// In thousandths: 1,000 is preferred, 0 is not accepted.
pub(in crate::gateway) type Weight = u16;

pub(in crate::gateway) const WEIGHT_MAX: Weight = 1_000;

/// The items of a list, each with its weight. An item with a malformed weight is left out.
pub(in crate::gateway) fn weighted(list: &str) -> impl Iterator<Item = (&str, Weight)> {
    list.split(',').filter_map(|item| {
        let mut pieces = item.split(';').map(str::trim);
        let name = pieces.next().filter(|name| !name.is_empty())?;
        let quality = pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")));
        Some((name, quality.map_or(Some(WEIGHT_MAX), weight)?))
    })
}

/// Parses `0` or `1` with up to three decimals; at most 1.
fn weight(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse::<Weight>().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(WEIGHT_MAX),
        _ => None,
    }
}
