//! The end of a connection.

use bytes::Bytes;

use super::Task;
use crate::{error::CloseReason, transport::Wire};

impl Task {
    /// Tells everyone, and says goodbye where there is someone to hear it.
    pub(super) async fn finish(mut self, reason: CloseReason) {
        self.commands.close();
        let polite = !matches!(
            reason,
            CloseReason::TransportClosed | CloseReason::PingTimeout | CloseReason::WriteTimeout
        );
        let local = reason == CloseReason::Local;
        if local {
            // What was taken is still written. Callers who wait for an answer
            // to it hear at once that there will be none.
            while let Some(command) = self.commands.try_recv() {
                self.put(command);
            }
            for goodbye in self.machine.leave_all() {
                self.wire.text(goodbye);
            }
        }
        let Self {
            wire,
            commands,
            seats,
            acks,
            fences,
            settings,
            ..
        } = self;
        drop((commands, acks, fences));
        let end = |seats: Vec<_>| {
            for seat in seats {
                super::Seat::end(seat, reason.clone());
            }
        };
        if local {
            // Whoever awaits the end of a close awaits the goodbye, and may then exit.
            wire.goodbye(settings.close_timeout).await;
            end(seats);
        } else {
            end(seats);
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
