//! Reads a host's `/metrics`.

use anyhow::Context as _;

use crate::load::{Connection, request};

/// All series at one moment, in the text format of Prometheus.
pub(crate) struct Metrics(String);

/// A distribution: how often each value was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    /// Sorted by bound, each with the count of values within it.
    buckets: Vec<(f64, f64)>,
}

impl Metrics {
    /// Requests it from the operator's API.
    pub(crate) async fn read(operator: &mut Connection) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        request(&mut bytes, "GET", "/metrics", None, None);
        let answer = operator.send(&bytes).await?;
        Ok(Self(String::from_utf8_lossy(answer.body).into_owned()))
    }

    /// The value of `series`: a name, with its labels in braces if there are any.
    pub(crate) fn value(&self, series: &str) -> anyhow::Result<f64> {
        let value = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.with_context(|| format!("the metrics have {series}"))?.parse().context("a metric is a number")
    }

    /// The distribution of the series with `labels`, which must not be empty.
    pub(crate) fn histogram(&self, name: &str, labels: &str) -> anyhow::Result<Histogram> {
        let value = |part: &str| self.value(&format!("{name}_{part}{{{labels}}}"));
        let begin = format!("{name}_bucket{{{labels},le=\"");
        let bucket = |line: &str| {
            let (bound, count) = line.strip_prefix(&begin)?.split_once("\"} ")?;
            Some((bound.parse().ok()?, count.parse().ok()?))
        };
        Ok(Histogram {
            count: value("count")?,
            sum: value("sum")?,
            buckets: self.0.lines().filter_map(bucket).collect(),
        })
    }

    /// Syncs of the journal so far.
    pub(crate) fn journal_syncs(&self) -> anyhow::Result<f64> {
        self.value("switchyard_journal_sync_seconds_count")
    }
}

impl Histogram {
    /// The distribution since `earlier` was read.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let before = earlier.buckets.iter().map(|(_, count)| *count).chain(std::iter::repeat(0.0));
        let buckets = self.buckets.iter().zip(before).map(|((bound, count), before)| (*bound, count - before));
        Self { count: self.count - earlier.count, sum: self.sum - earlier.sum, buckets: buckets.collect() }
    }

    /// The lowest bound that a `share` (0 to 1) of the values did not exceed; `None` beyond the last bound.
    pub(crate) fn within(&self, share: f64) -> Option<f64> {
        let (bound, _) = self.buckets.iter().find(|(_, count)| *count >= self.count * share)?;
        bound.is_finite().then_some(*bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_read_and_taken_from_a_later_one() {
        let text = |counts: [u32; 3], sum: f64| {
            let [first, second, all] = counts;
            let other = "seconds_bucket{from=\"b\",le=\"1\"} 99\nseconds_count{from=\"b\"} 99\n";
            let buckets = [("1", first), ("2.5", second), ("+Inf", all)]
                .map(|(bound, count)| format!("seconds_bucket{{from=\"a\",le=\"{bound}\"}} {count}\n"));
            format!("{other}{}seconds_sum{{from=\"a\"}} {sum}\nseconds_count{{from=\"a\"}} {all}\n", buckets.concat())
        };
        let read = |counts, sum| Metrics(text(counts, sum)).histogram("seconds", "from=\"a\"").expect("it is there");
        let (earlier, later) = (read([1, 5, 5], 6.0), read([1, 9, 10], 20.0));
        assert_eq!((earlier.within(0.2), earlier.within(0.5), earlier.within(1.0)), (Some(1.0), Some(2.5), Some(2.5)));
        let since = later.since(&earlier);
        assert_eq!((since.count, since.sum), (5.0, 14.0));
        assert_eq!((since.within(0.5), since.within(1.0)), (Some(2.5), None));
        assert!(Metrics(text([0; 3], 0.0)).histogram("seconds", "from=\"c\"").is_err());
    }
}
