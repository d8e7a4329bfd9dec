//! The end of a connection.

use std::{future::poll_fn, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::{sync::oneshot, time::timeout};
use tokio_tungstenite::tungstenite::Message;

use super::Task;
use crate::{
    error::CloseReason,
    event::Ending,
    transport::{Reader, Writer},
};

impl Task {
    /// Tells everyone, and says goodbye where there is someone to hear it.
    pub(super) async fn finish(self, reason: CloseReason, ending: oneshot::Sender<Ending>) {
        let Self {
            mut reader,
            mut writer,
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
                    push(&mut writer, command.text, command.attachments);
                }
                writer.push(Message::text(self.socket.leave()));
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
            farewell(&mut reader, &mut writer, settings.close_timeout).await;
            let _ = ending.send(ending_now);
        } else {
            let _ = ending.send(ending_now);
            if polite {
                farewell(&mut reader, &mut writer, settings.close_timeout).await;
            }
        }
    }
}

/// Queues a packet with its attachments.
pub(super) fn push(writer: &mut Writer, text: String, attachments: Vec<Bytes>) {
    writer.push(Message::text(text));
    attachments
        .into_iter()
        .for_each(|part| writer.push(Message::Binary(part)));
}

/// Writes what is left and the close frame, and waits for the other side's, within
/// `limit`. What else arrives is dropped: nobody is there for it any more.
async fn farewell(reader: &mut Reader, writer: &mut Writer, limit: Duration) {
    writer.push(Message::Close(None));
    let closing = async {
        loop {
            tokio::select! {
                frame = reader.next() => if !matches!(frame, Some(Ok(_))) {
                    return;
                },
                () = poll_fn(|cx| writer.poll_drain(cx)), if writer.busy() => {}
            }
        }
    };
    if timeout(limit, closing).await.is_err() {
        tracing::debug!("the goodbye took too long");
    }
}
