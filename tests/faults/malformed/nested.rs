//! JSON that is deep, long or strange.

/// `[[[[…]]]]`.
pub(super) fn arrays(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// `{"a":{"a":…}}`.
pub(super) fn objects(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

/// Values where something else belongs: of every kind, and on every edge.
pub(super) fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-1",
        "1.5",
        "1e999",
        "-1e999",
        "1e-999",
        "18446744073709551616",
        "99999999999999999999999999999999999999999999",
        r#""""#,
        r#"" ""#,
        r#""\u0000""#,
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\u202e\u200b\ufeff""#,
        r#""__proto__""#,
        "[]",
        "[null]",
        "[[[]]]",
        "{}",
        r#"{"a":1}"#,
        r#"{"":""}"#,
        r#"{"__proto__":{"content":"x","to":"y"}}"#,
        r#"{"constructor":{"prototype":{"ok":true}}}"#,
        r#"{"toString":null,"hasOwnProperty":1,"length":-1}"#,
        r#"{"_placeholder":true,"num":0}"#,
        r#"{"content":1,"content":2,"content":3}"#,
    ]
    .map(str::to_owned)
    .to_vec();
    values.push(arrays(100));
    values.push(arrays(10_000));
    values.push(objects(10_000));
    values.push(format!("\"{}\"", "x".repeat(60_000)));
    values.push(format!("[{}1]", "1,".repeat(20_000)));
    values.push("9".repeat(50_000));
    values
}
