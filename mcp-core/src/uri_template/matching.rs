//! From a URI to the values that make it.
//!
//! A template is a small machine that walks over the URI: inside a value it can take one more
//! character, or go on to what follows. Which of its states lead to the end is found out once for
//! each position, from the last to the first; after that the walk from the left never turns back.

use std::borrow::Cow;

use super::{Expression, Modifier, Operator, Part, UriTemplate, Variable, is_triplet};

/// The longest URI that is matched, in bytes.
pub const MAX_URI_BYTES: usize = 64 * 1024;

/// The values that a URI has for the variables of a template, decoded.
///
/// They come in the order of the template. A variable that the URI leaves out is not there, and a
/// list is there once for each item.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UriVariables<'a> {
    pairs: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> UriVariables<'a> {
    /// The value of a variable; of a list the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a str, &str)> {
        self.pairs.iter().map(|(name, value)| (*name, &**value))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none, as for a template without variables.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

impl<'a> IntoIterator for UriVariables<'a> {
    type Item = (&'a str, Cow<'a, str>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs.into_iter()
    }
}

pub(super) fn matches<'a>(template: &'a UriTemplate, uri: &'a str) -> Option<UriVariables<'a>> {
    // Most templates are told apart by how they begin.
    if let Some(Part::Literal(text)) = template.parts.first()
        && !uri.starts_with(text)
    {
        return None;
    }
    if let Some(Part::Literal(text)) = template.parts.last()
        && !uri.ends_with(text)
    {
        return None;
    }
    if uri.len() > MAX_URI_BYTES {
        return None;
    }
    let taken = Machine::new(template, uri).run()?;
    values(template, taken)
}

/// Where the machine is in the template.
#[derive(Clone, Copy)]
enum State<'a> {
    Literal(&'a str),
    /// Before an expression, whose values and what follows it come next in the list of states.
    Before(&'a Expression),
    /// In the value of the variable of this number.
    Within(&'a Expression, usize),
    End,
}

/// The next state and position, and where a value begins, if one does.
struct Step {
    state: usize,
    at: usize,
    value: Option<usize>,
}

/// A value as it stands in the URI.
struct Taken<'a> {
    variable: Variable,
    text: &'a str,
}

struct Machine<'a> {
    names: &'a [String],
    uri: &'a str,
    states: Vec<State<'a>>,
}

impl<'a> Machine<'a> {
    fn new(template: &'a UriTemplate, uri: &'a str) -> Self {
        let mut states = Vec::new();
        for part in &template.parts {
            match part {
                Part::Literal(text) => states.push(State::Literal(text)),
                Part::Expression(expression) => {
                    states.push(State::Before(expression));
                    let numbers = 0..expression.variables.len();
                    states.extend(numbers.map(|number| State::Within(expression, number)));
                }
            }
        }
        states.push(State::End);
        Self { names: &template.names, uri, states }
    }

