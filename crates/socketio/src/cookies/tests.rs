use super::*;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn set(jar: &CookieJar, from: &str, cookies: &[&str]) {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
    }
    jar.keep(&headers, &url(from));
}

/// What is sent, in order of the alphabet.
fn sent(jar: &CookieJar, to: &str) -> Vec<String> {
    let header = jar.header(&url(to));
    let text = header.map(|header| header.to_str().unwrap().to_owned());
    let mut cookies: Vec<_> = text
        .iter()
        .flat_map(|text| text.split("; "))
        .map(str::to_owned)
        .collect();
    cookies.sort();
    cookies
}

const HERE: &str = "http://chat.example/socket.io/";

#[test]
fn cookies_go_where_they_belong() {
    let jar = CookieJar::new();
    set(
        &jar,
        HERE,
        &[
            "all=1; Path=/",
            "default=2",
            "elsewhere=3; Path=/admin",
            "wide=4; Domain=example; Path=/",
            "safe=5; Secure; Path=/",
            "hidden=6; HttpOnly; Path=/; SameSite=Strict",
        ],
    );
    assert_eq!(sent(&jar, HERE), ["all=1", "default=2", "hidden=6"]);
    let secure = HERE.replace("http", "https");
    assert_eq!(
        sent(&jar, &secure),
        ["all=1", "default=2", "hidden=6", "safe=5"]
    );
    assert_eq!(sent(&jar, "http://chat.example/"), ["all=1", "hidden=6"]);
    assert!(sent(&jar, "http://other.example/socket.io/").is_empty());
    let wide = CookieJar::new();
    set(&wide, HERE, &["w=1; Domain=chat.example; Path=/"]);
    assert_eq!(sent(&wide, "http://a.chat.example/"), ["w=1"]);
    assert!(sent(&wide, "http://bchat.example/").is_empty());
}

#[test]
fn they_are_replaced_and_deleted_and_end_in_time() {
    let jar = CookieJar::new();
    set(&jar, HERE, &["node=a; Path=/", "node=b; Path=/"]);
    assert_eq!(sent(&jar, HERE), ["node=b"]);
    set(&jar, HERE, &["node=; Path=/; Max-Age=0"]);
    assert!(sent(&jar, HERE).is_empty() && jar.is_empty());
    let past = "old=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    set(&jar, HERE, &["old=0; Path=/", past, "new=2; Max-Age=1000"]);
    assert_eq!(sent(&jar, HERE), ["new=2"]);
}

#[test]
fn nobody_sets_cookies_for_others() {
    let jar = CookieJar::new();
    set(
        &jar,
        HERE,
        &["a=1; Domain=other.example", "b=2; Domain=deep.chat.example"],
    );
    assert!(jar.is_empty());
}

#[test]
fn what_cannot_be_read_or_sent_is_left() {
    let jar = CookieJar::new();
    let long = format!("long={}", "x".repeat(LONGEST));
    set(&jar, HERE, &["", "=", ";;", "no-value", &long]);
    assert!(jar.is_empty(), "{jar:?}");
    let mut headers = HeaderMap::new();
    headers.append(SET_COOKIE, HeaderValue::from_bytes(b"a=\xff").unwrap());
    jar.keep(&headers, &url(HERE));
    assert!(jar.is_empty());
}

#[test]
fn the_jar_is_bounded_and_makes_room_for_new_ones() {
    let jar = CookieJar::new();
    for number in 0..1_000 {
        set(&jar, HERE, &[&format!("c{number}=1; Path=/")]);
    }
    assert_eq!(jar.len(), COUNT);
    set(&jar, HERE, &["c0=2; Path=/", "c1=; Path=/; Max-Age=0"]);
    assert_eq!(jar.len(), COUNT - 1);
    set(&jar, HERE, &["late=1; Path=/", "later=1; Path=/"]);
    assert_eq!(jar.len(), COUNT);
    let sent = sent(&jar, HERE);
    assert!(sent.contains(&"c0=2".to_owned()) && sent.contains(&"late=1".to_owned()));
    assert!(!sent.contains(&"later=1".to_owned()));
}

#[test]
fn one_name_for_many_paths_is_bounded_as_many_names_are() {
    let jar = CookieJar::new();
    for number in 0..1_000 {
        set(&jar, HERE, &[&format!("same={number}; Path=/{number}")]);
    }
    assert_eq!(jar.len(), COUNT);
    set(
        &jar,
        HERE,
        &["same=new; Path=/0", "same=; Path=/1; Max-Age=0"],
    );
    assert_eq!(jar.len(), COUNT - 1);
    assert_eq!(sent(&jar, "http://chat.example/0"), ["same=new"]);
}

#[test]
fn no_request_says_more_than_servers_take() {
    let jar = CookieJar::new();
    for number in 0..COUNT {
        let cookie = format!("c{number}={}; Path=/", "x".repeat(1_000));
        set(&jar, HERE, &[&cookie]);
    }
    let header = jar.header(&url(HERE)).unwrap();
    assert!(header.len() <= HEADER && header.len() > HEADER - 2_000);
}

#[test]
fn clones_share_and_nothing_is_shown() {
    let jar = CookieJar::new();
    let clone = jar.clone();
    set(&jar, HERE, &["secret=canary; Path=/"]);
    assert_eq!(sent(&clone, HERE), ["secret=canary"]);
    let shown = format!("{jar:?} {:?}", jar.header(&url(HERE)));
    assert!(!shown.contains("canary") && shown.contains('1'), "{shown}");
}
