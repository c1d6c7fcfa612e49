//! Text that programs say, made fit for the log: PostgreSQL's JSON takes no NUL, and nobody reads a megabyte.

const LINE: usize = 2000;
const LINES: usize = 200;

/// One line, not longer than a screen or two.
pub(crate) fn line(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LINE).collect()
}

/// The last lines: why a program ended stands at its end.
pub(crate) fn last_lines(lines: &[String]) -> Vec<String> {
    lines[lines.len().saturating_sub(LINES)..].iter().map(|text| line(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgresql_cannot_keep_is_left_out() {
        assert_eq!(line("a\0b"), "ab");
        assert_eq!(line(&"é".repeat(3000)).chars().count(), 2000);
    }

    #[test]
    fn the_end_of_a_long_log_is_kept() {
        let log: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
        let kept = last_lines(&log);
        assert_eq!((kept.len(), kept[0].as_str(), kept[199].as_str()), (200, "800", "999"));
    }
}
