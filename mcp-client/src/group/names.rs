//! Names that are unique in a group: `server__item`.
//!
//! Pure, and the same for the same servers and items whatever the order they came in. A name made
//! of a valid server name and a valid item name is these two and nothing else, and is taken apart
//! at its first `__`. Where something had to be changed, a digest of what it was is added, so that
//! two names do not become one.

use mcp_core::types::is_valid_tool_name;

/// What stands between server and item.
const BETWEEN: &str = "__";
/// The longest name, in bytes (2025-11-25 and later, server, "Tools").
const LONGEST: usize = 128;
/// The longest part of it for the server.
const LONGEST_SERVER: usize = 48;

/// How the names of a server's items begin.
pub(super) fn prefix(server: &str) -> String {
    // A name with `__` in it, or with `_` at its end, would be taken apart in another place.
    let exact = is_valid_tool_name(server)
        && server.len() <= LONGEST_SERVER
        && !server.contains(BETWEEN)
        && !server.ends_with('_');
    if exact {
        return server.to_owned() + BETWEEN;
    }
    let mut clean = cleaned(server);
    while clean.contains(BETWEEN) {
        clean = clean.replace(BETWEEN, "_");
    }
    format!("{}{BETWEEN}", marked(&clean, server, LONGEST_SERVER))
}

/// The name of an item of the server with this prefix.
pub(super) fn qualified(prefix: &str, item: &str) -> String {
    match is_valid_tool_name(item) && prefix.len() + item.len() <= LONGEST {
        true => format!("{prefix}{item}"),
        false => altered(prefix, item, 0),
    }
}

/// Another name for an item whose own is taken, the `attempt`th.
pub(super) fn altered(prefix: &str, item: &str, attempt: u32) -> String {
    let digested = match attempt {
        0 => item.to_owned(),
        attempt => format!("{item}\0{attempt}"),
    };
    format!("{prefix}{}", marked(&cleaned(item), &digested, LONGEST - prefix.len()))
}

/// The beginning of a clean name and a digest of the original, together no longer than this.
fn marked(clean: &str, original: &str, longest: usize) -> String {
    let kept = clean.len().min(longest.saturating_sub(DIGEST + 1));
    let kept = clean.get(..kept).unwrap_or_default().trim_end_matches('_');
    format!("{kept}_{:08x}", digest(original)).trim_start_matches('_').to_owned()
}

/// Every character that is not allowed, replaced.
fn cleaned(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// FNV-1a, which is the same everywhere and for ever.
fn digest(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// How many characters a digest has.
const DIGEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(server: &str, item: &str) -> String {
        qualified(&prefix(server), item)
    }

    #[test]
    fn valid_names_are_joined_as_they_are() {
        for (server, item, expected) in [
            ("files", "read", "files__read"),
            ("my-files.v2", "read_all", "my-files.v2__read_all"),
            ("a", "_b", "a___b"),
            ("a", "b__c", "a__b__c"),
        ] {
            assert_eq!(name(server, item), expected);
        }
    }

    #[test]
    fn names_that_had_to_be_changed_stay_apart() {
        let pairs = [
            ("a", "b c"),
            ("a", "b_c"),
            ("a", "b/c"),
            ("a b", "c"),
            ("a_b", "c"),
            ("a__b", "c"),
            ("a", "b__c"),
            ("a_", "b"),
            ("a", "_b"),
            ("", "b"),
            ("a", ""),
            ("größe", "ß"),
            ("grüße", "ß"),
            ("__", "x"),
            ("_", "x"),
        ];
        let mut names: Vec<_> = pairs.iter().map(|(server, item)| name(server, item)).collect();
        assert!(names.iter().all(|name| is_valid_tool_name(name)), "{names:?}");
        assert!(name("a b", "c").starts_with("a_b_"), "{}", name("a b", "c"));
        names.sort();
        names.dedup();
        assert_eq!(names.len(), pairs.len());
    }

    #[test]
    fn names_are_at_most_128_characters_long() {
        let long = "x".repeat(500);
        for (server, item) in [("a", &*long), (&*long, "b"), (&*long, &*long)] {
            let name = name(server, item);
            assert!(is_valid_tool_name(&name), "{name}");
        }
        assert_ne!(name("a", &long), name("a", &"x".repeat(501)));
        let fits = "y".repeat(LONGEST - "a__".len());
        assert_eq!(name("a", &fits), format!("a__{fits}"));
        assert!(is_valid_tool_name(&altered(&prefix(&long), &long, 7)));
    }

    #[test]
    fn names_do_not_change_between_versions() {
        assert_eq!(name("my files", "read it"), "my_files_11cf38f4__read_it_4dd83fe2");
    }
}
