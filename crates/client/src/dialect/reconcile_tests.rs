use super::*;

/// A conversation between me and Bob, in our words.
#[derive(Default)]
struct Local(Vec<StoredMessage>);

impl Local {
    fn push(
        mut self,
        mine: bool,
        content: &str,
        delivery: Option<Delivery>,
        evidence: Evidence,
    ) -> Self {
        let n = self.0.len() as i64 + 1;
        self.0.push(StoredMessage {
            id: ItemId(n),
            peer: "bob".into(),
            position: n,
            mine,
            content: content.into(),
            at: None,
            delivery,
            evidence,
            refusal: None,
            written: 0,
        });
        self
    }
    fn theirs(self, content: &str) -> Self {
        self.push(false, content, None, Evidence::History)
    }
    fn counted(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Sent), Evidence::History)
    }
    fn fenced(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Sent), Evidence::Fence)
    }
    fn echoed(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Sent), Evidence::Echo)
    }
    fn in_flight(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Sending), Evidence::None)
    }
    fn queued(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Queued), Evidence::None)
    }
    fn unsure(self, content: &str) -> Self {
        self.push(true, content, Some(Delivery::Unsure), Evidence::None)
    }

    /// The server's history: `>text` is mine, `<text` is Bob's.
    fn meets(&self, history: &[&str]) -> (Outcome, Vec<String>) {
        let history: Vec<HistoryEntry> = history
            .iter()
            .map(|line| {
                let (from, to) = if line.starts_with('>') {
                    ("me", "bob")
                } else {
                    ("bob", "me")
                };
                HistoryEntry {
                    content: line[1..].into(),
                    from: from.into(),
                    to: to.into(),
                }
            })
            .collect();
        let entries: Vec<&HistoryEntry> = history.iter().collect();
        let outcome = reconcile(&self.0, &entries, &"me".into());
        let text = |slot: &Slot| match slot {
            Slot::Known(id) => self.0[id.0 as usize - 1].content.clone(),
            Slot::New(index) => format!("+{}", history[*index].content),
        };
        let order = outcome.order.iter().map(text).collect();
        (outcome, order)
    }
}

fn ids(ids: &[i64]) -> Vec<ItemId> {
    ids.iter().copied().map(ItemId).collect()
}

#[test]
fn what_came_meanwhile_is_appended() {
    let (outcome, order) = Local::default()
        .counted("hi")
        .theirs("hello")
        .meets(&[">hi", "<hello", "<news", "<news"]);
    assert_eq!(order, ["hi", "hello", "+news", "+news"]);
    assert_eq!(outcome.past, []);
}

#[test]
fn meeting_the_same_history_twice_changes_nothing() {
    let (outcome, order) = Local::default()
        .theirs("a")
        .counted("b")
        .theirs("a")
        .meets(&["<a", ">b", "<a"]);
    assert_eq!(order, ["a", "b", "a"]);
    assert_eq!(
        (outcome.found, outcome.missing, outcome.unsure),
        (vec![], vec![], vec![])
    );
}

#[test]
fn the_servers_order_wins_across_writers() {
    let (_, order) = Local::default()
        .fenced("mine")
        .theirs("theirs")
        .meets(&["<theirs", ">mine"]);
    assert_eq!(order, ["theirs", "mine"]);
}

#[test]
fn of_identical_texts_the_count_decides() {
    let local = Local::default()
        .counted("ok")
        .in_flight("ok")
        .in_flight("ok")
        .in_flight("ok");
    let (outcome, _) = local.meets(&[">ok", ">ok", ">ok"]);
    assert_eq!(outcome.found, ids(&[2, 3]));
    assert_eq!(outcome.missing, ids(&[4]));
}

#[test]
fn what_was_in_flight_arrived_as_a_prefix() {
    let local = Local::default()
        .in_flight("a")
        .in_flight("b")
        .in_flight("c");
    let (outcome, order) = local.meets(&[">a", "<x"]);
    assert_eq!(outcome.found, ids(&[1]));
    assert_eq!(outcome.missing, ids(&[2, 3]));
    assert_eq!(
        order,
        ["a", "+x", "b", "c"],
        "what is still to be sent goes to the end"
    );
}

#[test]
fn another_device_may_have_written_in_between() {
    let local = Local::default()
        .counted("base")
        .echoed("other")
        .in_flight("mine");
    let (outcome, order) = local.meets(&[">base", ">mine", ">other", ">third"]);
    assert_eq!(outcome.found, ids(&[2, 3]));
    assert_eq!(order, ["base", "mine", "other", "+third"]);
}

