//! TCP: accepting, time-outs, back-pressure, and the one sure way to break a
//! connection.

mod accept;
mod stream;
mod valve;

pub(crate) use accept::{Acceptor, bind};
pub(crate) use valve::{Intake, Valve, Valves};
