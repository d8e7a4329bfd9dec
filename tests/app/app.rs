//! The app's window, as a person uses it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use thirtyfour::{By, Capabilities, Key, WebDriver, error::WebDriverResult};

use crate::{parts, stage};

/// How long anything may take to show. Far more than it takes: what is slower
/// than this is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running app.
pub(crate) struct App {
    driver: WebDriver,
    person: String,
}

impl App {
    pub(crate) async fn open(person: &str, port: u16, args: &[&str]) -> Self {
        let wanted = Map::from_iter([
            ("browserName".to_owned(), json!("wry")),
            (
                "tauri:options".to_owned(),
                json!({"application": parts::app(), "args": args}),
            ),
        ]);
        let wanted = Capabilities::from(wanted);
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted)
            .await
            .unwrap_or_else(|error| {
                panic!(
                    "{person}’s app: {error}; see {}",
                    stage::log(person).display()
                )
            });
        driver
            .set_script_timeout(PATIENCE * 2)
            .await
            .expect("a session");
        Self {
            driver,
            person: person.to_owned(),
        }
    }

    /// Gives the window another size.
    pub(crate) async fn makes_the_window(&self, width: u32, height: u32) {
        let done = self.driver.set_window_rect(0, 0, width, height).await;
        done.expect("a window");
        self.until("return window.innerWidth === args", json!(width))
            .await;
    }

    /// Closes the window.
    pub(crate) async fn closes(self) {
        self.driver.quit().await.expect("a session");
    }

    pub(crate) async fn loads_the_page_anew(&self) {
        self.driver.refresh().await.expect("a session");
    }

    /// Waits until a condition, the body of a function of `args`, holds in the
    /// page, looking again whenever it changes. Gives what it returned.
    pub(crate) async fn until(&self, condition: &str, args: Value) -> Value {
        let script = format!(
            "const [args, patience, done] = arguments;
             const look = () => {{ {condition} }};
             const first = look();
             if (first) return done(first);
             const observer = new MutationObserver(() => answer(look()));
             // What is in a field changes without a change of the page.
             const again = setInterval(() => answer(look()), 100);
             const timer = setTimeout(() => answer('too late'), patience);
             const answer = (found) => {{
               if (!found) return;
               observer.disconnect();
               clearInterval(again);
               clearTimeout(timer);
               done(found);
             }};
             observer.observe(document, {{
               subtree: true, childList: true, attributes: true, characterData: true,
             }});"
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            let given = vec![args.clone(), json!(PATIENCE.as_millis())];
            let result = self.driver.execute_async(script.clone(), given).await;
            match result {
                Ok(found) if found.json() != "too late" => return found.json().clone(),
                // While a page is being loaded there is none to ask.
                Err(_) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                other => self.give_up(condition, &args, other.err()).await,
            }
        }
    }

    async fn give_up(&self, condition: &str, args: &Value, error: Option<impl ToString>) -> ! {
        let failed = format!("failed-{}", self.person);
        let taken = self.screenshot(&failed).await;
        let page = self.run("return document.body.innerText", json!([])).await;
        panic!(
            "{} waited in vain for {condition} with {args} {}\nthe page says: {}\npicture: {taken:?} {}",
            self.person,
            error.map(|error| error.to_string()).unwrap_or_default(),
            page.unwrap_or_default(),
            stage::picture(&failed).display(),
        );
    }

    /// Waits until there is something visible at a selector, and gives its text.
    pub(crate) async fn sees(&self, selector: &str) -> String {
        let text = self
            .until(
                "const found = document.querySelector(args);
                 return found && found.checkVisibility() && (found.innerText.trim() || ' ');",
                json!(selector),
            )
            .await;
        text.as_str().unwrap_or_default().trim().to_owned()
    }

    /// Waits until the text at a selector has these words in it.
    pub(crate) async fn reads(&self, selector: &str, words: &str) {
        self.until(
            "const found = document.querySelector(args[0]);
             return found && found.innerText.includes(args[1]);",
            json!([selector, words]),
        )
        .await;
    }

    /// Waits until nothing is at a selector.
    pub(crate) async fn sees_no(&self, selector: &str) {
        self.until(
            "return document.querySelector(args) === null",
            json!(selector),
        )
        .await;
    }

    /// Waits until a field holds this.
    pub(crate) async fn holds(&self, selector: &str, value: &str) {
        let condition = "return document.querySelector(args[0]).value === args[1]";
        self.until(condition, json!([selector, value])).await;
    }

    /// How many there are of something at this moment.
    pub(crate) async fn count(&self, selector: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0][0]).length";
        let count = self.run(script, json!([selector])).await.expect("a page");
        count.as_u64().expect("a number")
    }

    /// Clicks on something, once it is there.
    pub(crate) async fn clicks(&self, selector: &str) {
        self.sees(selector).await;
        let found = self
            .driver
            .find(By::Css(selector))
            .await
            .expect("seen above");
        found
            .click()
            .await
            .unwrap_or_else(|error| panic!("{selector}: {error}"));
    }

    /// Types into a field, once it is there, in place of what is in it.
    pub(crate) async fn fills(&self, selector: &str, text: &str) {
        self.sees(selector).await;
        let field = self
            .driver
            .find(By::Css(selector))
            .await
            .expect("seen above");
        field.clear().await.expect("a field");
        if text.len() < 200 && text.chars().all(|char| char <= '\u{ffff}') {
            field.send_keys(text).await.expect("a field");
        } else {
            // Keys are 16 bits wide, an emoji would be lost on the way; and
            // nobody types this much.
            let script = "const [[selector, text]] = arguments;
                const field = document.querySelector(selector);
                field.value = text;
                field.dispatchEvent(new Event('input', { bubbles: true }));";
            self.run(script, json!([selector, text]))
                .await
                .expect("a page");
        }
    }

    /// Presses Enter in a field.
    pub(crate) async fn presses_enter(&self, selector: &str) {
        let field = self
            .driver
            .find(By::Css(selector))
            .await
            .expect("it is there");
        field.send_keys(Key::Enter + "").await.expect("a field");
    }

    /// What is in a field.
    pub(crate) async fn value(&self, selector: &str) -> String {
        let script = "return document.querySelector(arguments[0][0]).value";
        let value = self.run(script, json!([selector])).await.expect("a page");
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Takes a picture of the window, for people to look at.
    pub(crate) async fn picture(&self, name: &str) {
        let taken = self.screenshot(name).await;
        taken.unwrap_or_else(|error| panic!("the picture {name}: {error}"));
    }

    async fn screenshot(&self, name: &str) -> WebDriverResult<()> {
        // The driver waits for the next frame, which never comes while nothing
        // changes: so something does, that nobody can see.
        let change = "const root = document.documentElement;
            let times = 0;
            const timer = setInterval(() => {
              root.style.opacity = times % 2 === 0 ? '0.9999' : '';
              if (++times === 100) clearInterval(timer);
            }, 30);
            return true;";
        self.run(change, json!([])).await?;
        self.driver.screenshot(&stage::picture(name)).await
    }

    /// Runs the body of an asynchronous function of `args` in the page.
    pub(crate) async fn does(&self, body: &str, args: Value) -> Value {
        let script = format!(
            "const [args, done] = arguments;
             (async () => {{ {body} }})().then(done, (error) => done('rejected: ' + error));"
        );
        let done = self
            .driver
            .execute_async(script, vec![args])
            .await
            .expect("a page");
        done.json().clone()
    }

    async fn run(&self, script: &str, args: Value) -> WebDriverResult<Value> {
        let done = self.driver.execute(script, vec![args]).await?;
        Ok(done.json().clone())
    }
}
