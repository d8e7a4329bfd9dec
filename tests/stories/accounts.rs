//! Several accounts in one app: on one server, on several, of several kinds.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc, time::Duration};

use parlour_client::{
    AccountEntry, AccountKey, AccountState, Accounts, AccountsConfig, AccountsEvent, Answer,
    ClientEvent, Command, FailureCode, Listener, Query, secrets::FileSecrets,
};
use parlour_tests::{
    node::{Dialect, ReferenceServer},
    person::{Person, Screen, texts},
    server::TestServer,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// No story waits longer than this for one thing to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody with several accounts in one app.
struct House {
    folder: TempDir,
    running: Option<(Accounts, Listener)>,
    list: Vec<AccountEntry>,
    screens: BTreeMap<AccountKey, Screen>,
}

impl House {
    fn new() -> Self {
        let mut house = Self {
            folder: TempDir::new().expect("a folder"),
            running: None,
            list: Vec::new(),
            screens: BTreeMap::new(),
        };
        house.opens();
        house
    }

    fn profile(&self) -> std::path::PathBuf {
        self.folder.path().join("profile")
    }

    fn opens(&mut self) {
        let secrets = Arc::new(FileSecrets::new(self.secrets()));
        let config = AccountsConfig::new(self.profile(), "story", secrets);
        let accounts = Accounts::start(config).expect("the accounts start");
        let listener = accounts.subscribe();
        self.running = Some((accounts, listener));
        self.screens.clear();
    }

    async fn quits(&mut self) {
        let (accounts, _) = self.running.take().expect("the app runs");
        accounts.stop().await;
    }

    fn accounts(&self) -> &Accounts {
        &self.running.as_ref().expect("the app runs").0
    }

    fn secrets(&self) -> std::path::PathBuf {
        self.folder.path().join("secrets.json")
    }

    /// How many sessions are kept.
    fn sessions(&self) -> usize {
        let text = fs::read_to_string(self.secrets()).expect("the file of sessions");
        let kept: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&text).expect("an object");
        kept.len()
    }

    async fn until(&mut self, what: &str, shown: impl Fn(&Self) -> bool) {
        let wait = async {
            while !shown(self) {
                let (_, listener) = self.running.as_mut().expect("the app runs");
                match listener.next().await.expect("the accounts run") {
                    AccountsEvent::Accounts { accounts } => {
                        self.screens
                            .retain(|key, _| accounts.iter().any(|entry| entry.key == *key));
                        self.list = accounts;
                    }
                    AccountsEvent::Account {
                        account,
                        event: ClientEvent::Snapshot { snapshot },
                    } => {
                        self.screens.insert(account, Screen::of(snapshot));
                    }
                    AccountsEvent::Account { account, event } => {
                        let screen = self.screens.get_mut(&account);
                        screen.expect("a snapshot comes first").apply(event);
                    }
                }
            }
        };
        let waited = timeout(PATIENCE, wait).await.is_ok();
        assert!(
            waited,
            "in vain: {what}: {:?} {:#?}",
            self.list, self.screens
        );
    }

    async fn until_online(&mut self, key: AccountKey) {
        self.until("online", |house| {
            house.screens.get(&key).is_some_and(Screen::is_online)
        })
        .await;
    }

    async fn signs_in(&mut self, server: &str, name: &str) -> AccountKey {
        let key = self.accounts().add().await.expect("an account");
        let command = Command::SignIn {
            server: server.to_owned(),
            username: name.to_owned(),
            options: None,
        };
        self.accounts()
            .dispatch(key, command)
            .await
            .expect("accepted");
        self.until_online(key).await;
        key
    }

    async fn says(&mut self, key: AccountKey, to: &str, content: &str) {
        self.until("somebody in the roster", |house| {
            house.screens[&key].entry(to).is_some()
        })
        .await;
        let to = self.screens[&key].entry(to).expect("there").user_id.clone();
        let content = content.to_owned();
        let command = Command::SendMessage { to, content };
        self.accounts()
            .dispatch(key, command)
            .await
            .expect("accepted");
    }

    async fn conversation(&self, key: AccountKey, with: &str) -> Vec<String> {
        let user = self.screens[&key]
            .entry(with)
            .expect("there")
            .user_id
            .clone();
        let query = Query::Timeline {
            user,
            before: None,
            after: None,
            limit: 200,
        };
        let Answer::Timeline(page) = self.accounts().query(key, query).await.expect("a page")
        else {
            panic!("a page was asked for");
        };
        texts(&page.items)
    }

    async fn until_unread(&mut self, key: AccountKey, from: &str, count: u32) {
        self.until("unread messages", |house| {
            house.screens[&key].unread(from) == count
        })
        .await;
    }
}

