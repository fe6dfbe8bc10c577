//! Doc comments as text for the model.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of doc comments: without the blank after `///`, and without empty lines around it.
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
    lines.join("\n").trim_matches('\n').trim().to_owned()
}

/// Whether the attribute is a doc comment.
pub(crate) fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}