    fn run(&self) -> Option<Vec<Taken<'a>>> {
        let reach = Reach::of(self);
        let mut taken = Vec::new();
        let mut open: Option<(Variable, usize)> = None;
        let (mut state, mut at) = (0, 0);
        if !reach.leads_to_end(state, at) {
            return None;
        }
        while !matches!(self.states[state], State::End) {
            let step = self.step(state, at, |state, at| reach.leads_to_end(state, at))?;
            if step.state != state || step.value.is_some() {
                let closed = open.take();
                let text = |(variable, from)| Taken { variable, text: &self.uri[from..at] };
                taken.extend(closed.map(text));
            }
            if let (Some(from), State::Within(expression, number)) =
                (step.value, self.states[step.state])
            {
                open = Some((expression.variables[number], from));
            }
            (state, at) = (step.state, step.at);
        }
        Some(taken)
    }

    /// The first possible step whose target is `good`. A value rather grows than ends.
    fn step(&self, state: usize, at: usize, good: impl Fn(usize, usize) -> bool) -> Option<Step> {
        let to = |state: usize, at: usize, value: Option<usize>| {
            good(state, at).then_some(Step { state, at, value })
        };
        match self.states[state] {
            State::End => None,
            State::Literal(text) => {
                let rest = self.uri.as_bytes().get(at..)?;
                let is_there = rest.starts_with(text.as_bytes());
                is_there.then(|| to(state + 1, at + text.len(), None)).flatten()
            }
            State::Before(expression) => {
                let values = state + 1;
                let behind = values + expression.variables.len();
                let Some(first) = expression.operator.first() else {
                    let end = self.character(expression, at)?;
                    return to(values, end, Some(at));
                };
                self.enter(expression, first, 0, values, at, &to).or_else(|| to(behind, at, None))
            }
            State::Within(expression, number) => {
                let values = state - number;
                let behind = values + expression.variables.len();
                let separator = expression.operator.separator();
                let grow = || to(state, self.character(expression, at)?, None);
                let next = || {
                    let again = expression.variables[number].modifier == Modifier::Explode;
                    let again = again && !expression.operator.names_values();
                    let same = || self.enter(expression, separator, number, values, at, &to);
                    let other = || self.enter(expression, separator, number + 1, values, at, &to);
                    again.then(same).flatten().or_else(other)
                };
                grow().or_else(next).or_else(|| to(behind, at, None))
            }
        }
    }

    /// Goes over `before`, and over a name where values have names, into a value.
    ///
    /// Without names it is the value of the variable `number`.
    fn enter(
        &self,
        expression: &Expression,
        before: char,
        number: usize,
        values: usize,
        at: usize,
        to: &impl Fn(usize, usize, Option<usize>) -> Option<Step>,
    ) -> Option<Step> {
        let rest = self.uri.get(at..)?.strip_prefix(before)?;
        if !expression.operator.names_values() {
            let from = at + before.len_utf8();
            let exists = number < expression.variables.len();
            return exists.then(|| to(values + number, from, Some(from))).flatten();
        }
        expression.variables.iter().enumerate().find_map(|(number, variable)| {
            let rest = rest.strip_prefix(self.names[variable.name].as_str())?;
            let value = rest.strip_prefix('=');
            let from = self.uri.len() - value.unwrap_or(rest).len();
            // A name alone is an empty value, unless it is only the beginning of a longer name.
            let is_whole = value.is_some() || self.character(expression, from).is_none();
            is_whole.then(|| to(values + number, from, Some(from))).flatten()
        })
    }

    /// Where the character of a value that begins at `at` ends, if there is one.
    fn character(&self, expression: &Expression, at: usize) -> Option<usize> {
        let rest = self.uri.get(at..)?;
        let character = rest.chars().next()?;
        if character == '%' {
            return is_triplet(rest.as_bytes()).then_some(at + 3);
        }
        let ends_part = match expression.operator {
            Operator::Reserved | Operator::Fragment => false,
            Operator::Query | Operator::Continuation => matches!(character, '&' | '#'),
            Operator::Parameters => matches!(character, '/' | '?' | '#' | ';'),
            Operator::Simple | Operator::Label | Operator::Path => {
                matches!(character, '/' | '?' | '#')
            }
        };
        let separates = character == expression.operator.separator()
            && match &expression.variables[..] {
                [only] => only.modifier == Modifier::Explode,
                _ => true,
            };
        (!ends_part && !separates).then_some(at + character.len_utf8())
    }
}

/// From which state at which position the end can be reached.
struct Reach {
    /// One bit a state, `words` for each position.
    bits: Vec<u64>,
    words: usize,
}

impl Reach {
    fn of(machine: &Machine<'_>) -> Self {
        let words = machine.states.len().div_ceil(64);
        let mut reach = Self { bits: vec![0; words * (machine.uri.len() + 1)], words };
        reach.set(machine.states.len() - 1, machine.uri.len());
        for at in (0..=machine.uri.len()).rev() {
            if !machine.uri.is_char_boundary(at) {
                continue;
            }
            // Steps that stay at a position go to later states.
            for state in (0..machine.states.len()).rev() {
                let good = |state, at| reach.leads_to_end(state, at);
                if machine.step(state, at, good).is_some() {
                    reach.set(state, at);
                }
            }
        }
        reach
    }

    fn leads_to_end(&self, state: usize, at: usize) -> bool {
        let word = self.bits.get(at * self.words + state / 64);
        word.is_some_and(|word| word & (1 << (state % 64)) != 0)
    }

    fn set(&mut self, state: usize, at: usize) {
        if let Some(word) = self.bits.get_mut(at * self.words + state / 64) {
            *word |= 1 << (state % 64);
        }
    }
}

/// Decodes what was taken, and makes one value of what a variable has at several places.
fn values<'a>(template: &'a UriTemplate, mut taken: Vec<Taken<'a>>) -> Option<UriVariables<'a>> {
    taken.sort_by_key(|taken| taken.variable.name);
    let mut pairs: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(taken.len());
    // Whether the last value may only be the beginning of the whole one.
    let mut is_prefix = false;
    for Taken { variable, text } in taken {
        let value = decode(text)?;
        let name = template.names[variable.name].as_str();
        let modifier = variable.modifier;
        if let Modifier::Prefix(length) = modifier
            && value.chars().nth(length).is_some()
        {
            return None;
        }
        let now_prefix = matches!(modifier, Modifier::Prefix(_));
        match pairs.last_mut() {
            Some((known, last)) if *known == name && modifier != Modifier::Explode => {
                let agrees = match (is_prefix, now_prefix) {
                    (false, false) => *last == value,
                    (true, false) => value.starts_with(&**last),
                    (false, true) => last.starts_with(&*value),
                    (true, true) => value.starts_with(&**last) || last.starts_with(&*value),
                };
                if !agrees {
                    return None;
                }
                if value.len() > last.len() {
                    *last = value;
                }
                is_prefix &= now_prefix;
            }
            _ => {
                pairs.push((name, value));
                is_prefix = now_prefix;
            }
        }
    }
    Some(UriVariables { pairs })
}

