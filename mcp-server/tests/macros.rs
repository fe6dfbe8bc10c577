//! What `#[tool]` accepts, and where the compiler's errors point when it does not.

#[test]
fn tools_compile_and_mistakes_are_reported_where_they_stand() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/macros/pass/*.rs");
    cases.compile_fail("tests/macros/fail/*.rs");
}
