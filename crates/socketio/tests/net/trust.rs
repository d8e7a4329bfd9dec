//! Whom a client believes, and what it says of others.

use std::sync::Arc;

use parlour_socketio::{
    CertificateDer, ConnectError, ConnectOptions, Distrust, Pin, Roots, connect, server::Running,
};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};

use crate::{
    certificates::{Authority, Identity},
    stage::{fails, server, soon, talks, to},
};

const HERE: &str = "127.0.0.1";

/// A server with this identity, and how to reach it with these roots.
fn secure(identity: &Identity, roots: Roots) -> (Running, ConnectOptions) {
    let server = server(Some(identity.config()));
    let mut options = to(&server, "https");
    options.roots = roots;
    (server, options)
}

fn only(authority: &Authority) -> Roots {
    Roots::Only(vec![authority.certificate()])
}

fn pin(certificate: &CertificateDer<'_>) -> Pin {
    Pin::of_certificate(certificate).unwrap()
}

/// The server is refused for this reason, with its key named; and whoever then
/// trusts that key gets in, whatever else is wrong.
async fn is_distrusted(identity: &Identity, roots: Roots, expected: Distrust) {
    let (_server, mut options) = secure(identity, roots);
    let error = fails(options.clone()).await;
    let ConnectError::Untrusted { reason, pin: shown } = error else {
        panic!("{error:?}");
    };
    assert_eq!(reason, expected);
    assert_eq!(shown, pin(&identity.certificate));
    assert!(error.to_string().contains(&expected.to_string()), "{error}");
    options.pin = Some(shown);
    talks(options).await;
}

#[tokio::test]
async fn an_authority_one_names_is_believed() {
    let authority = Authority::new("ours");
    let identity = authority.issues(HERE, |_| {});
    let (_server, mut options) = secure(&identity, only(&authority));
    talks(options.clone()).await;
    options.roots = Roots::SystemAnd(vec![authority.certificate()]);
    talks(options).await;
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_with_the_reason() {
    let (authority, other) = (Authority::new("ours"), Authority::new("theirs"));
    is_distrusted(
        &authority.issues(HERE, |_| {}),
        only(&other),
        Distrust::UnknownIssuer,
    )
    .await;
    is_distrusted(
        &Identity::own(HERE, |_| {}),
        Roots::System,
        Distrust::UnknownIssuer,
    )
    .await;
    let expired = authority.issues(HERE, |params| params.not_after = date_time_ymd(2020, 1, 1));
    is_distrusted(&expired, only(&authority), Distrust::Expired).await;
    let early = authority.issues(HERE, |params| params.not_before = date_time_ymd(4000, 1, 1));
    is_distrusted(&early, only(&authority), Distrust::NotYetValid).await;
    let elsewhere = authority.issues("elsewhere.example", |_| {});
    is_distrusted(&elsewhere, only(&authority), Distrust::WrongName).await;
    let client = authority.issues(HERE, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    is_distrusted(&client, only(&authority), Distrust::WrongPurpose).await;
    let impostor = Authority::new("ours").issues(HERE, |_| {});
    is_distrusted(&impostor, only(&authority), Distrust::BadSignature).await;
}

#[tokio::test]
async fn a_servers_own_certificate_is_believed_when_given() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let given = |identity: &Identity| Roots::Only(vec![identity.certificate.clone()]);
        let identity = Identity::own(HERE, |params| params.is_ca = is_ca);
        let (_server, options) = secure(&identity, given(&identity));
        talks(options).await;
        // It stands for its name and its time, and no others.
        let elsewhere = Identity::own("elsewhere.example", |params| params.is_ca = is_ca);
        is_distrusted(&elsewhere, given(&elsewhere), Distrust::WrongName).await;
        let expired = Identity::own(HERE, |params| {
            params.is_ca = is_ca;
            params.not_after = date_time_ymd(2020, 1, 1);
        });
        is_distrusted(&expired, given(&expired), Distrust::Expired).await;
    }
    let authority = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = Identity::own(HERE, |params| params.is_ca = authority);
    let other = Authority::new("other");
    is_distrusted(&own, only(&other), Distrust::Authority).await;
}

#[tokio::test]
async fn with_a_pin_the_key_alone_decides() {
    let authority = Authority::new("ours");
    let identity = authority.issues(HERE, |_| {});
    let (_server, mut options) = secure(&identity, only(&authority));
    let wrong = Pin::of_key(b"another");
    options.pin = Some(wrong);
    let error = fails(options.clone()).await;
    assert!(
        matches!(error, ConnectError::Untrusted { reason: Distrust::OtherKey, pin: shown }
            if shown == pin(&identity.certificate)),
        "an authority does not stand in for the key: {error:?}"
    );
    options.roots = Roots::Only(Vec::new());
    options.pin = Some(pin(&identity.certificate));
    talks(options).await;
}

#[tokio::test]
async fn who_shows_a_certificate_must_have_its_key() {
    let identity = Identity::own(HERE, |_| {});
    let stolen = KeyPair::generate().unwrap();
    for version in rustls::ALL_VERSIONS {
        let config = identity.config_signing_with(&stolen, &[version], &[]);
        let server = server(Some(Arc::new(config)));
        let mut options = to(&server, "https");
        options.pin = Some(pin(&identity.certificate));
        let by_pin = fails(options.clone()).await;
        assert!(matches!(by_pin, ConnectError::Tls(_)), "{by_pin:?}");
        options.pin = None;
        options.roots = Roots::Only(vec![identity.certificate.clone()]);
        let by_roots = fails(options).await;
        assert!(matches!(by_roots, ConnectError::Tls(_)), "{by_roots:?}");
    }
}

#[tokio::test]
async fn both_versions_of_tls_and_one_protocol_inside_are_spoken() {
    let identity = Identity::own(HERE, |_| {});
    let reach = |server: &Running| {
        let mut options = to(server, "https");
        options.pin = Some(pin(&identity.certificate));
        options
    };
    for version in rustls::ALL_VERSIONS {
        for protocols in [&[][..], &[b"http/1.1".as_slice()], &[b"h2", b"http/1.1"]] {
            let config = identity.config_of(&[version], protocols);
            let server = server(Some(Arc::new(config)));
            talks(reach(&server)).await;
        }
        let config = identity.config_of(&[version], &[b"h2"]);
        let server = server(Some(Arc::new(config)));
        let error = fails(reach(&server)).await;
        assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    }
}

#[tokio::test]
async fn roots_that_can_vouch_for_nobody_are_an_error_of_their_own() {
    let identity = Identity::own(HERE, |_| {});
    let damaged = CertificateDer::from(identity.certificate[..100].to_vec());
    for roots in [
        Roots::Only(Vec::new()),
        Roots::Only(vec![damaged.clone()]),
        Roots::SystemAnd(vec![damaged.clone()]),
    ] {
        let (_server, options) = secure(&identity, roots);
        let error = soon(connect(options)).await.unwrap_err();
        assert!(
            matches!(&error, ConnectError::Tls(why) if why.contains("to check by")),
            "{error:?}"
        );
    }
}
