//! A form, field by field.

use mcp_core::types::{ElicitRequestFormParams, ElicitResult};
use serde_json::{Map, Value};

use super::dialog::Dialog;
use super::field::{self, Entered};
use crate::output::paint::{Ink, Paint};
use crate::output::plain;

/// Asks for every field, then whether to send what was filled in.
pub(super) async fn fill(
    dialog: &mut impl Dialog,
    form: &ElicitRequestFormParams,
    paint: Paint,
) -> ElicitResult {
    dialog.say(&format!("{}\n", paint.paint(Ink::Bold, &plain::lines(&form.message))));
    dialog.say(&paint.paint(Ink::Dim, HELP));
    dialog.say("\n");
    let schema = &form.requested_schema;
    let mut content = Map::new();
    for (name, field) in schema.properties() {
        let required = schema.is_required(name);
        dialog.say(&field::describe(name, field, required, paint));
        loop {
            let question = field::question(field);
            let Some(line) = dialog.ask(&question).await else { return ElicitResult::cancel() };
            match field::read(&line, field, required) {
                Entered::Value(value) => {
                    content.insert(name.to_owned(), value);
                    break;
                }
                Entered::Nothing => break,
                Entered::Decline => return ElicitResult::decline(),
                Entered::Cancel => return ElicitResult::cancel(),
                Entered::Wrong(problem) => {
                    let problem = plain::one_line(&problem);
                    dialog.say(&format!("    {}\n", paint.paint(Ink::Bad, &problem)));
                }
            }
        }
    }
    confirm(dialog, &content, paint).await
}

/// Shows everything once more: this is the last moment to say no.
async fn confirm(
    dialog: &mut impl Dialog,
    content: &Map<String, Value>,
    paint: Paint,
) -> ElicitResult {
    loop {
        for (name, value) in content {
            let line = format!("  {name} = {value}");
            dialog.say(&format!("{}\n", paint.paint(Ink::Dim, &plain::one_line(&line))));
        }
        let Some(line) = dialog.ask("Send it to the server? [Y, n to decline] ").await else {
            return ElicitResult::cancel();
        };
        match line.trim().to_lowercase().as_str() {
            "" | "y" | "yes" => return ElicitResult::accept(content.clone()),
            "n" | "no" | "!decline" => return ElicitResult::decline(),
            "!cancel" => return ElicitResult::cancel(),
            _ => {}
        }
    }
}

const HELP: &str = "an empty line takes what is in brackets; !decline says no, !cancel stops, !! begins a text with !";

#[cfg(test)]
mod tests {
    use mcp_core::types::{
        BooleanSchema, ElicitAction, ElicitationSchema, MultiSelectEnumSchema, NumberSchema,
        SingleSelectEnumSchema, StringFormat, StringSchema,
    };
    use serde_json::json;

    use super::super::dialog::Script;
    use super::*;

    fn form() -> ElicitRequestFormParams {
        let schema = ElicitationSchema::new()
            .with_required("email", StringSchema::new().with_format(StringFormat::Email))
            .with_optional("age", NumberSchema::integer().with_minimum(18.0))
            .with_optional("news", BooleanSchema::new().with_default(true))
            .with_required("plan", SingleSelectEnumSchema::new(["free", "paid"]))
            .with_optional("days", MultiSelectEnumSchema::new(["mo", "tu", "we"]));
        ElicitRequestFormParams::new("Who are you?\u{1b}[2J", schema)
    }

    async fn filled(lines: &[&str]) -> (ElicitResult, String) {
        let mut script = Script::new(lines.iter().copied());
        let result = fill(&mut script, &form(), Paint::NONE).await;
        assert!(!script.shown.contains('\u{1b}'), "{}", script.shown);
        (result, script.shown)
    }

    #[tokio::test]
    async fn a_form_is_filled_in_field_by_field() {
        let (result, _) = filled(&["ada@example.com", "36", "", "2", "1, we", ""]).await;
        assert_eq!(result.action, ElicitAction::Accept);
        let expected = json!({ "email": "ada@example.com", "age": 36, "news": true, "plan": "paid",
            "days": ["mo", "we"] });
        assert_eq!(Value::Object(result.content.unwrap()), expected);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_asked_for_again() {
        let lines =
            ["", "ada", "ada@example.com", "17", "x", "", "maybe", "no", "3", "free", "9", "", "y"];
        let (result, shown) = filled(&lines).await;
        let expected = json!({ "email": "ada@example.com", "news": false, "plan": "free" });
        assert_eq!(Value::Object(result.content.unwrap()), expected);
        for said in [
            "has to be filled in",
            "does not have the form `email`",
            "at least 18",
            "no whole number",
        ] {
            assert!(shown.contains(said), "{said}: {shown}");
        }
    }

    #[tokio::test]
    async fn it_can_be_declined_and_cancelled_at_any_time() {
        for lines in [&["!decline"][..], &["a@b.example", "!decline"]] {
            assert_eq!(filled(lines).await.0, ElicitResult::decline());
        }
        for lines in [&[][..], &["!cancel"], &["a@b.example", "36", "", "1", "", "!cancel"]] {
            assert_eq!(filled(lines).await.0, ElicitResult::cancel());
        }
        let (result, _) = filled(&["a@b.example", "36", "", "1", "", "n"]).await;
        assert_eq!(result, ElicitResult::decline());
    }
}
