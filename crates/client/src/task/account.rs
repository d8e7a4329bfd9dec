//! Which account is in use: its people, its queue.

use parlour_protocol::{SessionId, UserId, pm::ServerHello};

use parlour_socketio::CookieJar;

use super::{Engine, changes::Changes};
use crate::{
    address::{parse_server, server_text},
    compatibility::Learned,
    outbox::Outbox,
    ports::Notice,
    roster::Roster,
    session::{Identity, Input, Session},
    store::{Account, StoreError},
    view::{AccountView, Delivery, FailureCode},
};

impl Engine {
    /// Takes up the identity of the last run.
    pub(super) fn resume_last(&mut self) -> Result<(), StoreError> {
        let Some(account) = self.store.current_account()? else {
            return Ok(());
        };
        let Some(server) = parse_server(&account.server) else {
            return Ok(());
        };
        let identity = Identity {
            server,
            options: account.options.clone(),
            username: account.username.clone(),
            user_id: account.user_id.clone(),
            session_id: None,
        };
        self.session = Session::new(Some(identity));
        self.neighbours.used();
        if account.has_session {
            self.enter(account)?;
            self.resume_here()?;
        }
        Ok(())
    }

    /// Takes up the session of the account in use, unless another account of the
    /// profile has the same identity: a copied folder, for instance.
    pub(super) fn resume_here(&mut self) -> Result<(), StoreError> {
        let user_id = self
            .account
            .as_ref()
            .and_then(|account| account.user_id.clone());
        if self.claim_identity(user_id) {
            self.step(Input::Resume)
        } else {
            self.step(Input::Taken { resumable: true })
        }
    }

    /// Asks the other accounts whether we may be this.
    pub(super) fn claim_identity(&self, user_id: Option<UserId>) -> bool {
        self.session.identity().is_none_or(|identity| {
            self.neighbours.claim(&AccountView {
                server: server_text(&identity.server),
                username: identity.username.clone(),
                user_id,
            })
        })
    }

    /// Makes an account the one in use: its people, its queue.
    pub(super) fn enter(&mut self, account: Account) -> Result<(), StoreError> {
        // First what may fail: never one account with the people of another.
        self.roster = self.stored_roster(&account)?;
        self.outbox = Outbox::default();
        self.account = Some(account);
        self.changes.everything();
        self.reload_outbox()
    }

    /// Takes the people from the store as they are there, and forgets what was
    /// to be told.
    pub(super) fn reload_roster(&mut self) -> Result<(), StoreError> {
        if let Some(account) = &self.account {
            self.roster = self.stored_roster(account)?;
            self.changes = Changes::default();
            self.changes.everything();
        }
        Ok(())
    }

    fn stored_roster(&self, account: &Account) -> Result<Roster, StoreError> {
        // One transaction: people and what was said with them fit together.
        self.store.atomically(|store| {
            let mut roster = Roster::stored(account.user_id.clone(), store.users(account.id)?);
            for (id, summary) in store.summaries(account.id)? {
                roster.set_summary(&id, summary);
            }
            for (id, marks) in store.all_marks(account.id)? {
                roster.set_marks(&id, marks);
            }
            Ok(roster)
        })
    }

    pub(super) fn reload_outbox(&mut self) -> Result<(), StoreError> {
        let Some(account) = &self.account else {
            return Ok(());
        };
        let mut queued = self.store.pending(account.id)?;
        queued.retain(|message| message.delivery == Delivery::Queued);
        self.outbox.reload(queued);
        Ok(())
    }

    /// Nobody's account is in use.
    pub(super) fn leave(&mut self) {
        self.account = None;
        self.roster = Roster::default();
        self.outbox = Outbox::default();
        self.neighbours.release();
        self.learned = Learned::default();
        self.cookies = CookieJar::new();
        self.polled = false;
        self.changes.everything();
    }

    /// Somebody else here is who the server says we are. Nothing is stored of it:
    /// the other account has it all.
    fn not_twice(&mut self, speaks_pm: bool) -> Result<(), StoreError> {
        let identity = self.session.identity();
        let resumed = identity.is_some_and(|identity| identity.session_id.is_some());
        if let Some(link) = self.link.as_ref().filter(|_| speaks_pm && !resumed)
            && link.sender.tell(&Notice::Logout).is_err()
        {
            tracing::warn!("the server could not be told that a second session ends");
        }
        self.step(Input::Taken { resumable: resumed })
    }

    /// The account of a server that let us in; a change of identity is a
    /// change of account.
    pub(super) fn enter_account(&mut self, user_id: Option<&UserId>) -> Result<(), StoreError> {
        let Some(identity) = self.session.identity() else {
            return Ok(());
        };
        let server = server_text(&identity.server);
        let username = identity.username.clone();
        let options = identity.options.clone();
        let same = self
            .account
            .as_ref()
            .is_some_and(|account| account.server == server && account.user_id.as_ref() == user_id);
        if same {
            return Ok(());
        }
        let account = self.store.atomically(|store| {
            if let Some(old) = self.account.as_ref().filter(|old| old.server == server) {
                store.hold_queue(old.id)?;
            }
            let account = store.enter_account(&server, user_id, &username)?;
            store.set_options(account.id, &server, &options)?;
            Ok(Account { options, ..account })
        })?;
        self.enter(account)
    }

    /// The server says who we are.
    pub(super) fn session_given(
        &mut self,
        session_id: SessionId,
        user_id: UserId,
        pm: Option<&ServerHello>,
    ) -> Result<(), StoreError> {
        let Some(link) = &mut self.link else {
            return Ok(());
        };
        if std::mem::replace(&mut link.session_given, true) {
            tracing::warn!("the server said again who we are; that was ignored");
            return Ok(());
        }
        link.has_session = true;
        // The list came first and was taken for another's: it has to come again.
        let list_is_void =
            link.dialect.is_some() && (pm.is_some() || self.roster.me() != Some(&user_id));
        let known = self
            .session
            .identity()
            .and_then(|identity| identity.session_id.as_ref());
        let changed = known != Some(&session_id);
        if !self.claim_identity(Some(user_id.clone())) {
            return self.not_twice(pm.is_some());
        }
        self.enter_account(Some(&user_id))?;
        self.step(Input::SessionGiven {
            session_id,
            user_id,
        })?;
        if changed {
            self.save_session()?;
        }
        match pm {
            _ if list_is_void => self.break_off(FailureCode::ProtocolError),
            Some(hello) => self.open_inbox(hello),
            None => Ok(()),
        }
    }
}
