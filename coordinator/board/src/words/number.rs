//! Numbers and spans of time, as people say them.

/// A number with what it counts: `1 task`, `2 tasks`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A span of time for people: `42 s`, `3 min 05 s`, `2 h 10 min`.
pub fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        assert_eq!(span(0.4), "0 s");
        assert_eq!(span(185.0), "3 min 05 s");
        assert_eq!(span(7_800.0), "2 h 10 min");
    }

    #[test]
    fn a_count_agrees_with_its_word() {
        let tasks = |number| counted(number, "task", "tasks");
        assert_eq!([tasks(0), tasks(1), tasks(2)], ["0 tasks", "1 task", "2 tasks"]);
    }
}
