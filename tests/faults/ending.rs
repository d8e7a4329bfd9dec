//! Row 20: the process is asked to end while people write.

use std::time::Duration;

use parlour_tests::{inbox, pm::Device, program::ServerProgram};

use crate::{
    database,
    setting::many,
    traffic::{Ledger, Writer, is_in_order},
};

pub(crate) async fn a_server_that_is_asked_to_end_drains_first() {
    let mut server = ServerProgram::start();
    let url = server.url();
    let ann = Device::signs_in(&url, "Ann").await.account.clone();
    let bob = Device::signs_in(&url, "Bob").await.account.clone();
    let ledger = Ledger::new();
    let writers = [(&ann, &bob, "ann"), (&bob, &ann, "bob")].map(|(from, to, name)| {
        let writer = Writer {
            url: url.clone(),
            account: from.clone(),
            to: to.user.clone(),
            name,
            window: 16,
            length: |number| number % 100,
            count: None,
        };
        tokio::spawn(writer.write(ledger.clone()))
    });
    for _ in 0..many(4, 25) {
        ledger.reaches(ledger.count() + 300).await;
        let witness = Device::resumes(&url, &bob).await;
        let (status, took) = server.terminate();
        assert_eq!(status.code(), Some(0));
        assert!(took < Duration::from_secs(10), "it took {took:?}");
        witness.ends().await;
        let bye = witness.heard(|heard| heard.bye.clone()).expect("a bye");
        assert_eq!(bye.reason, "restart");
        assert!(bye.retry_after_ms.is_some());
        let wal = server.database().with_extension("db-wal");
        assert!(!wal.exists(), "the database was not left in one file");
        database::is_sound(&database::open(&server.database()));
        server.restart();
    }
    ledger.stop();
    let mut inboxes = Vec::new();
    for (account, writer) in [&ann, &bob].into_iter().zip(writers) {
        let written = writer.await.expect("a writer");
        let inbox = Device::resumes(&url, account).await.inbox().await;
        assert_eq!(is_in_order(inbox.texts_from(&account.user)), written);
        inboxes.push(inbox);
    }
    for (account, inbox) in [&ann, &bob].into_iter().zip(&mut inboxes) {
        *inbox = Device::resumes(&url, account).await.inbox().await;
    }
    inbox::holds(&ledger.entries(), &inboxes);
}
