//! What a host asks for.

use parlour_protocol::{UserId, Username, UsernameError, limits::CONTENT_BYTES};

use super::{Engine, storage_refusal};
use crate::{
    Command, Refusal, RefusalCode, ServerOptions,
    address::{parse_server, server_text},
    command::DRAFT_BYTES,
    session::{Identity, Input},
    store::{Evidence, NewMessage, Pending, StoreError, StoredMessage},
    view::{Delivery, ItemId},
};

/// Why a command was not carried out: for the host, or below us.
enum Stop {
    Refused(RefusalCode),
    Store(StoreError),
}

impl From<RefusalCode> for Stop {
    fn from(code: RefusalCode) -> Self {
        Self::Refused(code)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Engine {
    pub(super) fn dispatch(&mut self, command: Command) -> Result<(), Refusal> {
        let done = match self.obey(command.clone()) {
            // A broken search index must not keep anybody from writing.
            Err(Stop::Store(error)) if self.recovers(&error) => self.obey(command),
            done => done,
        };
        done.map_err(|stop| match stop {
            Stop::Refused(code) => code.into(),
            Stop::Store(error) => storage_refusal(&error),
        })
    }

    fn obey(&mut self, command: Command) -> Result<(), Stop> {
        match command {
            Command::SignIn {
                server,
                username,
                options,
            } => self.sign_in(&server, &username, options),
            Command::SetServerOptions { options } => self.set_server_options(options),
            Command::Resume => self.resume(),
            Command::SignOut => {
                self.log_out();
                self.step(Input::SignOut).map_err(Stop::from)
            }
            Command::Reconnect => self.step(Input::Reconnect).map_err(Stop::from),
            Command::SendMessage { to, content } => self.send_message(&to, &content),
            Command::RetryMessage { item } => self.retry(item),
            Command::DiscardMessage { item } => self.discard(item),
            Command::SaveDraft { user, content } => self.save_draft(&user, &content),
            Command::Typing { to } => {
                self.tell_typing(&to);
                Ok(())
            }
            Command::MarkRead { user } => self.mark_read(&user),
            Command::SaveSession => match self.account {
                Some(_) => self.save_session().map_err(Stop::from),
                None => Err(RefusalCode::NotSignedIn.into()),
            },
            Command::ChooseSecrets { backend } => match self.secrets.offers(backend) {
                true => self.choose_secrets(backend).map_err(Stop::from),
                false => Err(RefusalCode::NotOffered.into()),
            },
        }
    }

    fn sign_in(
        &mut self,
        server: &str,
        username: &str,
        options: Option<ServerOptions>,
    ) -> Result<(), Stop> {
        let server = parse_server(server).ok_or(RefusalCode::InvalidAddress)?;
        let username = Username::parse(username).map_err(|error| match error {
            UsernameError::Empty => RefusalCode::UsernameEmpty,
            UsernameError::TooLong => RefusalCode::UsernameTooLong,
            UsernameError::Invisible => RefusalCode::UsernameInvisible,
        })?;
        let options = match (options, self.session.identity()) {
            (Some(options), _) => options.checked()?,
            (None, Some(last)) if last.server == server => last.options.clone(),
            (None, _) => ServerOptions::default(),
        };
        self.leave();
        self.neighbours.used();
        let identity = Identity {
            server,
            options,
            username: username.as_str().to_owned(),
            user_id: None,
            session_id: None,
        };
        Ok(self.step(Input::SignIn(identity))?)
    }

    fn set_server_options(&mut self, options: ServerOptions) -> Result<(), Stop> {
        let options = options.checked()?;
        let identity = self.session.identity().ok_or(RefusalCode::NotSignedIn)?;
        if identity.options == options {
            return Ok(());
        }
        let server = server_text(&identity.server);
        // Whoever is only asked for their session yet has a row, too.
        let account = match &self.account {
            Some(account) => Some(account.id),
            None => self.store.current_account()?.map(|last| last.id),
        };
        if let Some(id) = account {
            self.store.set_options(id, &server, &options)?;
        }
        Ok(self.step(Input::Reroute(options))?)
    }

    fn resume(&mut self) -> Result<(), Stop> {
        if !self.session.is_resumable() && !self.session.is_signed_in() {
            return Err(RefusalCode::NoSession.into());
        }
        if self.session.is_signed_in() {
            return Ok(());
        }
        Ok(self.resume_here()?)
    }

    fn send_message(&mut self, to: &UserId, content: &str) -> Result<(), Stop> {
        let account = self
            .account
            .as_ref()
            .filter(|_| self.session.is_signed_in())
            .map(|account| account.id)
            .ok_or(RefusalCode::NotSignedIn)?;
        if content.trim().is_empty() {
            return Err(RefusalCode::MessageEmpty.into());
        }
        if content.len() > CONTENT_BYTES {
            return Err(RefusalCode::MessageTooLarge.into());
        }
        if !self.knows(to) {
            return Err(RefusalCode::UnknownUser.into());
        }
        let uid = Some(self.new_uid());
        let message = NewMessage {
            peer: to,
            mine: true,
            content,
            at: Some(self.clock.now_ms()),
            delivery: Some(Delivery::Queued),
            evidence: Evidence::None,
            uid,
            seq: None,
        };
        let message = self.store.atomically(|store| {
            // What was typed on meanwhile stays.
            let draft = store.draft(account, to)?;
            if draft.is_some_and(|draft| draft.trim() == content.trim()) {
                store.set_draft(account, to, "")?;
            }
            store.append(account, &message)
        })?;
        self.outbox.push(Pending {
            id: message.id,
            peer: to.clone(),
            content: content.to_owned(),
            attempts: 0,
            strikes: 0,
            delivery: Delivery::Queued,
            uid,
            at: message.at,
        });
        self.changes.message(message);
        Ok(())
    }

    fn retry(&mut self, item: ItemId) -> Result<(), Stop> {
        let message = self.own_message(item)?;
        match message.delivery {
            Some(Delivery::Unsure | Delivery::Held | Delivery::Failed) => {
                self.store.requeue(item)?;
                self.outbox.forget(item);
                self.message_changed(item)?;
                Ok(self.reload_outbox()?)
            }
            _ => Err(RefusalCode::UnknownMessage.into()),
        }
    }

    fn discard(&mut self, item: ItemId) -> Result<(), Stop> {
        let message = self.own_message(item)?;
        match message.delivery {
            Some(Delivery::Queued | Delivery::Unsure | Delivery::Held | Delivery::Failed) => {
                self.store.remove(item)?;
                self.outbox.remove(item);
                self.outbox.forget(item);
                self.changes.removed(&message.peer, item);
                Ok(())
            }
            _ => Err(RefusalCode::UnknownMessage.into()),
        }
    }

    fn own_message(&self, item: ItemId) -> Result<StoredMessage, Stop> {
        let account = self.account.as_ref().ok_or(RefusalCode::NotSignedIn)?;
        let message = self.store.message(account.id, item)?;
        Ok(message
            .filter(|message| message.mine)
            .ok_or(RefusalCode::UnknownMessage)?)
    }

    fn save_draft(&mut self, user: &UserId, content: &str) -> Result<(), Stop> {
        let account = self.account.as_ref().ok_or(RefusalCode::NotSignedIn)?;
        if content.len() > DRAFT_BYTES {
            return Err(RefusalCode::DraftTooLarge.into());
        }
        if !content.is_empty() && !self.knows(user) {
            return Err(RefusalCode::UnknownUser.into());
        }
        if self.store.set_draft(account.id, user, content)? {
            self.changes.user(user);
        }
        Ok(())
    }

    fn mark_read(&mut self, user: &UserId) -> Result<(), Stop> {
        let account = self.account.as_ref().ok_or(RefusalCode::NotSignedIn)?;
        let account = account.id;
        if self.store.mark_read(account, user)? {
            self.changes.user(user);
        }
        Ok(self.tell_read(account, user)?)
    }
}
