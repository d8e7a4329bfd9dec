//! Lists for people.

use std::fmt::Write as _;

use crate::admin::{AdminSession, AdminUser};

/// The head of the list of users. The name comes last: it may be of any width.
pub(super) const USERS: &str =
    "id                first sign-in         last seen             here  banned  name\n";

/// A line for each.
pub(super) fn users(users: &[AdminUser]) -> String {
    users.iter().fold(String::new(), |mut text, user| {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:16}  {}  {}  {:4}  {:6}  {}",
            user.id,
            time(user.created_ms),
            time(user.last_seen_ms),
            user.connections,
            if user.banned { "yes" } else { "no" },
            user.name
        );
        text
    })
}

/// A line for each, with a head. What a client calls itself is its own word.
pub(super) fn sessions(sessions: &[AdminSession]) -> String {
    let head = "session           since                 last used             client\n".to_owned();
    sessions.iter().fold(head, |mut text, session| {
        let client: String = session.client.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(
            text,
            "{:16}  {}  {}  {client}",
            session.id,
            time(session.created_ms),
            time(session.used_ms),
        );
        text
    })
}

/// A moment in UTC, as `2026-11-20T16:07:00Z`.
fn time(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The date of a day counted from 1970-01-01. Years are counted from March, so
/// that the leap day is the last of its year, in eras of 400 years.
fn date(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use parlour_protocol::UserId;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (951_868_800_000, "2000-03-01T00:00:00Z"),
            (1_700_000_000_999, "2023-11-14T22:13:20Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(time(ms), text);
        }
    }

    #[test]
    fn lists_are_lines() {
        let user = AdminUser {
            id: UserId::new("0123456789abcdef"),
            name: "Ann".to_owned(),
            created_ms: 0,
            last_seen_ms: 1000,
            banned: false,
            connections: 2,
        };
        assert_eq!(
            users(&[user]),
            "0123456789abcdef  1970-01-01T00:00:00Z  1970-01-01T00:00:01Z     2  no      Ann\n"
        );
        let session = AdminSession {
            id: "fedcba9876543210".to_owned(),
            created_ms: 0,
            used_ms: 0,
            client: "evil\u{1b}[31m".to_owned(),
        };
        let list = sessions(&[session]);
        assert!(list.ends_with("1970-01-01T00:00:00Z  evil[31m\n"), "{list}");
    }
}
