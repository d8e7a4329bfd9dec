//! Two people who write to each other, each on a line of their own.

use parlour_protocol::UserId;
use parlour_tests::{
    chance::Chance,
    proxy::{Proxy, Troubles},
};
use tokio::sync::watch;

use crate::app::App;

/// Everything that is ever said.
const WORDS: [&str; 5] = ["ok", "yes", "no", "ok then", "👍"];

/// More than the engine has on its way at a time, fewer than a page.
const MANY: usize = 60;

/// Two people. Each is at their own line.
pub(crate) struct Pair {
    pub(crate) people: Vec<App>,
    pub(crate) lines: Vec<Proxy>,
    chance: Chance,
}

impl Pair {
    /// Two people sign in at the server at `url`, before anything goes wrong.
    pub(crate) async fn meets(number: usize, url: &str, seed: u64, troubles: &Troubles) -> Self {
        let mut pair = Self {
            people: Vec::new(),
            lines: Vec::new(),
            chance: Chance::new(seed),
        };
        for name in ["Ann", "Bob"] {
            let line = Proxy::to(url, pair.chance.number(), troubles.clone()).await;
            let name = format!("{name} {number}");
            pair.people.push(App::signs_in(&name, &line.url()).await);
            pair.lines.push(line);
        }
        pair
    }

    /// The ids of both.
    pub(crate) async fn ids(&self) -> [UserId; 2] {
        [self.people[0].id().await, self.people[1].id().await]
    }

    /// They write so many messages, while everything goes wrong, and count them in
    /// `said`. At the end nothing new goes wrong.
    pub(crate) async fn writes(&mut self, messages: usize, said: &watch::Sender<usize>) {
        for (person, other) in [(0, 1), (1, 0)] {
            let name = self.people[other].name.clone();
            self.people[person].id_of(&name).await;
        }
        let ids = self.ids().await;
        for line in &self.lines {
            line.begins();
        }
        let mut left = messages;
        while left > 0 {
            let writer = self.chance.below(2);
            let burst = (1 + self.chance.below(30)).min(left);
            let absent = self.chance.below(12) == 0;
            if absent {
                self.people[1 - writer].closes().await;
            }
            for _ in 0..burst {
                // Sometimes a note to oneself.
                let to = if self.chance.below(12) == 0 {
                    writer
                } else {
                    1 - writer
                };
                let word = WORDS[self.chance.below(WORDS.len())];
                self.people[writer].says(&ids[to], word).await;
                said.send_modify(|said| *said += 1);
            }
            left -= burst;
            if absent {
                self.people[1 - writer].opens().await;
            }
            match self.chance.below(10) {
                0 => {
                    self.people[writer].closes().await;
                    self.people[writer].opens().await;
                }
                1..=4 => self.people[writer].settles(0).await,
                _ => self.people[writer].settles(MANY).await,
            }
        }
        for line in &self.lines {
            line.is_mended();
        }
        for person in &self.people {
            person.settles(0).await;
        }
    }
}
