//! What a server says, made fit to be kept and shown: the one place where
//! names and texts of any size and kind become bounded ones.

use parlour_protocol::{
    ServerEvent, UserEntry, UserId,
    limits::CONTENT_BYTES,
    pm::{Stamp, StampedMessage},
};

/// Bytes of a user id. Servers' own have 16 to 36; a longer one is no id.
const USER_ID_BYTES: usize = 256;

/// Characters of a name that are kept.
const NAME_CHARS: usize = 64;

/// Bytes of a text that are kept: four times what Parlour itself sends.
const TEXT_BYTES: usize = 4 * CONTENT_BYTES;

/// No inbox has more messages: the numbers that every JSON reader gets right.
pub(crate) const SEQ_MAX: u64 = 1 << 53;

/// `None` if it names somebody whom nobody can be.
pub(crate) fn tame(event: ServerEvent) -> Option<ServerEvent> {
    Some(match event {
        ServerEvent::Session { ref user_id, .. } if !is_id(user_id) => return None,
        ServerEvent::Users(mut users) => {
            let all = users.entries.len();
            users.entries = users.entries.into_iter().filter_map(tame_user).collect();
            users.unreadable += all - users.entries.len();
            ServerEvent::Users(users)
        }
        ServerEvent::UserConnected(user) => ServerEvent::UserConnected(tame_user(user)?),
        ServerEvent::PrivateMessage(mut message) => {
            if !is_id(&message.from) || !message.to.as_ref().is_none_or(is_id) {
                return None;
            }
            message.content = tame_text(message.content);
            message.stamp = message.stamp.filter(is_stamp);
            ServerEvent::PrivateMessage(message)
        }
        event => event,
    })
}

/// A message of a page, as [`tame`] has a live one.
pub(crate) fn tame_stored(mut message: StampedMessage) -> Option<StampedMessage> {
    if !is_id(&message.from) || !is_id(&message.to) || !is_stamp(&message.stamp) {
        return None;
    }
    message.content = tame_text(message.content);
    Some(message)
}

fn is_stamp(stamp: &Stamp) -> bool {
    (1..=SEQ_MAX).contains(&stamp.seq)
}

fn tame_user(mut user: UserEntry) -> Option<UserEntry> {
    if !is_id(&user.user_id) {
        return None;
    }
    user.username = tame_name(&user.username, &user.user_id);
    for message in user.messages.iter_mut().flatten() {
        message.content = tame_text(std::mem::take(&mut message.content));
    }
    Some(user)
}

fn is_id(id: &UserId) -> bool {
    !id.as_str().is_empty() && id.as_str().len() <= USER_ID_BYTES
}

/// Without what cannot be seen or turns the text around, and short. Where
/// nothing is left, the id stands in.
fn tame_name(name: &str, id: &UserId) -> String {
    let visible = || name.chars().filter(|c| !is_hidden(*c));
    let short: String = visible().take(NAME_CHARS).collect();
    let more = visible().nth(NAME_CHARS).is_some();
    match short.trim() {
        "" => id.as_str().chars().take(NAME_CHARS).collect(),
        name if more => format!("{name}…"),
        name => name.to_owned(),
    }
}

/// The same text is cut in the same way wherever it comes from, so that the
/// live one and the one in the history stay equal.
fn tame_text(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
        text.push('…');
    }
    text
}

/// Control, bidirectional and zero-width characters.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}
