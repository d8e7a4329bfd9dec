//! How deep JSON is nested, found out without going there.

/// Whether arrays and objects in `json` are nested in one another more than
/// `limit` deep; `[]` is one deep. One pass, no recursion, no memory. What is
/// not JSON gets some answer: finding that out is the parser's part.
pub(super) fn exceeds(json: &str, limit: usize) -> bool {
    // Most packets have fewer brackets than they may have levels, in strings or
    // not; counting bytes is far quicker than reading them.
    let opening = |byte: &&u8| matches!(byte, b'[' | b'{');
    if json.as_bytes().iter().filter(opening).count() <= limit {
        return false;
    }
    let mut depth = 0_usize;
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    false
}

/// Goes on behind the string that has begun.
fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    #[test]
    fn the_limit_itself_is_within_it() {
        for limit in [0, 1, 2, 64] {
            assert!(!exceeds(&nested(limit), limit));
            assert!(exceeds(&nested(limit + 1), limit));
        }
        assert!(exceeds(&"{\"a\":".repeat(1_000_000), 64));
        assert!(!exceeds(&format!("[{}]", "[],".repeat(1_000)), 2));
    }

    #[test]
    fn brackets_in_strings_are_text() {
        assert!(!exceeds(r#"["[[[[[[[["]"#, 1));
        assert!(!exceeds(r#"["\"[[[[[[[["]"#, 1));
        assert!(exceeds(r#"["\\",[[]]]"#, 2));
        assert!(!exceeds(r#"["[[[[[[[[\"#, 1), "cut off in a string");
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i32>().prop_map(Value::from),
            r#"[\[\]{}"\\a]{0,6}"#.prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((r#"[\[\]{}"a]{0,3}"#, inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_as_deep_as_it_is(value in json()) {
            let (text, depth) = (value.to_string(), depth(&value));
            prop_assert!(!exceeds(&text, depth));
            prop_assert!(depth == 0 || exceeds(&text, depth - 1));
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*", limit in 0_usize..4) {
            exceeds(&text, limit);
        }
    }
}
