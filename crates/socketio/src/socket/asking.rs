//! What is answered: questions, and fences.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Socket;
use crate::{
    ack::{Answer, Asked},
    arguments::Arguments,
    command::{Command, Expect},
    error::{AckError, EmitError},
    fence::{self, FenceAnswer},
};

impl Socket {
    /// Queues an event and waits for the server's answer. `timeout` is for both
    /// together. An answer that comes later is ignored.
    ///
    /// # Errors
    /// There is no answer. Whether the event arrived is known only where
    /// [`AckError::Emit`] says that it was not even taken.
    pub async fn emit_with_ack(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
        timeout: Duration,
    ) -> Result<Answer, AckError> {
        self.emit_with_ack_and_attachments(event, args, Vec::new(), timeout)
            .await
    }

    /// As [`Self::emit_with_ack`], with binary attachments where the arguments hold
    /// a [`Placeholder`](crate::Placeholder).
    ///
    /// # Errors
    /// As [`Self::emit_with_ack`].
    pub async fn emit_with_ack_and_attachments(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
        attachments: Vec<Bytes>,
        timeout: Duration,
    ) -> Result<Answer, AckError> {
        let id = self.shared.connection.number_question();
        let (caller, answer) = oneshot::channel();
        let expect = Expect::Answer { id, caller };
        let command = self.event(event, args, Some(id), attachments, expect)?;
        let ask = async {
            let _turn = self
                .shared
                .connection
                .callers
                .acquire()
                .await
                .map_err(|_| AckError::Closed)?;
            self.queue(command).await?;
            answer.await.map_err(|_| AckError::Closed)
        };
        tokio::time::timeout(timeout, ask)
            .await
            .unwrap_or(Err(AckError::TimedOut))
    }

    /// Queues an event without waiting, and leaves the answer to be waited for:
    /// the order is that of the calls.
    ///
    /// # Errors
    /// As [`Self::try_emit`], or too many answers are waited for
    /// ([`Limits::acks`](crate::Limits::acks)). Nothing was sent.
    pub fn try_ask(
        &self,
        event: &str,
        args: &(impl Arguments + ?Sized),
    ) -> Result<Asked, EmitError> {
        let turn = Arc::clone(&self.shared.connection.callers)
            .try_acquire_owned()
            .map_err(|_| EmitError::Full)?;
        let id = self.shared.connection.number_question();
        let (caller, answer) = oneshot::channel();
        let expect = Expect::Answer { id, caller };
        self.try_queue(self.event(event, args, Some(id), Vec::new(), expect)?)?;
        Ok(Asked { answer, turn })
    }

    /// Asks for proof that everything queued before has arrived: the receiver
    /// gets the answer, or an error when the connection closes first. It has no
    /// time-out: a server that does not know of namespaces never answers.
    ///
    /// # Errors
    /// The fence was not sent: the queue is full, too many fences are unanswered
    /// ([`Limits::fences`](crate::Limits::fences)), or the connection is closed.
    pub fn try_fence(&self) -> Result<oneshot::Receiver<FenceAnswer>, EmitError> {
        let permit = self.fence_permit()?;
        let number = self.shared.connection.number_fence();
        let (caller, answer) = oneshot::channel();
        self.try_queue(Command {
            space: self.shared.space,
            text: fence::raise(number),
            attachments: Vec::new(),
            expect: Expect::Fence {
                number,
                pending: fence::Pending { caller, permit },
            },
        })?;
        Ok(answer)
    }

    fn fence_permit(&self) -> Result<OwnedSemaphorePermit, EmitError> {
        Arc::clone(&self.shared.connection.fences)
            .try_acquire_owned()
            .map_err(|_| EmitError::Full)
    }
}
