//! The small examples are as small as they are said to be.

fn lines(program: &str) -> usize {
    let counted = |line: &&str| !line.trim().is_empty() && !line.starts_with("//!");
    program.lines().filter(counted).count()
}

#[test]
fn a_server_with_one_tool_has_ten_lines() {
    assert!(lines(include_str!("../src/bin/adder.rs")) <= 10);
}

#[test]
fn a_server_with_profiles_has_twenty_five_lines() {
    assert!(lines(include_str!("../src/bin/tiers.rs")) <= 25);
}
