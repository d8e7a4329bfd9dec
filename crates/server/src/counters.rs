//! What was refused or ignored, counted: see [`crate::metrics`].

pub(crate) use crate::metrics::Counts;
pub(crate) use crate::metrics::Metrics as Counters;