/// Text without triplets; `None` when they are no UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match rest {
            [b'%', high, low, behind @ ..] => {
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matched(template: &str, uri: &str) -> Option<Vec<(String, String)>> {
        let template = UriTemplate::parse(template).unwrap();
        let values = template.matches(uri)?;
        Some(values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[track_caller]
    fn assert_matches(template: &str, uri: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(matched(template, uri), Some(expected), "{template} and {uri}");
    }

    #[test]
    fn simple_variables_end_with_their_part() {
        let subtitles = "vidsrus://titles/{id}/subtitles/{lang}";
        let uri = "vidsrus://titles/7/subtitles/pt-BR";
        assert_matches(subtitles, uri, &[("id", "7"), ("lang", "pt-BR")]);
        for uri in [
            "vidsrus://titles/7/subtitles/",
            "vidsrus://titles//subtitles/de",
            "vidsrus://titles/7/8/subtitles/de",
            "vidsrus://titles/7/subtitles/de/x",
            "vidsrus://titles/7/subtitles/de?x",
            "vidsrus://titles/7/subtitles/%zz",
            "vidsrus://titles/7/subtitles/%ff",
            "vidsrus://titles/7/subtitles/a%4",
            "other://titles/7/subtitles/de",
            "",
        ] {
            assert_eq!(matched(subtitles, uri), None, "{uri}");
        }
        assert_matches("a/{b}", "a/x%2Fy%C3%a4ä@:,", &[("b", "x/yää@:,")]);
        assert_matches("fixed", "fixed", &[]);
        assert_eq!(matched("fixed", "fixed?"), None);
        assert_matches("", "", &[]);
        assert_eq!(matched("", "a"), None);
    }

    #[test]
    fn variables_are_filled_from_left_to_right_and_leave_the_rest_a_match() {
        assert_matches("{name}.{kind}", "a.tar.gz", &[("name", "a.tar"), ("kind", "gz")]);
        assert_matches("f:{+path}/{name}", "f:a/b/c", &[("path", "a/b"), ("name", "c")]);
        assert_matches("f:{+path}.txt", "f:a.txt.txt", &[("path", "a.txt")]);
        assert_matches("{a}{b}", "äöü", &[("a", "äö"), ("b", "ü")]);
        assert_matches("{a,b}", "1,2", &[("a", "1"), ("b", "2")]);
        assert_matches("{a,b}", "1", &[("a", "1")]);
        assert_matches("{a,b}", "1,", &[("a", "1"), ("b", "")]);
        assert_eq!(matched("{a,b}", "1,2,3"), None);
        assert_eq!(matched("{a,b}", ""), None);
    }

    #[test]
    fn what_has_a_prefix_may_be_absent() {
        assert_matches("a{/b,c}", "a", &[]);
        assert_matches("a{/b,c}", "a/1", &[("b", "1")]);
        assert_matches("a{/b,c}", "a/1/", &[("b", "1"), ("c", "")]);
        assert_matches("a{#b}", "a#x/y?z#,", &[("b", "x/y?z#,")]);
        assert_matches("a{#b}", "a", &[]);
        assert_matches("a{.b}", "a.tar.gz", &[("b", "tar.gz")]);
        assert_matches("a{.b,c}", "a.tar.gz", &[("b", "tar"), ("c", "gz")]);
        assert_matches("a{;b,c}/d", "a;c=1;b/d", &[("b", ""), ("c", "1")]);
    }

    #[test]
    fn parameters_of_a_query_come_in_any_order() {
        let search = "s{?q,page,pages}";
        assert_matches(search, "s", &[]);
        assert_matches(search, "s?page=2&q=a/b?c", &[("q", "a/b?c"), ("page", "2")]);
        assert_matches(search, "s?pages=1&page=2", &[("page", "2"), ("pages", "1")]);
        assert_matches(search, "s?q", &[("q", "")]);
        assert_matches(search, "s?q=", &[("q", "")]);
        assert_matches(search, "s?q=1&q=1", &[("q", "1")]);
        for uri in ["s?", "s?other=1", "s?q=1&other=1", "s?q=1&q=2", "s&q=1", "s?q=1#x", "s?pagex"]
        {
            assert_eq!(matched(search, uri), None, "{uri}");
        }
        let more = "s?fixed=yes{&q}";
        assert_matches(more, "s?fixed=yes&q=1", &[("q", "1")]);
        assert_matches(more, "s?fixed=yes", &[]);
    }

    #[test]
    fn lists_are_taken_apart() {
        assert_matches("f{/path*}", "f/a/b", &[("path", "a"), ("path", "b")]);
        assert_matches("f{/path*}/end", "f/a/end/end", &[("path", "a"), ("path", "end")]);
        assert_matches("f{/path*}", "f", &[]);
        assert_matches("{list*}", "a,b", &[("list", "a"), ("list", "b")]);
        let tags = &[("tag", "a"), ("tag", "b"), ("year", "1922")];
        assert_matches("s{?tag*,year}", "s?tag=a&year=1922&tag=b", tags);
        assert_matches("f{/a*,b}", "f/1/2", &[("a", "1"), ("a", "2")]);
    }

    #[test]
    fn a_variable_that_appears_twice_has_one_value() {
        assert_matches("{a}/{a}", "x/x", &[("a", "x")]);
        assert_matches("{a}/{a}", "x/%78", &[("a", "x")]);
        assert_eq!(matched("{a}/{a}", "x/y"), None);
        assert_matches("{a:1}/{a}", "f/fred", &[("a", "fred")]);
        assert_matches("{a}/{a:1}", "fred/f", &[("a", "fred")]);
        assert_matches("{a:1}/{a:2}", "f/fr", &[("a", "fr")]);
        assert_eq!(matched("{a:1}/{a}", "g/fred"), None);
        assert_eq!(matched("{a:1}/{a}", "fr/fred"), None);
        assert_matches("{a:2}", "äö", &[("a", "äö")]);
    }

    #[test]
    fn long_uris_take_time_in_proportion_and_have_a_bound() {
        let template = UriTemplate::parse("{a}{b}{c}{d}{e}{f}{g}{h}x").unwrap();
        assert!(template.matches(&"x".repeat(MAX_URI_BYTES)).is_some());
        assert!(template.matches(&"y".repeat(MAX_URI_BYTES)).is_none());
        assert!(template.matches(&"x".repeat(MAX_URI_BYTES + 1)).is_none());
        let template = UriTemplate::parse("{+a}aaaaaaaaab{+c}").unwrap();
        assert!(template.matches(&"a".repeat(MAX_URI_BYTES)).is_none());
    }

    #[test]
    fn more_states_than_fit_into_a_word_are_kept() {
        let text: String = (0..100).map(|number| format!("/{{v{number}}}")).collect();
        let template = UriTemplate::parse(text).unwrap();
        let values: Vec<_> = (0..100).map(|number| (format!("v{number}"), "x")).collect();
        let uri = template.expand(values);
        assert_eq!(template.matches(&uri).map(|values| values.len()), Some(100));
    }

    proptest! {
        #[test]
        fn nothing_received_panics(template in "[a-c{}+#./;?&,*:1-3%]{0,20}", uri in "[a-cä{}+#./;?&,*:1-3%=]{0,30}") {
            if let Ok(template) = UriTemplate::parse(template) {
                let _ = template.matches(&uri);
            }
        }

        #[test]
        fn what_was_expanded_matches_with_the_same_values(
            id in "\\PC{1,12}",
            lang in "\\PC{0,12}",
            path in proptest::collection::vec("\\PC{0,6}", 0..4),
            query in proptest::option::of("\\PC{0,12}"),
            fragment in proptest::option::of("[^%]{0,12}"),
        ) {
            let template =
                UriTemplate::parse("x://{id}/s/{lang:12}x{/path*}{?query,id}{#fragment}").unwrap();
            let mut values = vec![("id", id)];
            if !lang.is_empty() {
                values.push(("lang", lang.clone()));
            }
            values.extend(path.into_iter().map(|item| ("path", item)));
            values.extend(query.map(|query| ("query", query)));
            values.extend(fragment.map(|fragment| ("fragment", fragment)));
            let uri = template.expand(values.iter().map(|(name, value)| (name, value)));
            match template.matches(&uri) {
                Some(found) => {
                    let found: Vec<_> =
                        found.iter().map(|(name, value)| (name, value.to_owned())).collect();
                    prop_assert_eq!(found, values);
                }
                None => prop_assert!(lang.is_empty(), "{} does not match", uri),
            }
        }

        #[test]
        fn what_matches_expands_to_a_uri_that_matches_the_same(uri in "f:[a-c/.,?&#=%2]{0,16}") {
            for template in ["f:{a}/{b}", "f:{+a}.{b}", "f:{/a*}{?b,c*}{#d}", "f:{a:2}{.b,c}"] {
                let template = UriTemplate::parse(template).unwrap();
                if let Some(values) = template.matches(&uri) {
                    let again = template.expand(values.iter());
                    prop_assert_eq!(template.matches(&again), Some(values.clone()), "{} {}", template, again);
                }
            }
        }
    }
}
