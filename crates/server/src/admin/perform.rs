//! Commands on their way to the hub, written down.

use super::{AdminAnswer, AdminCommand};
use crate::{
    audit::{Audit, Entry},
    hub::HubHandle,
};

/// Has the hub do `command`, and writes into the audit log that it did. Of a
/// command that asks for page after page, the first one counts.
pub(crate) async fn perform(hub: &HubHandle, audit: &Audit, command: AdminCommand) -> AdminAnswer {
    let action = command.action();
    let user = command.user().cloned();
    let continues = command.continues();
    let answer = hub.admin(command).await;
    if !continues {
        let done = !matches!(answer, AdminAnswer::Refused { .. });
        audit.record(Entry::Admin { action, user, done });
    }
    answer
}
