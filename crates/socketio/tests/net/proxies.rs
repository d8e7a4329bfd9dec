//! Proxies: small, real, and honest about what they were asked.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use rustls::ServerConfig;
use tokio::{
    io::{self, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// What a proxy leads to, and for whom.
#[derive(Clone)]
pub(crate) struct House {
    /// Whatever is asked for, this is where it leads.
    pub(crate) leads_to: SocketAddr,
    /// Only who says this is let through.
    pub(crate) sign_in: Option<(&'static str, &'static str)>,
}

/// A running proxy; ends with its owner, and all its connections with it.
pub(crate) struct TestProxy {
    pub(crate) addr: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestProxy {
    pub(crate) async fn http(house: House) -> Self {
        Self::start(None, house, Kind::Http).await
    }

    pub(crate) async fn https(house: House, tls: Arc<ServerConfig>) -> Self {
        Self::start(Some(tls.into()), house, Kind::Http).await
    }

    pub(crate) async fn socks(house: House) -> Self {
        Self::start(None, house, Kind::Socks).await
    }

    async fn start(tls: Option<TlsAcceptor>, house: House, kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            // Dropped with this task, and all it has begun with it.
            let mut lines = JoinSet::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (tls, house, heard) = (tls.clone(), house.clone(), Arc::clone(&heard));
                lines.spawn(async move {
                    // A client that leaves ends its own line, and nothing else.
                    let _ = match tls {
                        Some(tls) => match tls.accept(tcp).await {
                            Ok(tcp) => serve(tcp, kind, &house, &heard).await,
                            Err(error) => Err(error),
                        },
                        None => serve(tcp, kind, &house, &heard).await,
                    };
                });
            }
        });
        Self { addr, asked, task }
    }

    /// What was asked of it so far: places, and for HTTP whole heads.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Http,
    Socks,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    kind: Kind,
    house: &House,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let accepted = match kind {
        Kind::Http => http(&mut client, house, asked).await?,
        Kind::Socks => socks(&mut client, house, asked).await?,
    };
    if accepted {
        let mut server = TcpStream::connect(house.leads_to).await?;
        copy_bidirectional(&mut client, &mut server).await?;
    }
    client.shutdown().await
}

async fn http<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    house: &House,
    asked: &Mutex<Vec<String>>,
) -> io::Result<bool> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let right = house.sign_in.is_none_or(|(user, password)| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let wanted = STANDARD.encode(format!("{user}:{password}"));
        head.contains(&format!("\r\nProxy-Authorization: Basic {wanted}\r\n"))
    });
    asked.lock().unwrap().push(head);
    let answer: &[u8] = if right {
        b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n"
    } else {
        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 4\r\n\r\nno!\n"
    };
    client.write_all(answer).await?;
    Ok(right)
}

async fn socks<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    house: &House,
    asked: &Mutex<Vec<String>>,
) -> io::Result<bool> {
    match client.read_u8().await? {
        4 => socks_four(client, house, asked).await,
        5 => socks_five(client, house, asked).await,
        other => panic!("version {other}"),
    }
}

/// RFC 1928, with the sign-in of RFC 1929.
async fn socks_five<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    house: &House,
    asked: &Mutex<Vec<String>>,
) -> io::Result<bool> {
    let methods = text(client).await?;
    let method = if house.sign_in.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        client.write_all(&[5, 0xff]).await?;
        return Ok(false);
    }
    client.write_all(&[5, method]).await?;
    if let Some((user, password)) = house.sign_in {
        assert_eq!(client.read_u8().await?, 1);
        let said = (text(client).await?, text(client).await?);
        let right = said == (user.as_bytes().to_vec(), password.as_bytes().to_vec());
        client.write_all(&[1, u8::from(!right)]).await?;
        if !right {
            return Ok(false);
        }
    }
    let mut head = [0; 4];
    client.read_exact(&mut head).await?;
    assert_eq!(head[..3], [5, 1, 0]);
    let host = match head[3] {
        1 => IpAddr::from(Ipv4Addr::from(client.read_u32().await?)).to_string(),
        4 => IpAddr::from(Ipv6Addr::from(client.read_u128().await?)).to_string(),
        3 => String::from_utf8(text(client).await?).unwrap(),
        other => panic!("address type {other}"),
    };
    let port = client.read_u16().await?;
    asked.lock().unwrap().push(format!("{host} {port}"));
    // Bound to a name, as some say it.
    client
        .write_all(b"\x05\x00\x00\x03\x04here\x00\x50")
        .await?;
    Ok(true)
}

async fn socks_four<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    house: &House,
    asked: &Mutex<Vec<String>>,
) -> io::Result<bool> {
    assert_eq!(client.read_u8().await?, 1);
    let port = client.read_u16().await?;
    let address = Ipv4Addr::from(client.read_u32().await?);
    let user = terminated(client).await?;
    // Version 4a: an address that cannot be means that a name follows.
    let host = match address.octets() {
        [0, 0, 0, last] if last != 0 => terminated(client).await?,
        _ => address.to_string(),
    };
    let right = house.sign_in.is_none_or(|(wanted, _)| wanted == user);
    asked.lock().unwrap().push(format!("{host} {port}"));
    let answer = if right { 0x5a } else { 0x5d };
    client.write_all(&[0, answer, 0, 0, 0, 0, 0, 0]).await?;
    Ok(right)
}

/// Bytes with their number before them.
async fn text<S: AsyncRead + Unpin>(client: &mut S) -> io::Result<Vec<u8>> {
    let mut text = vec![0; client.read_u8().await?.into()];
    client.read_exact(&mut text).await?;
    Ok(text)
}

/// A text that ends with a zero.
async fn terminated<S: AsyncRead + Unpin>(client: &mut S) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match client.read_u8().await? {
            0 => return Ok(String::from_utf8(text).unwrap()),
            byte => text.push(byte),
        }
    }
}
