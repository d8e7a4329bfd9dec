//! Which numbers of what the generator says are shown, and how.

/// One number of what the generator says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    pub(crate) label: &'static str,
    /// Where it is in the JSON.
    pub(crate) pointer: &'static str,
    pub(crate) form: Form,
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Count,
    Millis,
    Seconds,
    /// KiB, shown as MiB.
    Mebibytes,
    Kibibytes,
    /// A share of a core.
    Cores,
}

impl Metric {
    const fn new(label: &'static str, pointer: &'static str, form: Form) -> Self {
        Self {
            label,
            pointer,
            form,
        }
    }
}

const SERVER_CORE: Metric = Metric::new("core of the server", "/cores/server", Form::Cores);
const LOAD_CORE: Metric = Metric::new("core of the load", "/cores/load", Form::Cores);

pub(crate) const SATURATION: &[Metric] = &[
    Metric::new("messages/s", "/per_second", Form::Count),
    Metric::new("p50", "/latency/p50", Form::Millis),
    SERVER_CORE,
    LOAD_CORE,
];
pub(crate) const PACED: &[Metric] = &[
    Metric::new("p50", "/latency/p50", Form::Millis),
    Metric::new("p99", "/latency/p99", Form::Millis),
    SERVER_CORE,
    LOAD_CORE,
];
pub(crate) const DURABLE: &[Metric] = &[
    Metric::new("messages/s", "/per_second", Form::Count),
    Metric::new("ack p50", "/ack/p50", Form::Millis),
    Metric::new("ack p99", "/ack/p99", Form::Millis),
    Metric::new("delivery p50", "/latency/p50", Form::Millis),
    Metric::new("delivery p99", "/latency/p99", Form::Millis),
    SERVER_CORE,
    LOAD_CORE,
];
pub(crate) const CONNECT: &[Metric] = &[
    Metric::new("p50", "/latency/p50", Form::Millis),
    Metric::new("p99", "/latency/p99", Form::Millis),
    Metric::new("people in `users`", "/users", Form::Count),
    SERVER_CORE,
    LOAD_CORE,
];
pub(crate) const STORM: &[Metric] = &[
    Metric::new("all have `users`", "/seconds", Form::Seconds),
    Metric::new("all know of all", "/settled", Form::Seconds),
    Metric::new("peak memory", "/after/peak", Form::Mebibytes),
    Metric::new("memory after", "/after/now", Form::Mebibytes),
    Metric::new("connections lost", "/lost", Form::Count),
    SERVER_CORE,
    LOAD_CORE,
];
pub(crate) const IDLE: &[Metric] = &[
    Metric::new("a connection", "/per_connection", Form::Kibibytes),
    Metric::new("memory before", "/before/now", Form::Mebibytes),
    Metric::new("memory after", "/after/now", Form::Mebibytes),
];
pub(crate) const HISTORY: &[Metric] = &[
    Metric::new("nothing stored, p50", "/empty/latency/p50", Form::Millis),
    Metric::new("whose they are, p50", "/owner/latency/p50", Form::Millis),
    Metric::new("somebody else, p50", "/bystander/latency/p50", Form::Millis),
    Metric::new("bytes for whose they are", "/owner/bytes", Form::Count),
];
