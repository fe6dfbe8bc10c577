//! Doc comments as text for the model.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of doc comments: without the blank after `///`, without empty lines around it, and with
/// each paragraph in one line, as rustdoc reads it. Lists, tables, headings and code keep their
/// lines.
pub(crate) fn of(attributes: &[Attribute]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value {
            let text = text.value();
            lines.extend(text.split('\n').map(|line| {
                let line = line.strip_prefix(' ').unwrap_or(line);
                line.trim_end().to_owned()
            }));
        }
    }
    unwrapped(&lines).trim_matches('\n').trim().to_owned()
}

/// Whether the attribute is a doc comment.
pub(crate) fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

/// Joins the lines of each paragraph.
fn unwrapped(lines: &[String]) -> String {
    let mut text = String::new();
    let mut is_code = false;
    let mut goes_on = false;
    for line in lines {
        let is_fence = line.trim_start().starts_with("```");
        let is_prose = !is_code && !is_fence && !stands_alone(line);
        if !text.is_empty() {
            text.push(if goes_on && is_prose { ' ' } else { '\n' });
        }
        text.push_str(line);
        is_code ^= is_fence;
        // The line behind a list item belongs to it, unless it is indented.
        goes_on = !is_code && !is_fence && !line.is_empty() && !line.starts_with(['#', '|', ' ']);
    }
    text
}

/// Whether a line does not go on where the one before it ended.
fn stands_alone(line: &str) -> bool {
    let behind_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.is_empty()
        || line.starts_with([' ', '\t', '#', '|', '>'])
        || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
        || (behind_number.len() < line.len() && behind_number.starts_with(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_one_line_each() {
        let attributes: Vec<Attribute> = vec![
            syn::parse_quote!(#[doc = " Removes a title"]),
            syn::parse_quote!(#[doc = " from the catalogue."]),
            syn::parse_quote!(#[doc = ""]),
            syn::parse_quote!(#[doc = " For good."]),
        ];
        assert_eq!(of(&attributes), "Removes a title from the catalogue.\n\nFor good.");
    }

    #[test]
    fn lists_and_code_keep_their_lines() {
        let of = |text: &str| of(&[syn::parse_quote!(#[doc = #text])]);
        let kept = "One of:\n- this\n- that\n\n1. first\n2. second";
        assert_eq!(of(kept), kept);
        let code = "So:\n```\na\nb\n```\nThat was it.";
        assert_eq!(of(code), code);
        assert_eq!(of("# Title\nText\ngoes on"), "# Title\nText goes on");
        assert_eq!(of("| a | b |\n| - | - |"), "| a | b |\n| - | - |");
    }
}
