//! Somebody who is at home in two places.

use parlour_tests::node::{Dialect, ReferenceServer};
use serde_json::json;

use crate::{
    app::App,
    desktop::{Keyring, Person},
    server::Server,
};

const RAIL: &str = "[data-testid=accounts]";

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_on_two_servers_in_one_window_stay_apart() {
    let ours = Server::start();
    let theirs = ReferenceServer::start(Dialect::C);
    let (kim, lee) = (Person::new("kim"), Person::new("lee"));
    let kim_login = kim.logs_in(Keyring::Unlocked).await;
    let lee_login = lee.logs_in(Keyring::Unlocked).await;

    // While there is one account nothing tells of several.
    let kim = kim_login.opens_parlour(&[]).await;
    kim.signs_in(&ours.address(), "Kim").await;
    assert_eq!(kim.count(RAIL).await, 0);
    kim.clicks("[data-testid=add-account]").await;
    kim.sees(RAIL).await;
    kim.sees("[data-testid=sign-in]").await;
    kim.picture("30-another-account").await;
    kim.signs_in(&theirs.url(), "Kimberly").await;
    assert_eq!(kim.accounts().await, 2);

    let lee = lee_login.opens_parlour(&[]).await;
    lee.signs_in(&ours.address(), "Lee").await;
    lee.clicks("[data-testid=add-account]").await;
    lee.signs_in(&theirs.url(), "Leander").await;

    // On the second server they know nothing of the first.
    kim.sees_presence("Leander", "online").await;
    assert_eq!(kim.count(&super::entry("Lee")).await, 0);
    kim.opens_conversation_with("Leander").await;
    kim.writes("Here we are other people").await;
    kim.sees_message_in("Here we are other people", &["sent"])
        .await;
    lee.opens_conversation_with("Kimberly").await;
    lee.sees_message_in("Here we are other people", &[""]).await;
    lee.writes("So we are").await;
    kim.sees_message_in("So we are", &[""]).await;

    // On the first neither; and what comes there is counted at its account.
    kim.shows_account(0, "Kim").await;
    assert_eq!(kim.count(&super::entry("Leander")).await, 0);
    kim.opens_conversation_with("Lee").await;
    kim.writes("At work?").await;
    kim.writes("I am").await;
    kim.sees_message_in("I am", &["sent"]).await;
    assert_eq!(kim.counts("So we are").await, 0);
    lee.sees_unread_at_account(0, "2").await;
    assert_eq!(lee.counts("At work?").await, 0);
    lee.picture("31-unread-elsewhere").await;
    lee.shows_account(0, "Lee").await;
    lee.opens_conversation_with("Kim").await;
    lee.sees_message_in("At work?", &[""]).await;
    lee.sees_message_in("I am", &[""]).await;
    lee.sees_no("[data-testid=account-unread]").await;
    lee.writes("Me too").await;
    kim.sees_message_in("Me too", &[""]).await;
    kim.picture("32-two-accounts").await;
    kim.makes_the_window(440, 600).await;
    kim.picture("34-narrow").await;
    kim.clicks("[data-testid=back]").await;
    kim.picture("35-narrow-people").await;
    kim.makes_the_window(1080, 740).await;
    kim.opens_conversation_with("Lee").await;

    // What is half written stays where it was, while another account is shown.
    kim.fills("[data-testid=composer]", "Lunch at").await;
    kim.shows_account(1, "Kimberly").await;
    kim.sees_message_in("So we are", &[""]).await;
    kim.holds("[data-testid=composer]", "").await;
    kim.shows_account(0, "Kim").await;
    kim.holds("[data-testid=composer]", "Lunch at").await;

    // After a restart both are there, signed in, with what was said in each;
    // also with what came in between.
    kim.closes().await;
    lee.sees_presence("Kim", "offline").await;
    lee.writes("Where did you go?").await;
    lee.sees_message_in("Where did you go?", &["sent"]).await;
    let kim = kim_login.opens_parlour(&[]).await;
    kim.sees(RAIL).await;
    assert_eq!(kim.accounts().await, 2);
    kim.shows_account(1, "Kimberly").await;
    kim.sees_unread_at_account(0, "1").await;
    kim.opens_conversation_with("Leander").await;
    kim.sees_message_in("Here we are other people", &["sent"])
        .await;
    kim.sees_message_in("So we are", &[""]).await;
    kim.shows_account(0, "Kim").await;
    kim.opens_conversation_with("Lee").await;
    kim.sees_message_in("At work?", &["sent"]).await;
    kim.sees_message_in("Where did you go?", &[""]).await;
    assert_eq!(kim.counts("Me too").await, 1);
    kim.holds("[data-testid=composer]", "Lunch at").await;
    kim.sees_no("[data-testid=account-unread]").await;

    // One is removed; the other does not notice, also at the next start.
    kim.shows_account(1, "Kimberly").await;
    kim.clicks("[data-testid=remove-account]").await;
    kim.sees("[data-testid=remove-account-keep]").await;
    kim.picture("33-remove-account").await;
    kim.clicks("[data-testid=remove-account-keep]").await;
    kim.sees_no(RAIL).await;
    kim.is_online_as("Kim").await;
    kim.closes().await;
    let kim = kim_login.opens_parlour(&[]).await;
    kim.is_online_as("Kim").await;
    assert_eq!(kim.count(RAIL).await, 0);
    kim.opens_conversation_with("Lee").await;
    kim.sees_message_in("Where did you go?", &[""]).await;
}

impl App {
    /// How many accounts the rail has.
    async fn accounts(&self) -> u64 {
        self.count("[data-testid=account]").await
    }

    /// Goes to an account by its place in the rail, and waits to be there.
    async fn shows_account(&self, place: usize, name: &str) {
        self.until(
            "const found = document.querySelectorAll('[data-testid=account]')[args];
             found?.click();
             return found !== undefined;",
            json!(place),
        )
        .await;
        self.is_online_as(name).await;
    }

    /// Waits until the mark of an account in the rail says this.
    async fn sees_unread_at_account(&self, place: usize, count: &str) {
        self.until(
            "const [place, count] = args;
             const found = document.querySelectorAll('[data-testid=account]')[place];
             const mark = found?.querySelector('[data-testid=account-unread]');
             return mark?.innerText.trim() === count;",
            json!([place, count]),
        )
        .await;
    }
}
