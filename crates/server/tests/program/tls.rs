//! TLS from files.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::process::Program;

/// Writes a new pair, and gives the certificate.
pub(crate) fn certificate(cert: &Path, key: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    fs::write(cert, made.cert.pem()).expect("written");
    fs::write(key, made.signing_key.serialize_pem()).expect("written");
    made.cert.der().clone()
}

async fn asks(addr: SocketAddr, trusted: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TcpStream::connect(addr).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, stream).await?;
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    // Not every server says goodbye in TLS after one in HTTP.
    let _ = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_read_on_a_signal() {
    let folder = tempfile::tempdir().expect("folder");
    let (cert, key) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    let first = certificate(&cert, &key);
    let flags = [
        "--tls-cert",
        cert.to_str().expect("text"),
        "--tls-key",
        key.to_str().expect("text"),
    ];
    let mut program = Program::with(&folder.path().join("data"), &flags, &[]);
    assert!(
        program
            .announced
            .starts_with("server listening at https://")
    );
    let answer = asks(program.addr, &first).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    // A bad one changes nothing.
    let key_of_first = fs::read(&key).expect("a file");
    let second = certificate(&cert, &key);
    let key_of_second = fs::read(&key).expect("a file");
    fs::write(&key, key_of_first).expect("written");
    program.signal("HUP");
    program.logs("does not belong to the certificate");
    assert!(asks(program.addr, &first).await.is_ok());

    fs::write(&key, key_of_second).expect("written");
    program.signal("HUP");
    program.logs("read the certificate again");
    assert!(asks(program.addr, &second).await.is_ok());
    assert!(asks(program.addr, &first).await.is_err());
    program.stops();
}
