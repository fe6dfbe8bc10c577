//! The grammar of templates (RFC 6570, section 2).

use std::borrow::Cow;

use super::{Expression, Modifier, Operator, Part, UriTemplate, Variable, encode, is_triplet};

/// Why a text is no URI template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("URI template `{template}`, byte {position}: {problem}")]
pub struct UriTemplateError {
    template: String,
    position: usize,
    problem: Cow<'static, str>,
}

impl UriTemplateError {
    /// Where it goes wrong, in bytes from the beginning.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What is wrong there.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

pub(super) fn parse(text: String) -> Result<UriTemplate, UriTemplateError> {
    let mut reader = Reader { text: &text, names: Vec::new(), exploded: Vec::new() };
    match reader.parts() {
        Ok(parts) => {
            let names = reader.names;
            Ok(UriTemplate { text, names, parts })
        }
        Err((position, problem)) => Err(UriTemplateError { template: text, position, problem }),
    }
}

/// What is wrong, and where.
type Problem = (usize, Cow<'static, str>);

struct Reader<'a> {
    text: &'a str,
    names: Vec<String>,
    /// Whether the variable of this number is a list; such a one may appear once.
    exploded: Vec<bool>,
}

impl Reader<'_> {
    fn parts(&mut self) -> Result<Vec<Part>, Problem> {
        let text = self.text;
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let Some(inside) = rest.strip_prefix('{') else {
                let end = rest.find('{').unwrap_or(rest.len());
                parts.push(Part::Literal(literal(&rest[..end], at)?));
                at += end;
                continue;
            };
            let Some(end) = inside.find('}') else {
                return Err((at, "`{` is not closed: add `}`".into()));
            };
            parts.push(Part::Expression(self.expression(&inside[..end], at + 1)?));
            at += end + 2;
        }
        Ok(parts)
    }

    fn expression(&mut self, inside: &str, at: usize) -> Result<Expression, Problem> {
        let Some(first) = inside.chars().next() else {
            return Err((at, "there is no variable between the braces".into()));
        };
        if "=,!@|".contains(first) {
            return Err((at, format!("`{first}` is an operator of no meaning yet").into()));
        }
        let (operator, list) = match Operator::of(first) {
            Some(operator) => (operator, &inside[1..]),
            None => (Operator::Simple, inside),
        };
        let mut at = at + inside.len() - list.len();
        let mut variables = Vec::new();
        for specification in list.split(',') {
            variables.push(self.variable(specification, at)?);
            at += specification.len() + 1;
        }
        Ok(Expression { operator, variables })
    }

    fn variable(&mut self, specification: &str, at: usize) -> Result<Variable, Problem> {
        let (name, modifier) =
            match (specification.strip_suffix('*'), specification.split_once(':')) {
                (Some(name), _) => (name, Modifier::Explode),
                (None, Some((name, length))) => {
                    let is_number = !length.starts_with(['0', '+']) && length.len() <= 4;
                    let Some(length) = length.parse().ok().filter(|_| is_number) else {
                        let at = at + name.len() + 1;
                        return Err((at, format!("`{length}` is no length from 1 to 9999").into()));
                    };
                    (name, Modifier::Prefix(length))
                }
                (None, None) => (specification, Modifier::Whole),
            };
        if !is_name(name) {
            let problem = format!("`{name}` is no name of a variable: use letters, digits and `_`");
            return Err((at, problem.into()));
        }
        let is_list = modifier == Modifier::Explode;
        let name = match self.names.iter().position(|known| known == name) {
            Some(known) if is_list || self.exploded[known] => {
                let problem = format!("`{name}` is a list and appears more than once");
                return Err((at, problem.into()));
            }
            Some(known) => known,
            None => {
                self.names.push(name.to_owned());
                self.exploded.push(is_list);
                self.names.len() - 1
            }
        };
        Ok(Variable { name, modifier })
    }
}

/// A literal as it stands in a URI.
fn literal(text: &str, at: usize) -> Result<String, Problem> {
    for (offset, character) in text.char_indices() {
        let is_wrong = match character {
            '%' => !is_triplet(&text.as_bytes()[offset..]),
            ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '|' | '}' => true,
            other => other.is_control(),
        };
        if is_wrong {
            let problem = format!("{character:?} cannot stand in a URI: write it as `%` and hex");
            return Err((at + offset, problem.into()));
        }
    }
    let mut encoded = String::new();
    encode(text, true, &mut encoded);
    Ok(encoded)
}

/// `varname`: letters, digits, `_` and triplets, with dots between.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let bytes = part.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                byte if byte.is_ascii_alphanumeric() || byte == b'_' => at += 1,
                b'%' if is_triplet(&bytes[at..]) => at += 3,
                _ => return false,
            }
        }
        !bytes.is_empty()
    };
    name.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_the_grammar_is_named_with_its_place() {
        for (text, position, problem) in [
            ("a/{b", 2, "`{` is not closed: add `}`"),
            ("a}b", 1, "'}' cannot stand in a URI: write it as `%` and hex"),
            ("a b", 1, "' ' cannot stand in a URI: write it as `%` and hex"),
            ("a%2", 1, "'%' cannot stand in a URI: write it as `%` and hex"),
            ("a{}", 2, "there is no variable between the braces"),
            ("a{+}", 3, "`` is no name of a variable: use letters, digits and `_`"),
            ("{a,}", 3, "`` is no name of a variable: use letters, digits and `_`"),
            ("{a b}", 1, "`a b` is no name of a variable: use letters, digits and `_`"),
            ("{{a}}", 1, "`{a` is no name of a variable: use letters, digits and `_`"),
            ("{a..b}", 1, "`a..b` is no name of a variable: use letters, digits and `_`"),
            ("{ä}", 1, "`ä` is no name of a variable: use letters, digits and `_`"),
            ("{!a}", 1, "`!` is an operator of no meaning yet"),
            ("{a:0}", 3, "`0` is no length from 1 to 9999"),
            ("{a:10000}", 3, "`10000` is no length from 1 to 9999"),
            ("{a:+1}", 3, "`+1` is no length from 1 to 9999"),
            ("{a}{a*}", 4, "`a` is a list and appears more than once"),
        ] {
            let error = UriTemplate::parse(text).unwrap_err();
            assert_eq!((error.position(), error.problem()), (position, problem), "{text}");
        }
        let error = UriTemplate::parse("{").unwrap_err().to_string();
        assert_eq!(error, "URI template `{`, byte 0: `{` is not closed: add `}`");
    }

    #[test]
    fn names_are_listed_once_in_their_order() {
        let template = UriTemplate::parse("{b}/{a.c_1,%41}{?b,d:3,e*}").unwrap();
        assert!(template.variables().eq(["b", "a.c_1", "%41", "d", "e"]));
        assert!(template.has_variable("d") && !template.has_variable("f"));
        assert_eq!(template.literal_chars(), 1);
        assert_eq!(template.to_string(), "{b}/{a.c_1,%41}{?b,d:3,e*}");
    }
}
