//! What people do with the app, from the first window to the last.

mod accounts;
mod fences;
mod keyring;
mod main_story;
mod trouble;

use serde_json::json;

use crate::app::App;

/// Words of the people in the stories, in the order in which things happen.
impl App {
    /// Fills in the form and sends it off.
    async fn asks_to_sign_in(&self, server: &str, name: &str) {
        self.fills("#server", server).await;
        self.fills("#username", name).await;
        self.clicks("[data-testid=sign-in-submit]").await;
    }

    /// Signs in, and waits to be there.
    async fn signs_in(&self, server: &str, name: &str) {
        self.asks_to_sign_in(server, name).await;
        self.is_online_as(name).await;
    }

    async fn is_online_as(&self, name: &str) {
        let own = format!("{}[data-self=true][data-presence=online]", entry(name));
        self.sees(&own).await;
    }

    async fn sees_presence(&self, name: &str, presence: &str) {
        self.sees(&format!("{}[data-presence={presence}]", entry(name)))
            .await;
    }

    async fn sees_unread(&self, name: &str, count: &str) {
        self.reads(&format!("{} [data-testid=unread]", entry(name)), count)
            .await;
    }

    async fn opens_conversation_with(&self, name: &str) {
        self.clicks(&entry(name)).await;
        self.reads("[data-testid=conversation-header]", name).await;
    }

    /// Writes a message and presses Enter; the field is empty then.
    async fn writes(&self, text: &str) {
        self.fills("[data-testid=composer]", text).await;
        self.presses_enter("[data-testid=composer]").await;
        self.sees_message(text).await;
        self.holds("[data-testid=composer]", "").await;
    }

    /// Waits until a message is there once, and gives how far it got.
    async fn sees_message(&self, text: &str) -> String {
        self.sees_message_in(text, &["", "queued", "sending", "sent"])
            .await
    }

    /// Waits until a message is there once and in one of these states.
    async fn sees_message_in(&self, text: &str, states: &[&str]) -> String {
        let state = self
            .until(
                "const [text, states] = args;
                 const found = [...document.querySelectorAll('[data-testid=message]')].filter(
                   (it) => it.querySelector('[data-testid=message-text]').textContent === text);
                 return found.length === 1 && states.includes(found[0].dataset.delivery)
                   && 'is ' + found[0].dataset.delivery;",
                json!([text, states]),
            )
            .await;
        let state = state.as_str().unwrap_or_default();
        state.trim_start_matches("is ").to_owned()
    }

    /// How often a text stands in the conversation at this moment.
    async fn counts(&self, text: &str) -> u64 {
        let all = self
            .until(
                "return [...document.querySelectorAll('[data-testid=message-text]')]
                   .map((it) => it.textContent)",
                json!(null),
            )
            .await;
        let all = all.as_array().expect("a list").iter();
        all.filter(|it| it.as_str() == Some(text)).count() as u64
    }
}

/// The selector of somebody in the roster.
fn entry(name: &str) -> String {
    format!("[data-testid=roster-entry][data-username=\"{name}\"]")
}
