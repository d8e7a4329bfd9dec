//! Prometheus' text format, version 0.0.4.

use std::fmt::Write as _;

use super::histogram::Histogram;

/// A page in the making. Writing to a String cannot fail, so what `write!`
/// answers is dropped throughout.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// What only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "counter");
        let _ = writeln!(self.0, "parlour_{name} {value}");
    }

    /// What goes up and down.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        let _ = writeln!(self.0, "parlour_{name} {value}");
    }

    /// The same quantity by one label.
    pub(super) fn by<'a>(
        &mut self,
        (name, kind): (&str, &str),
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        self.head(name, help, kind);
        for (is, value) in values {
            let _ = writeln!(self.0, "parlour_{name}{{{label}=\"{is}\"}} {value}");
        }
    }

    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        let mut count = 0;
        for (bound, up_to) in histogram.buckets() {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            let _ = writeln!(self.0, "parlour_{name}_bucket{{le=\"{bound}\"}} {up_to}");
            count = up_to;
        }
        let _ = writeln!(self.0, "parlour_{name}_sum {}", histogram.sum());
        let _ = writeln!(self.0, "parlour_{name}_count {count}");
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        let _ = writeln!(self.0, "# HELP parlour_{name} {help}");
        let _ = writeln!(self.0, "# TYPE parlour_{name} {kind}");
    }
}