#[test]
fn a_lost_history_makes_the_undecidable_unsure() {
    let local = Local::default()
        .counted("old")
        .theirs("answer")
        .in_flight("flying")
        .queued("waiting");
    let (outcome, order) = local.meets(&[]);
    assert_eq!(outcome.unsure, ids(&[3]));
    assert_eq!(outcome.missing, []);
    assert_eq!(outcome.past, ids(&[1]));
    assert_eq!(
        order,
        ["old", "answer", "flying", "waiting"],
        "absence is not deletion"
    );
}

#[test]
fn after_a_lost_history_what_is_found_is_sent() {
    let local = Local::default().counted("old").in_flight("flying");
    let (outcome, _) = local.meets(&[">flying", "<hey"]);
    assert_eq!(outcome.found, ids(&[2]));
    assert_eq!(outcome.past, ids(&[1]));
}

#[test]
fn a_server_that_drops_its_oldest_is_followed() {
    let local = Local::default()
        .counted("1")
        .counted("2")
        .counted("3")
        .in_flight("4");
    let (outcome, order) = local.meets(&[">2", ">3", ">4"]);
    assert_eq!(outcome.past, ids(&[1]));
    assert_eq!(outcome.found, ids(&[4]));
    assert_eq!(order, ["1", "2", "3", "4"]);
}

#[test]
fn what_a_fence_proved_and_the_history_lacks_is_unsure() {
    let (outcome, _) = Local::default()
        .counted("base")
        .fenced("gone")
        .meets(&[">base"]);
    assert_eq!(outcome.unsure, ids(&[2]));
}

#[test]
fn a_doubt_is_resolved_when_the_message_turns_up() {
    let (outcome, order) = Local::default().unsure("maybe").meets(&[">maybe"]);
    assert_eq!(outcome.found, ids(&[1]));
    assert_eq!(order, ["maybe"]);
}

#[test]
fn a_message_to_oneself_is_ones_own() {
    let history = [HistoryEntry {
        content: "note".into(),
        from: "me".into(),
        to: "me".into(),
    }];
    let local = Local::default().in_flight("note");
    let outcome = reconcile(&local.0, &history.each_ref(), &"me".into());
    assert_eq!(outcome.found, ids(&[1]));
}

#[test]
fn a_live_message_that_the_snapshot_lacks_is_kept() {
    let (_, order) = Local::default()
        .theirs("a")
        .theirs("just now")
        .meets(&["<a"]);
    assert_eq!(order, ["a", "just now"]);
}

#[test]
fn long_histories_of_the_same_word_are_fitted_in_one_pass() {
    const MANY: usize = 50_000;
    let start = std::time::Instant::now();
    let mut local = Local::default();
    for _ in 0..MANY {
        local = local.counted("ok");
    }
    let history = vec![">ok"; MANY];
    let (outcome, _) = local.meets(&history);
    assert_eq!(outcome.past, []);
    // Something at the end that is not in the history, so that no end fits.
    let (outcome, _) = local.counted("bye").meets(&history);
    assert_eq!(outcome.past, ids(&[MANY as i64 + 1]));
    // Nothing at all fits.
    let mut other = Local::default();
    for _ in 0..MANY {
        other = other.counted("no");
    }
    assert_eq!(other.meets(&history).0.past.len(), MANY);
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
}

#[test]
fn the_longest_end_that_fits_is_the_base() {
    let local = Local::default()
        .counted("a")
        .counted("b")
        .counted("a")
        .counted("b");
    let (outcome, order) = local.meets(&[">a", ">b", ">a", ">c"]);
    assert_eq!(outcome.past, ids(&[1, 2]));
    assert_eq!(order, ["a", "b", "a", "b", "+a", "+c"]);
}

#[test]
fn a_history_cut_at_its_beginning_takes_no_proof_away() {
    let local = Local::default()
        .fenced("1")
        .fenced("2")
        .fenced("3")
        .in_flight("4");
    let (outcome, _) = local.meets(&[">3", ">4"]);
    assert_eq!(outcome.found, ids(&[3, 4]));
    assert_eq!(outcome.past, ids(&[1, 2]), "cut, not lost");
    assert_eq!((outcome.unsure, outcome.missing), (vec![], vec![]));
}

#[test]
fn where_the_history_is_cut_the_count_proves_no_absence() {
    let local = Local::default()
        .fenced("ok")
        .fenced("ok")
        .in_flight("ok")
        .in_flight("ok");
    let (outcome, _) = local.meets(&[">ok"]);
    assert_eq!(outcome.missing, [], "it may have arrived: not sent again");
    assert_eq!(outcome.unsure, ids(&[3, 4, 2]));
}
