//! A storage and the words to tell stories about it.

use parlour_protocol::{SessionId, UserId, Username, pm::MessageId};
use tempfile::TempDir;

use crate::{
    admission::Skeleton,
    identity::SessionHash,
    storage::{
        DataFolder, Memory, NewMessage, NewSession, NewUser, Page, Placed, Refusal, Sqlite,
        Storage, Told, UserKey, Write, Written,
    },
};

/// More than any test stores.
pub(in crate::storage) const ALL: usize = 1_000_000;

pub(in crate::storage) struct World {
    pub(in crate::storage) storage: Box<dyn Storage>,
    ids: u64,
    pub(in crate::storage) folder: Option<TempDir>,
}

/// Runs a story on each engine.
pub(in crate::storage) fn on_both(story: impl Fn(&mut World)) {
    story(&mut World::on_disk());
    story(&mut World::in_memory());
}

pub(in crate::storage) fn session(text: &str) -> SessionHash {
    SessionHash::of(&SessionId::new(text))
}

pub(in crate::storage) fn id(number: u64) -> MessageId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    MessageId::new(1_700_000_000_000, &random)
}

pub(in crate::storage) fn new_user(name: &str) -> NewUser {
    let username = Username::parse(name).expect("a name");
    NewUser {
        id: UserId::new(format!("id of {name}")),
        skeleton: Skeleton::of(&username),
        username,
        unique: false,
        password: None,
        invite: None,
        session: NewSession {
            hash: session(name),
            at_ms: 1_000,
            client: "test".to_owned(),
        },
    }
}

pub(in crate::storage) fn new_message(
    from: UserKey,
    to: UserKey,
    id: MessageId,
    content: &str,
) -> NewMessage {
    NewMessage {
        from,
        to,
        id,
        from_client: true,
        content: content.into(),
        at_ms: 5_000,
        sent_at: None,
    }
}

impl World {
    pub(in crate::storage) fn in_memory() -> Self {
        Self {
            storage: Box::new(Memory::new()),
            ids: 0,
            folder: None,
        }
    }

    pub(in crate::storage) fn on_disk() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        Self {
            storage: Box::new(open(&folder)),
            ids: 0,
            folder: Some(folder),
        }
    }

    /// Ends and begins again on what is stored; nothing for an engine that stores nothing.
    pub(in crate::storage) fn restart(&mut self) {
        if let Some(folder) = &self.folder {
            self.storage = Box::new(Memory::new());
            self.storage = Box::new(open(folder));
        }
    }

    pub(in crate::storage) fn write(&mut self, write: Write) -> Written {
        let written = self.storage.commit(&[write]).expect("commit");
        let [written] = <[Written; 1]>::try_from(written).expect("one answer");
        written
    }

    pub(in crate::storage) fn user(&mut self, name: &str) -> UserKey {
        match self.write(Write::NewUser(Box::new(new_user(name)))) {
            Written::User(key) => key,
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::storage) fn next_id(&mut self) -> MessageId {
        self.ids += 1;
        id(self.ids)
    }

    pub(in crate::storage) fn says(&mut self, from: UserKey, to: UserKey, content: &str) -> Placed {
        let id = self.next_id();
        self.sends(from, to, id, content).expect("stored")
    }

    pub(in crate::storage) fn sends(
        &mut self,
        from: UserKey,
        to: UserKey,
        id: MessageId,
        content: &str,
    ) -> Result<Placed, Refusal> {
        match self.write(Write::Message(new_message(from, to, id, content))) {
            Written::Message(placed) => Ok(placed),
            Written::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    pub(in crate::storage) fn receives(&mut self, user: UserKey, up_to: u64) -> Vec<Told> {
        receipts(self.write(Write::Received { user, up_to }))
    }

    pub(in crate::storage) fn reads(
        &mut self,
        user: UserKey,
        peer: UserKey,
        up_to: u64,
    ) -> Vec<Told> {
        receipts(self.write(Write::Read { user, peer, up_to }))
    }

    pub(in crate::storage) fn inbox(&mut self, user: UserKey) -> Page {
        self.storage.sync(user, 0, ALL, usize::MAX).expect("page")
    }

    /// The whole inbox as `(seq, text)`.
    pub(in crate::storage) fn texts(&mut self, user: UserKey) -> Vec<(u64, String)> {
        texts(&self.inbox(user))
    }
}

pub(in crate::storage) fn texts(page: &Page) -> Vec<(u64, String)> {
    let text = |row: &crate::storage::Row| (row.seq, row.content.to_string());
    page.rows.iter().map(text).collect()
}

fn receipts(written: Written) -> Vec<Told> {
    match written {
        Written::Receipts(told) => told,
        other => panic!("{other:?}"),
    }
}

pub(in crate::storage) fn open(folder: &TempDir) -> Sqlite {
    let folder = DataFolder::open(&folder.path().join("data")).expect("folder");
    Sqlite::open(folder).expect("storage")
}
