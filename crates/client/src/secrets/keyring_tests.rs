//! The keyring's answers, as a mock gives them. The real one is driven by the
//! app tests.

use keyring_core::mock;

use super::*;

/// A keyring with one entry, `bob`, which can be told to fail once.
struct Mock {
    store: Arc<mock::Store>,
    secrets: KeyringSecrets,
}

fn mock() -> Mock {
    let store = mock::Store::new().unwrap();
    let opened = store.clone();
    let secrets = KeyringSecrets {
        open: Box::new(move || Ok(opened.clone())),
    };
    secrets.save("bob", &SessionId::new("c0ffee")).unwrap();
    Mock { store, secrets }
}

impl Mock {
    fn fails_once(&self, error: Error) -> &KeyringSecrets {
        let store: &CredentialStore = self.store.as_ref();
        let entry = store.build(SERVICE, "bob", None).unwrap();
        let cred: &mock::Cred = entry.as_any().downcast_ref().unwrap();
        cred.set_error(error);
        &self.secrets
    }
}

#[test]
fn keeps_replaces_and_forgets_by_account() {
    let Mock { secrets, .. } = mock();
    assert_eq!(secrets.load("eve"), Ok(None));
    assert_eq!(secrets.load("bob"), Ok(Some(SessionId::new("c0ffee"))));
    secrets.save("bob", &SessionId::new("two")).unwrap();
    assert_eq!(secrets.load("bob"), Ok(Some(SessionId::new("two"))));
    secrets.delete("bob").unwrap();
    secrets.delete("bob").unwrap();
    assert_eq!(secrets.load("bob"), Ok(None));
}

#[test]
fn no_bus_or_no_service_is_a_missing_keyring() {
    let secrets = KeyringSecrets {
        open: Box::new(|| Err(Error::PlatformFailure("no bus".into()))),
    };
    assert_eq!(secrets.load("bob"), Err(SecretError::Missing));
    assert_eq!(
        secrets.save("bob", &SessionId::new("one")),
        Err(SecretError::Missing)
    );
    assert_eq!(secrets.delete("bob"), Err(SecretError::Missing));
}

#[test]
fn denied_access_is_a_locked_keyring_and_passes() {
    let mock = mock();
    let denied = || Error::NoStorageAccess("prompt dismissed".into());
    let locked = mock.fails_once(denied()).load("bob");
    assert_eq!(locked, Err(SecretError::Locked));
    let locked = mock
        .fails_once(denied())
        .save("bob", &SessionId::new("two"));
    assert_eq!(locked, Err(SecretError::Locked));
    assert_eq!(
        mock.fails_once(denied()).delete("bob"),
        Err(SecretError::Locked)
    );
    assert_eq!(mock.secrets.load("bob"), Ok(Some(SessionId::new("c0ffee"))));
}

#[cfg(target_os = "linux")]
#[test]
fn the_secret_service_tells_locked_from_never_made() {
    let answers = [
        (secret_service::Error::Prompt, SecretError::Locked),
        (secret_service::Error::Locked, SecretError::Locked),
        (secret_service::Error::NoResult, SecretError::Missing),
        (secret_service::Error::Unavailable, SecretError::Missing),
    ];
    for (answer, meaning) in answers {
        let result = mock()
            .fails_once(Error::NoStorageAccess(Box::new(answer)))
            .save("bob", &SessionId::new("two"));
        assert_eq!(result, Err(meaning));
    }
}

#[test]
fn other_failures_are_quoted_without_the_entry() {
    let mock = mock();
    for error in [
        Error::PlatformFailure("the daemon is gone".into()),
        Error::BadEncoding(b"c0ffee".to_vec()),
        Error::BadDataFormat(b"c0ffee".to_vec(), "c0ffee".into()),
        Error::Ambiguous(Vec::new()),
        Error::TooLong("secret".into(), 7),
    ] {
        match mock.fails_once(error).load("bob") {
            Err(SecretError::Failed(text)) => assert!(!text.contains("c0ffee"), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}