#[tokio::test]
async fn two_accounts_on_two_kinds_of_server_are_apart_and_come_back() {
    let ours = TestServer::start().await;
    let theirs = ReferenceServer::start(Dialect::C);
    let mut bob = Person::signs_in("Bob", &ours.url()).await;
    let mut carol = Person::signs_in("Carol", &theirs.url()).await;
    let mut house = House::new();
    let here = house.signs_in(&ours.url(), "Alice").await;
    let there = house.signs_in(&theirs.url(), "Alice").await;
    assert_ne!(here, there);

    house.says(here, "Bob", "to Bob").await;
    house.says(there, "Carol", "to Carol").await;
    bob.sees("Alice", &["to Bob"]).await;
    carol.sees("Alice", &["to Carol"]).await;
    bob.says("Alice", "from Bob").await;
    carol.says("Alice", "from Carol").await;
    house.until_unread(here, "Bob", 1).await;
    house.until_unread(there, "Carol", 1).await;
    assert!(house.screens[&here].entry("Carol").is_none());
    assert!(house.screens[&there].entry("Bob").is_none());
    assert_eq!(house.sessions(), 2, "one for each");

    house.quits().await;
    bob.says("Alice", "while away").await;
    bob.sees_all_sent("Alice").await;
    house.opens();
    house.until_online(here).await;
    house.until_online(there).await;
    house.until_unread(here, "Bob", 2).await;
    assert_eq!(
        house.conversation(here, "Bob").await,
        ["to Bob", "from Bob", "while away"]
    );
    assert_eq!(
        house.conversation(there, "Carol").await,
        ["to Carol", "from Carol"]
    );
    house.quits().await;
}

#[tokio::test]
async fn two_accounts_on_one_server_write_to_each_other() {
    let server = TestServer::start().await;
    let mut house = House::new();
    let alice = house.signs_in(&server.url(), "Alice").await;
    let anna = house.signs_in(&server.url(), "Anna").await;
    house.says(alice, "Anna", "hello, me").await;
    house.until_unread(anna, "Alice", 1).await;
    assert_eq!(house.conversation(anna, "Alice").await, ["hello, me"]);
    assert_eq!(house.conversation(alice, "Anna").await, ["hello, me"]);
    assert_eq!(house.screens[&alice].unread("Anna"), 0);
    house.quits().await;
}

#[tokio::test]
async fn a_server_that_is_down_disturbs_no_other_account() {
    let mut down = TestServer::start().await;
    let up = TestServer::start().await;
    let mut bob = Person::signs_in("Bob", &up.url()).await;
    let mut house = House::new();
    let broken = house.signs_in(&down.url(), "Alice").await;
    let well = house.signs_in(&up.url(), "Alice").await;
    down.kill().await;
    house
        .until("the one waits", |house| {
            house.screens[&broken].reason().is_some()
        })
        .await;
    house.says(well, "Bob", "all is well").await;
    bob.sees("Alice", &["all is well"]).await;
    assert!(house.screens[&well].is_online());

    // The same at a start.
    house.quits().await;
    house.opens();
    house.until_online(well).await;
    assert!(!house.screens.get(&broken).is_some_and(Screen::is_online));
    down.restart().await;
    house.until_online(broken).await;
    house.quits().await;
}

#[tokio::test]
async fn a_removed_account_takes_its_session_along_and_nothing_else() {
    let server = TestServer::start().await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut house = House::new();
    let leaving = house.signs_in(&server.url(), "Alice").await;
    let staying = house.signs_in(&server.url(), "Anna").await;
    house.says(leaving, "Bob", "goodbye").await;
    bob.sees("Alice", &["goodbye"]).await;
    house
        .until("both are kept", |house| house.sessions() == 2)
        .await;

    house
        .accounts()
        .remove(leaving, true)
        .await
        .expect("removed");
    house
        .until("it is not listed", |house| house.list.len() == 1)
        .await;
    assert_eq!(house.sessions(), 1);
    assert!(house.screens[&staying].is_online());
    house.says(staying, "Bob", "I am still here").await;
    bob.sees("Anna", &["I am still here"]).await;
    house.quits().await;
    let kept = house
        .profile()
        .join(format!("removed/{leaving}/parlour.db"));
    assert!(kept.is_file(), "the history was put aside");

    house.opens();
    house.until_online(staying).await;
    assert_eq!(house.list.len(), 1);
    house.quits().await;
}

#[tokio::test]
async fn nobody_is_signed_in_twice() {
    let server = TestServer::start().await;
    let mut bob = Person::signs_in("Bob", &server.url()).await;
    let mut house = House::new();
    let first = house.signs_in(&server.url(), "Alice").await;
    bob.says("Alice", "once").await;
    house.until_unread(first, "Bob", 1).await;
    house.quits().await;

    // Somebody makes a copy of the account's folder.
    let copy = AccountKey(7);
    copy_folder(
        &house.profile().join(format!("accounts/{first}")),
        &house.profile().join(format!("accounts/{copy}")),
    );
    house.opens();
    house.until_online(first).await;
    house
        .until("the copy is refused", |house| {
            let twin = house.list.iter().find(|entry| entry.key == copy);
            twin.is_some_and(|entry| entry.twin == Some(first))
                && house
                    .screens
                    .get(&copy)
                    .is_some_and(|screen| screen.reason() == Some(FailureCode::AlreadySignedIn))
        })
        .await;
    assert!(
        house
            .list
            .iter()
            .all(|entry| entry.state == AccountState::Running)
    );
    bob.says("Alice", "twice").await;
    house.until_unread(first, "Bob", 2).await;
    assert_eq!(house.conversation(first, "Bob").await, ["once", "twice"]);
    assert_eq!(
        house.conversation(copy, "Bob").await,
        ["once"],
        "nothing was lost there"
    );
    house.quits().await;
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let file = entry.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}
