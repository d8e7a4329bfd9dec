//! The aims themselves.

use super::Better::{Less, More};
use super::{Aim, Better, Measure};
use crate::bench::metrics::Form::{self, Count, Kibibytes, Mebibytes, Millis, Seconds};
use crate::bench::peers::Peer::{self, Memory, Sqlite};

const P50: &str = "/latency/p50";
const P99: &str = "/latency/p99";
const SPEED: &str = "/per_second";

/// In KiB.
const MEGABYTES_100: f64 = 100_000_000.0 / 1024.0;
const MEGABYTES_200: f64 = 200_000_000.0 / 1024.0;

const fn times(
    what: &'static str,
    case: &'static str,
    pointer: &'static str,
    better: Better,
    aim: f64,
) -> Aim {
    let measure = Measure::Times(pointer, better, aim);
    Aim {
        what,
        case,
        measure,
    }
}

const fn at_most(
    what: &'static str,
    case: &'static str,
    peer: Peer,
    pointer: &'static str,
    aim: f64,
    form: Form,
) -> Aim {
    let measure = Measure::AtMost(peer, pointer, aim, form);
    Aim {
        what,
        case,
        measure,
    }
}

pub(super) const AIMS: [Aim; 21] = [
    times(
        "messages/s, 1 outstanding",
        "saturation-1",
        SPEED,
        More,
        4.0,
    ),
    times(
        "messages/s, 16 outstanding",
        "saturation-16",
        SPEED,
        More,
        4.0,
    ),
    times("p99 at 20,000/s", "paced-20000", P99, Less, 20.0),
    times("connect, 1,000 stored", "connect-1000", P50, Less, 10.0),
    times(
        "connect, 10,000 stored (ours lists 5,000)",
        "connect-10000",
        P50,
        Less,
        10.0,
    ),
    times("1,000 at once", "storm-1000", "/settled", Less, 30.0),
    times("2,000 at once", "storm-2000", "/settled", Less, 30.0),
    at_most(
        "10,000 at once",
        "storm-10000",
        Memory,
        "/settled",
        15.0,
        Seconds,
    ),
    at_most(
        "10,000 at once, peak",
        "storm-10000",
        Memory,
        "/after/peak",
        MEGABYTES_200,
        Mebibytes,
    ),
    at_most(
        "an idle connection",
        "idle-1000",
        Memory,
        "/per_connection",
        8.0,
        Kibibytes,
    ),
    at_most(
        "an idle connection of 2,000",
        "idle-2000",
        Memory,
        "/per_connection",
        8.0,
        Kibibytes,
    ),
    at_most(
        "an idle connection of 10,000",
        "idle-10000",
        Memory,
        "/per_connection",
        8.0,
        Kibibytes,
    ),
    at_most(
        "10,000 idle",
        "idle-10000",
        Memory,
        "/after/now",
        MEGABYTES_100,
        Mebibytes,
    ),
    Aim {
        what: "100,000 stored: to somebody else",
        case: "history",
        measure: Measure::Within(Sqlite, "/bystander/latency/p50", "/empty/latency/p50", 1.5),
    },
    at_most(
        "100,000 stored: to whose they are",
        "history",
        Sqlite,
        "/owner/latency/p50",
        1.0,
        Millis,
    ),
    Aim {
        what: "SQLite: messages/s, 16 outstanding",
        case: "durable-16",
        measure: Measure::AtLeast(Sqlite, SPEED, 30_000.0, Count),
    },
    at_most(
        "SQLite: ack p50 at 2,000/s",
        "durable-rate-2000",
        Sqlite,
        "/ack/p50",
        1.0,
        Millis,
    ),
    at_most(
        "SQLite: ack p99 at 2,000/s",
        "durable-rate-2000",
        Sqlite,
        "/ack/p99",
        10.0,
        Millis,
    ),
    at_most(
        "SQLite: ack p50 at 10,000/s",
        "durable-rate-10000",
        Sqlite,
        "/ack/p50",
        1.0,
        Millis,
    ),
    at_most(
        "SQLite: ack p99 at 10,000/s",
        "durable-rate-10000",
        Sqlite,
        "/ack/p99",
        10.0,
        Millis,
    ),
    at_most(
        "SQLite: 10,000 at once",
        "storm-10000",
        Sqlite,
        "/settled",
        15.0,
        Seconds,
    ),
];
