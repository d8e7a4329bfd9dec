//! What proves that our messages arrived, where the server acknowledges nothing:
//! fences, or where those are not answered, the witness.

use std::time::Instant;

use parlour_protocol::UserId;

use super::Engine;
use crate::{
    dialect::Dialect,
    fences::{Fences, Trust},
    outbox::{Flight, Proven},
    store::{Evidence, Pending, StoreError},
    view::Delivery,
};

impl Engine {
    /// At the first `users`: finds out whether this server answers fences, before
    /// there is anything to prove.
    pub(super) fn begin_proving(&mut self) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        let known = self.store.fences_at(&account.server)?;
        if let Some(link) = &mut self.link {
            link.fences = Fences::new(known);
        }
        self.raise_fence();
        self.learned.fences = self.link.as_ref().and_then(|link| link.fences.known());
        Ok(())
    }

    fn raise_fence(&mut self) -> u64 {
        let number = self.outbox.next_fence();
        let now = self.clock.now();
        if let Some(link) = &mut self.link
            && link.fences.is_worth_asking()
        {
            let outcome = link.sender.fence(number);
            link.fences.tried(number, outcome, now);
        }
        number
    }

    /// These were written just now: their proof is to come.
    pub(super) fn prove(&mut self, written: Vec<Pending>) {
        let fence = self.raise_fence();
        let since = self.clock.now();
        let witness = self.witness.number();
        self.outbox
            .written(written.into_iter().map(|message| Flight {
                id: message.id,
                peer: message.peer,
                content: message.content,
                fence,
                since,
                witness,
            }));
    }

    pub(super) fn fence_passed(&mut self, fence: u64) -> Result<(), StoreError> {
        if let Some(link) = &mut self.link {
            link.fences.passed(fence);
        }
        self.keep_news_of_fences()?;
        let ids = self.outbox.fence_passed(fence);
        self.sent(&ids, Evidence::Fence)
    }

    /// The witness heard these, and no other device of ours wrote them.
    pub(super) fn witnessed(&mut self, heard: Vec<(UserId, String)>) -> Result<(), StoreError> {
        let Some(number) = self.witness.number() else {
            return Ok(());
        };
        for (peer, content) in heard {
            let proven: Vec<Proven> = self.outbox.witnessed(&peer, &content, number);
            if proven.is_empty() {
                continue;
            }
            self.witness.proved();
            self.learned.echoes = true;
            for (id, evidence) in proven {
                self.sent(&[id], evidence)?;
            }
        }
        Ok(())
    }

    /// Fences that are due, and messages without a proof.
    pub(super) fn proof_overdue(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if link.fences.time_passed(now) {
            tracing::info!("the server answers no fence");
        }
        let owed = link.fences.is_owed(now);
        let heard = link.echoes.settled(now);
        let dialect = link.dialect;
        if owed {
            self.raise_fence();
        }
        self.keep_news_of_fences()?;
        self.witnessed(heard)?;
        for (id, peer) in self.outbox.overdue(now) {
            let is_me = self.roster.me() == Some(&peer);
            // Where there is a history it will tell, and until then the message is
            // what it was: on its way.
            if !dialect.is_some_and(|dialect| dialect.keeps_messages_with(is_me)) {
                self.set_delivery(id, Delivery::Unsure, Evidence::None)?;
            }
        }
        Ok(())
    }

    /// When [`Engine::proof_overdue`], or [`Engine::may_write`], says something new.
    pub(super) fn proof_deadline(&self) -> Option<Instant> {
        let link = self.link.as_ref()?;
        let fences = link.fences.deadline(self.clock.now());
        let echoes = link.echoes.deadline();
        let witness = self.witness.deadline();
        [fences, echoes, witness].into_iter().flatten().min()
    }

    /// Whether a fence may not be all that is needed for proof on this connection.
    pub(super) fn fences_fail(&self) -> bool {
        let now = self.clock.now();
        self.link
            .as_ref()
            .is_some_and(|link| matches!(link.fences.trust(now), Trust::Late | Trust::Unanswered))
    }

    /// Nothing is written whose arrival could not be proved, if waiting a little
    /// helps: for the server's first answer to a fence, or for the witness.
    pub(super) fn may_write(&self) -> bool {
        let now = self.clock.now();
        let Some(link) = &self.link else { return false };
        if !self.has_witnesses() {
            return true;
        }
        match link.fences.trust(now) {
            Trust::Answered => true,
            Trust::Untried => false,
            Trust::Late | Trust::Unanswered => !self.witness.is_worth_waiting_for(),
        }
    }

    /// Whether a second connection of ours would hear what this one says.
    pub(super) fn has_witnesses(&self) -> bool {
        self.link.as_ref().is_some_and(|link| {
            link.has_session && link.lists_me && link.dialect.is_some_and(Dialect::has_witnesses)
        })
    }

    fn keep_news_of_fences(&mut self) -> Result<(), StoreError> {
        let (Some(account), Some(link)) = (&self.account, &mut self.link) else {
            return Ok(());
        };
        if let Some(answered) = link.fences.news() {
            self.learned.fences = Some(answered);
            self.store.set_fences_at(&account.server, answered)?;
        }
        Ok(())
    }
}
