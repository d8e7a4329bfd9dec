//! Looking for a text, newest first, page by page.

use std::ops::ControlFlow;

use parlour_protocol::{UserId, limits::CONTENT_BYTES};
use rusqlite::{Connection, Row, Statement, ToSql, params};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{
    fold::fold,
    peer_token,
    snippet::{SnippetPart, snippet},
    unindexed,
};
use crate::{
    store::{AccountId, Result},
    view::ItemId,
};

/// How many messages one answer looks at, at most.
const ROWS: usize = 30_000;

/// How many bytes of text one answer looks at, about.
const BYTES: usize = 4 * 1024 * 1024;

/// How far down the index is asked at a time, in ids: between two of these a
/// search can be given up, and one answer does not go further than so many.
const SPAN: i64 = 100_000;
const SPANS: usize = 10;

/// How many trigrams the index is asked for. A message that has these of a long
/// text most often has the others, too, and it is looked at anyway.
const TRIGRAMS: usize = 12;

/// What the index says, newest first.
pub(crate) const FIND: &str = "SELECT m.id, m.peer, m.account, m.position, m.mine, m.at, m.content
     FROM search CROSS JOIN messages m ON m.id = search.rowid
     WHERE search MATCH ?1 AND search.rowid > ?2 AND search.rowid <= ?3
     ORDER BY search.rowid DESC";

/// Everything, newest first.
pub(crate) const SCAN: &str = "SELECT id, peer, account, position, mine, at, content FROM messages
     WHERE id <= ?1 ORDER BY id DESC";

/// A page of what was found, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SearchPage {
    /// What was found, the newest that we learned of first.
    pub hits: Vec<SearchHit>,
    /// To go on, ask again with this as `before`; `None` once everything was looked
    /// at. An answer looks at a limited number of messages, so there may be few hits,
    /// or none, and still more to look at.
    pub next: Option<ItemId>,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SearchHit {
    /// The message.
    pub item: ItemId,
    /// The other side of its conversation.
    pub user: UserId,
    /// Where it stands there: pages before and behind this show what surrounds it.
    #[ts(type = "number")]
    pub position: i64,
    /// When it was, as in the timeline.
    #[ts(type = "number | null")]
    pub at: Option<i64>,
    /// Whether oneself wrote it.
    pub is_mine: bool,
    /// The text around the first hits.
    pub snippet: Vec<SnippetPart>,
}

/// What somebody looks for: messages that have all of these words, anywhere in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    terms: Vec<String>,
}

impl Wanted {
    /// Reads what a person typed. It is text and nothing else: no character of it
    /// has a meaning of its own, but blanks part it into words. `None` for a text
    /// that is longer than any message.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.len() > CONTENT_BYTES {
            return None;
        }
        let mut terms: Vec<String> = Vec::new();
        for term in fold(text).split(' ').filter(|term| !term.is_empty()) {
            if !terms.iter().any(|known| known == term) {
                terms.push(term.to_owned());
            }
        }
        Some(Self { terms })
    }

    fn is_in(&self, content: &str) -> bool {
        let folded = fold(content);
        self.terms.iter().all(|term| folded.contains(term.as_str()))
    }

    /// Trigrams, of each word some.
    fn trigrams(&self) -> Vec<String> {
        let share = TRIGRAMS.div_ceil(self.terms.len().max(1));
        let mut trigrams: Vec<String> = Vec::new();
        for term in &self.terms {
            let characters: Vec<char> = term.chars().collect();
            let all = characters.windows(3).count();
            // Spread over the word: neighbours share two characters of three.
            let step = all.div_ceil(share).max(1);
            for trigram in characters.windows(3).step_by(step) {
                let trigram = String::from_iter(trigram);
                if trigrams.len() < TRIGRAMS && !trigrams.contains(&trigram) {
                    trigrams.push(trigram);
                }
            }
        }
        trigrams
    }
}

/// What is to be found out.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) account: AccountId,
    pub(crate) wanted: Wanted,
    /// Only in this conversation.
    pub(crate) peer: Option<UserId>,
    /// Only what we learned of before this.
    pub(crate) before: Option<ItemId>,
    pub(crate) limit: usize,
    /// Whether the index can be relied on.
    pub(crate) indexed: bool,
}

