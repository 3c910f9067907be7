//! The text that Prometheus reads, as far as counters and gauges go.

use std::collections::BTreeMap;

/// Samples of one scrape.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Sample>);

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Samples {
    /// Reads a scrape; what is no sample is left out.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(sample).collect())
    }

    /// The sum over every sample of this name with (at least) these labels.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.0
            .iter()
            .filter(|sample| sample.name == name)
            .filter(|sample| {
                labels
                    .iter()
                    .all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value))
            })
            .map(|sample| sample.value)
            .sum()
    }

    /// Every name there is.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.iter().map(|sample| sample.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (head, value) = line.trim_end().rsplit_once(' ')?;
    let (name, labels) = match head.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (head, ""),
    };
    Some(Sample {
        name: name.to_owned(),
        labels: pairs(labels),
        value: value.parse().ok()?,
    })
}

/// `a="b",c="d"`; our own labels hold no quotation marks.
fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split("\",")
        .filter_map(|pair| pair.split_once("=\""))
        .map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_label() {
        let samples =
            Samples::parse("# TYPE a counter\na{x=\"1\",y=\"b,c\"} 2\na{x=\"2\"} 3\nb 4.5\n");
        assert_eq!(samples.sum("a", &[]), 5.0);
        assert_eq!(samples.sum("a", &[("y", "b,c")]), 2.0);
        assert_eq!(samples.sum("b", &[]), 4.5);
        assert_eq!(samples.sum("c", &[]), 0.0);
        assert_eq!(samples.names(), ["a", "b"]);
    }
}
