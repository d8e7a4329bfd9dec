//! The end of a connection.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::Task;
use crate::{error::CloseReason, event::Ending, transport::Wire};

impl Task {
    /// Tells everyone, and says goodbye where there is someone to hear it.
    pub(super) async fn finish(self, reason: CloseReason, ending: oneshot::Sender<Ending>) {
        let Self {
            mut wire,
            mut commands,
            events,
            waiting,
            settings,
            ..
        } = self;
        commands.close();
        drop(events);
        let polite = match reason {
            CloseReason::TransportClosed | CloseReason::PingTimeout | CloseReason::WriteTimeout => {
                false
            }
            CloseReason::Local => {
                // What was taken is still written. Callers who wait for an answer
                // to it hear at once that there will be none.
                while let Some(command) = commands.try_recv() {
                    push(&mut wire, command.text, command.attachments);
                }
                wire.text(self.socket.leave());
                true
            }
            _ => true,
        };
        drop((self.acks, self.fences));
        let ending_now = Ending {
            undelivered: waiting,
            reason,
        };
        if ending_now.reason == CloseReason::Local {
            // Whoever awaits the end of a close awaits the goodbye, and may then exit.
            wire.goodbye(settings.close_timeout).await;
            let _ = ending.send(ending_now);
        } else {
            let _ = ending.send(ending_now);
            if polite {
                wire.goodbye(settings.close_timeout).await;
            }
        }
    }
}

/// Queues a packet with its attachments.
pub(super) fn push(wire: &mut Wire, text: String, attachments: Vec<Bytes>) {
    wire.text(text);
    attachments.into_iter().for_each(|part| wire.binary(part));
}