impl Question {
    /// What the index is asked, if it can help: tokens as FTS5 strings.
    fn expression(&self) -> Option<String> {
        let mut tokens = self.wanted.trigrams();
        tokens.extend(self.peer.as_ref().map(|peer| peer_token(peer.as_str())));
        let quoted: Vec<String> = tokens
            .iter()
            .map(|token| format!("\"{}\"", token.replace('"', "\"\"")))
            .collect();
        (!quoted.is_empty() && self.indexed).then(|| quoted.join(" AND "))
    }
}

/// Looks for what is wanted until a page is full, enough was looked at, or all
/// was. `None` if `go_on` says no.
pub(crate) fn find(
    connection: &Connection,
    question: &Question,
    go_on: &dyn Fn() -> bool,
) -> Result<Option<SearchPage>> {
    if question.wanted.terms.is_empty() || question.limit == 0 {
        return Ok(Some(SearchPage::default()));
    }
    // One view of the database for all that follows.
    let transaction = connection.unchecked_transaction()?;
    let newest: i64 = transaction
        .prepare_cached("SELECT COALESCE(MAX(id), 0) FROM messages")?
        .query_row([], |row| row.get(0))?;
    let mut search = Search {
        question,
        go_on,
        page: SearchPage::default(),
        rows: 0,
        bytes: 0,
    };
    let top = match question.before {
        Some(before) => newest.min(before.0.saturating_sub(1)),
        None => newest,
    };
    let ended = search.look(&transaction, top)?;
    Ok(match ended {
        ControlFlow::Break(End::GivenUp) => None,
        ControlFlow::Break(End::Enough(next)) => {
            search.page.next = Some(ItemId(next));
            Some(search.page)
        }
        ControlFlow::Continue(()) => Some(search.page),
    })
}

enum End {
    GivenUp,
    /// What is older than this was not looked at.
    Enough(i64),
}

struct Search<'a> {
    question: &'a Question,
    go_on: &'a dyn Fn() -> bool,
    page: SearchPage,
    rows: usize,
    bytes: usize,
}

impl Search<'_> {
    fn look(&mut self, connection: &Connection, top: i64) -> Result<ControlFlow<End>> {
        let mut top = top;
        if let Some(expression) = self.question.expression() {
            let border = unindexed(connection)?;
            let mut statement = connection.prepare_cached(FIND)?;
            for _ in 0..SPANS {
                if top <= border {
                    break;
                }
                let bottom = border.max(top - SPAN);
                let ended = self.read(&mut statement, params![expression, bottom, top])?;
                if ended.is_break() {
                    return Ok(ended);
                }
                top = bottom;
            }
            if top > border {
                return Ok(ControlFlow::Break(End::Enough(top + 1)));
            }
        }
        let mut statement = connection.prepare_cached(SCAN)?;
        self.read(&mut statement, params![top])
    }

    fn read(
        &mut self,
        statement: &mut Statement<'_>,
        parameters: &[&dyn ToSql],
    ) -> Result<ControlFlow<End>> {
        let mut rows = statement.query(parameters)?;
        loop {
            if !(self.go_on)() {
                return Ok(ControlFlow::Break(End::GivenUp));
            }
            let Some(row) = rows.next()? else {
                return Ok(ControlFlow::Continue(()));
            };
            let ended = self.look_at(row)?;
            if ended.is_break() {
                return Ok(ended);
            }
        }
    }

    fn look_at(&mut self, row: &Row<'_>) -> Result<ControlFlow<End>> {
        let id: i64 = row.get(0)?;
        let content = row.get_ref(6)?.as_str().unwrap_or_default();
        self.rows += 1;
        let question = self.question;
        let peer = row.get_ref(1)?.as_str().unwrap_or_default();
        let asked_for = question.account.0 == row.get::<_, i64>(2)?
            && question
                .peer
                .as_ref()
                .is_none_or(|only| only.as_str() == peer);
        if asked_for {
            self.bytes += content.len();
            if question.wanted.is_in(content) {
                if self.page.hits.len() == question.limit {
                    return Ok(ControlFlow::Break(End::Enough(id + 1)));
                }
                self.page.hits.push(SearchHit {
                    item: ItemId(id),
                    user: UserId::new(peer),
                    position: row.get(3)?,
                    is_mine: row.get(4)?,
                    at: row.get(5)?,
                    snippet: snippet(content, &question.wanted.terms),
                });
            }
        }
        if self.rows >= ROWS || self.bytes >= BYTES {
            return Ok(ControlFlow::Break(End::Enough(id)));
        }
        Ok(ControlFlow::Continue(()))
    }
}
