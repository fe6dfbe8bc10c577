//! From values to a URI (RFC 6570, section 3).

use super::{Expression, Modifier, Part, UriTemplate, encode};

/// The URI; `values` has a list for each of the template's names.
pub(super) fn expand<V: AsRef<str>>(template: &UriTemplate, values: &[Vec<V>]) -> String {
    let mut uri = String::with_capacity(template.text.len());
    for part in &template.parts {
        match part {
            Part::Literal(text) => uri.push_str(text),
            Part::Expression(expression) => {
                expand_expression(expression, &template.names, values, &mut uri);
            }
        }
    }
    uri
}

fn expand_expression<V: AsRef<str>>(
    expression: &Expression,
    names: &[String],
    values: &[Vec<V>],
    uri: &mut String,
) {
    let Expression { operator, variables } = expression;
    let separator = operator.separator();
    let mut before = operator.first();
    for variable in variables {
        let values = &values[variable.name];
        let name = operator.names_values().then(|| names[variable.name].as_str());
        // The items of a list that is one value have a comma between them, all else the separator.
        let is_exploded = variable.modifier == Modifier::Explode;
        for (at, value) in values.iter().map(AsRef::as_ref).enumerate() {
            if at > 0 && !is_exploded {
                uri.push(',');
            } else {
                uri.extend(before);
                before = Some(separator);
                uri.push_str(name.unwrap_or_default());
                let is_empty = value.is_empty() && (is_exploded || values.len() == 1);
                if name.is_some() && !(is_empty && separator == ';') {
                    uri.push('=');
                }
            }
            let value = match variable.modifier {
                Modifier::Prefix(length) if values.len() == 1 => first_chars(value, length),
                _ => value,
            };
            encode(value, operator.keeps_reserved(), uri);
        }
    }
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strings and the list of RFC 6570, section 3.2.
    const VALUES: &[(&str, &str)] = &[
        ("count", "one"),
        ("count", "two"),
        ("count", "three"),
        ("dub", "me/too"),
        ("hello", "Hello World!"),
        ("half", "50%"),
        ("var", "value"),
        ("who", "fred"),
        ("base", "http://example.com/home/"),
        ("path", "/foo/bar"),
        ("list", "red"),
        ("list", "green"),
        ("list", "blue"),
        ("v", "6"),
        ("x", "1024"),
        ("y", "768"),
        ("empty", ""),
    ];

    #[test]
    fn the_examples_of_the_standard_expand_as_it_says() {
        for (template, uri) in [
            ("{count}", "one,two,three"),
            ("{count*}", "one,two,three"),
            ("{/count}", "/one,two,three"),
            ("{/count*}", "/one/two/three"),
            ("{;count}", ";count=one,two,three"),
            ("{;count*}", ";count=one;count=two;count=three"),
            ("{?count}", "?count=one,two,three"),
            ("{?count*}", "?count=one&count=two&count=three"),
            ("{&count*}", "&count=one&count=two&count=three"),
            ("{var}", "value"),
            ("{hello}", "Hello%20World%21"),
            ("{half}", "50%25"),
            ("O{empty}X", "OX"),
            ("O{undef}X", "OX"),
            ("{x,y}", "1024,768"),
            ("{x,hello,y}", "1024,Hello%20World%21,768"),
            ("?{x,empty}", "?1024,"),
            ("?{x,undef}", "?1024"),
            ("?{undef,y}", "?768"),
            ("{var:3}", "val"),
            ("{var:30}", "value"),
            ("{list}", "red,green,blue"),
            ("{+var}", "value"),
            ("{+hello}", "Hello%20World!"),
            ("{+half}", "50%25"),
            ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
            ("{+base}index", "http://example.com/home/index"),
            ("O{+empty}X", "OX"),
            ("up{+path}{var}/here", "up/foo/barvalue/here"),
            ("{+x,hello,y}", "1024,Hello%20World!,768"),
            ("{+path,x}/here", "/foo/bar,1024/here"),
            ("{+path:6}/here", "/foo/b/here"),
            ("{+list*}", "red,green,blue"),
            ("{#var}", "#value"),
            ("{#half}", "#50%25"),
            ("foo{#empty}", "foo#"),
            ("foo{#undef}", "foo"),
            ("{#x,hello,y}", "#1024,Hello%20World!,768"),
            ("{#path:6}here", "#/foo/bhere"),
            ("{.who}", ".fred"),
            ("{.who,who}", ".fred.fred"),
            ("{.half,who}", ".50%25.fred"),
            ("X{.var:3}", "X.val"),
            ("X{.empty}", "X."),
            ("X{.undef}", "X"),
            ("X{.list}", "X.red,green,blue"),
            ("X{.list*}", "X.red.green.blue"),
            ("{/who,dub}", "/fred/me%2Ftoo"),
            ("{/var,empty}", "/value/"),
            ("{/var,undef}", "/value"),
            ("{/var:1,var}", "/v/value"),
            ("{;who}", ";who=fred"),
            ("{;half}", ";half=50%25"),
            ("{;empty}", ";empty"),
            ("{;v,empty,who}", ";v=6;empty;who=fred"),
            ("{;hello:5}", ";hello=Hello"),
            ("{?who}", "?who=fred"),
            ("{?x,y,empty}", "?x=1024&y=768&empty="),
            ("{?x,y,undef}", "?x=1024&y=768"),
            ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
            ("{&var:3}", "&var=val"),
            ("ü{var}", "%C3%BCvalue"),
            ("%C3%BC{var}", "%C3%BCvalue"),
        ] {
            let template = UriTemplate::parse(template).unwrap();
            assert_eq!(template.expand(VALUES.iter().copied()), uri, "{template}");
        }
    }
}
