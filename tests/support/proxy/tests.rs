use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout},
};

use super::*;

const SOON: Duration = Duration::from_secs(5);

/// Both ends of a connection through a line with one fault after 10 bytes up.
struct Ends {
    proxy: Proxy,
    client: TcpStream,
    server: TcpStream,
}

impl Ends {
    async fn with(fault: Fault, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let troubles = Troubles {
            faults: vec![fault],
            up: 10..11,
            down: 10..11,
            late: Duration::from_millis(400),
            manners: vec![manner],
        };
        // A seed that counts the bytes up.
        let proxy = Proxy::to(&url, 1, troubles).await;
        proxy.begins();
        let address = proxy.url().replace("http://", "");
        let client = TcpStream::connect(address).await.expect("a connection");
        let (server, _) = listener.accept().await.expect("a connection");
        Self {
            proxy,
            client,
            server,
        }
    }

    async fn client_writes(&mut self, text: &str) {
        let written = self.client.write_all(text.as_bytes()).await;
        written.expect("written");
    }
}

/// What comes until the end.
async fn whole(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end, too.
    let _ = timeout(SOON, stream.read_to_end(&mut text))
        .await
        .expect("an end");
    String::from_utf8(text).expect("text")
}

async fn some(stream: &mut TcpStream, count: usize) -> String {
    let mut text = vec![0; count];
    let read = timeout(SOON, stream.read_exact(&mut text)).await;
    read.expect("in time").expect("bytes");
    String::from_utf8(text).expect("text")
}

/// Whether nothing comes, not even an end, for a while.
async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(300), stream.read(&mut [0]))
        .await
        .is_err()
}

#[tokio::test]
async fn a_cut_ends_both_sides_amid_the_bytes() {
    let mut ends = Ends::with(Fault::Cut, Manner::Prompt).await;
    ends.client_writes("0123456789abc").await;
    assert_eq!(whole(&mut ends.server).await, "0123456789");
    assert_eq!(whole(&mut ends.client).await, "");
    assert_eq!(ends.proxy.faults(), [(Fault::Cut, 1)].into());
}

#[tokio::test]
async fn late_bytes_come_after_the_client_saw_the_end() {
    let mut ends = Ends::with(Fault::Late, Manner::Prompt).await;
    let begun = Instant::now();
    ends.client_writes("0123456789abc").await;
    assert_eq!(some(&mut ends.server, 10).await, "0123456789");
    ends.client_writes("def").await;
    assert_eq!(whole(&mut ends.client).await, "");
    let ended = begun.elapsed();
    assert_eq!(some(&mut ends.server, 6).await, "abcdef");
    assert!(begun.elapsed() > ended);
    assert!(is_silent(&mut ends.server).await, "and stays open");
}

#[tokio::test]
async fn half_closed_ways_leave_the_other_open() {
    let mut ends = Ends::with(Fault::HalfCloseUp, Manner::Prompt).await;
    ends.client_writes("0123456789abc").await;
    assert_eq!(whole(&mut ends.server).await, "0123456789");
    ends.server.write_all(b"still here").await.expect("written");
    assert_eq!(some(&mut ends.client, 10).await, "still here");

    let mut ends = Ends::with(Fault::HalfCloseDown, Manner::Prompt).await;
    ends.client_writes("0123456789abc").await;
    assert_eq!(whole(&mut ends.client).await, "");
    ends.client_writes("def").await;
    assert_eq!(some(&mut ends.server, 16).await, "0123456789abcdef");
}

#[tokio::test]
async fn one_side_may_see_an_end_that_the_other_does_not() {
    let mut ends = Ends::with(Fault::CutNear, Manner::Prompt).await;
    ends.client_writes("0123456789abc").await;
    assert_eq!(some(&mut ends.server, 10).await, "0123456789");
    assert_eq!(whole(&mut ends.client).await, "");
    assert!(is_silent(&mut ends.server).await);

    let mut ends = Ends::with(Fault::CutFar, Manner::Prompt).await;
    ends.client_writes("0123456789abc").await;
    assert_eq!(whole(&mut ends.server).await, "0123456789");
    assert!(is_silent(&mut ends.client).await);
}

#[tokio::test]
async fn what_is_swallowed_ends_nothing() {
    for (fault, up, down) in [
        (Fault::Swallow, true, true),
        (Fault::SwallowUp, true, false),
        (Fault::SwallowDown, false, true),
    ] {
        let mut ends = Ends::with(fault, Manner::Prompt).await;
        ends.client_writes("0123456789abc").await;
        assert_eq!(some(&mut ends.server, 10).await, "0123456789");
        assert_eq!(is_silent(&mut ends.server).await, up, "{fault:?}");
        ends.server.write_all(b"hello").await.expect("written");
        assert_eq!(is_silent(&mut ends.client).await, down, "{fault:?}");
    }
}

#[tokio::test]
async fn slow_lines_lose_nothing() {
    for manner in Manner::ALL {
        let mut ends = Ends::with(Fault::Reset, manner).await;
        ends.proxy.is_mended();
        let text = "0123456789".repeat(1_000);
        ends.client_writes(&text).await;
        assert_eq!(some(&mut ends.server, text.len()).await, text);
        assert_eq!(ends.proxy.count(), 0);
    }
}

#[tokio::test]
async fn nothing_happens_before_it_begins() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let proxy = Proxy::to(&url, 1, Troubles::cuts(1..2)).await;
    let address = proxy.url().replace("http://", "");
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let (mut server, _) = listener.accept().await.expect("a connection");
    client.write_all(b"hello").await.expect("written");
    assert_eq!(some(&mut server, 5).await, "hello");
    proxy.begins();
    for _ in 0..2 {
        let _ = client.write_all(b"x").await;
        let _ = server.write_all(b"x").await;
    }
    let _ = whole(&mut client).await;
    assert_eq!(proxy.count(), 1);
}
