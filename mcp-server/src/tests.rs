//! Tools from end to end: from the function to its schema, and from raw arguments to the outcome.

use std::collections::BTreeMap;
use std::sync::Mutex;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use mcp_core::types::CallToolResult;

use crate::call::States;
use crate::handler::{Handler, erase};
use crate::rig::{Rig, input};
use crate::{
    Args, Call, CallContext, Caller, Description, Extracted, Failure, Json, Outcome, Param,
    Profiles, Result, Settings, State, Tool, ToolError, ToolExt, tool,
};
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::ProfileUrl;

const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

/// Adds two numbers.
///
/// Fractions are
/// allowed.
#[tool]
async fn add(
    /// The first number
    a: f64,
    /// The second
    /// number
    b: f64,
) -> f64 {
    a + b
}

#[derive(Deserialize, JsonSchema)]
struct Query {
    /// Words that the title must contain
    text: String,
    /// At most this many, 20 unless given
    limit: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
struct Hits {
    titles: Vec<String>,
}

trait Store: Send + Sync + 'static {
    fn find(&self, text: &str) -> Vec<String>;
}

#[derive(Default)]
struct Disk {
    titles: Vec<String>,
}

impl Store for Disk {
    fn find(&self, text: &str) -> Vec<String> {
        self.titles.iter().filter(|title| title.contains(text)).cloned().collect()
    }
}

/// Searches the catalogue.
#[tool(title = "Search", read_only, open_world = false)]
async fn search<S: Store>(Args(query): Args<Query>, films: State<S>) -> Result<Json<Hits>> {
    if query.text.is_empty() {
        Err(ToolError::new("`text` is empty: give at least one word"))?;
    }
    let limit = query.limit.map_or(20, |limit| limit as usize);
    let mut titles = films.find(&query.text);
    titles.truncate(limit);
    Ok(Json(Hits { titles }))
}

struct Notes<S> {
    store: S,
    count: Mutex<u64>,
}

impl<S: Store> Notes<S> {
    /// Adds a note.
    #[tool(name = "notes.add", destructive, idempotent, requires = PREMIUM)]
    async fn add_note(&self, text: String, caller: Caller) -> Result<u64> {
        yield_once().await;
        if self.store.find(&text).is_empty() {
            Err(ErrorObject::internal(format!("nothing for {caller}")))?;
        }
        let mut count = self.count.lock().unwrap();
        *count += 1;
        Ok(*count)
    }
}

async fn yield_once() {
    tokio::task::yield_now().await;
}

fn films() -> Disk {
    Disk { titles: vec!["nosferatu".into(), "metropolis".into()] }
}

#[test]
fn a_function_describes_itself_as_a_tool() {
    assert_eq!(
        serde_json::to_value(crate::IntoTool::into_tool(add).definition()).unwrap(),
        json!({
            "name": "add",
            "description": "Adds two numbers.\n\nFractions are allowed.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "a": { "type": "number", "format": "double", "description": "The first number" },
                    "b": { "type": "number", "format": "double", "description": "The second number" },
                },
                "required": ["a", "b"],
            },
        })
    );
    assert_eq!(
        serde_json::to_value(search::<Disk>.named("find").definition()).unwrap(),
        json!({
            "name": "find",
            "title": "Search",
            "description": "Searches the catalogue.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "text": { "type": "string", "description": "Words that the title must contain" },
                    "limit": {
                        "type": ["integer", "null"], "format": "uint32", "minimum": 0,
                        "description": "At most this many, 20 unless given",
                    },
                },
                "required": ["text"],
            },
            "outputSchema": {
                "type": "object",
                "properties": { "titles": { "type": "array", "items": { "type": "string" } } },
                "required": ["titles"],
            },
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
        })
    );
}

#[test]
fn a_method_is_a_tool_with_what_its_attribute_says() {
    let tool = crate::IntoTool::into_tool(Notes::<Disk>::add_note).build();
    assert_eq!(tool.problems, [""; 0]);
    assert_eq!(tool.requires.profiles, [ProfileUrl::parse(PREMIUM).unwrap()]);
    assert_eq!(
        serde_json::to_value(&tool.definition).unwrap(),
        json!({
            "name": "notes.add",
            "description": "Adds a note.",
            "inputSchema": {
                "type": "object",
                "properties": { "text": { "type": "string" } },
                "required": ["text"],
            },
            "annotations": { "destructiveHint": true, "idempotentHint": true },
        })
    );
    let [need] = &tool.needs[..] else { panic!("{:?}", tool.needs) };
    assert!(format!("{need:?}").contains("Notes<"), "{need:?}");
}

#[test]
fn definitions_stand_at_the_top_and_properties_in_order() {
    #[derive(Deserialize, JsonSchema)]
    struct Span {
        from: u8,
    }
    #[tool]
    async fn cut(title: String, span: Span, others: Vec<Span>, all: Option<Span>) -> String {
        let _ = (span.from, others, all);
        title
    }
    let text = crate::IntoTool::into_tool(cut).definition().input_schema.as_str().to_owned();
    assert_eq!(
        text,
        concat!(
            r#"{"type":"object","properties":{"title":{"type":"string"},"#,
            r##""span":{"$ref":"#/$defs/Span"},"##,
            r##""others":{"items":{"$ref":"#/$defs/Span"},"type":"array"},"##,
            r##""all":{"anyOf":[{"$ref":"#/$defs/Span"},{"type":"null"}]}},"##,
            r#""required":["title","span","others"],"$defs":{"Span":{"properties":{"from":"#,
            r#"{"format":"uint8","maximum":255,"minimum":0,"type":"integer"}},"#,
            r#""required":["from"],"type":"object"}}}"#,
        )
    );
}

#[test]
fn without_arguments_none_are_allowed() {
    #[tool]
    async fn now(_caller: Caller) {}
    assert_eq!(input(now), json!({ "type": "object", "additionalProperties": false }));
}

#[tokio::test]
async fn arguments_reach_the_function() {
    assert_eq!(add(1.0, 2.0).await, 3.0);
    let rig = Rig::new();
    assert_eq!(rig.text(add, r#"{"b":0.5,"a":2,"c":[]}"#).await, "2.5");
    let closure = Tool::new("mul").params(["a", "b"]).handler(async |a: f64, b: f64| a * b);
    assert_eq!(rig.text(closure, r#"{"a":2,"b":3}"#).await, "6");
    let rig = rig.with_state(films());
    let Outcome::Complete(result) = rig.start(search::<Disk>, r#"{"text":"o"}"#).await else {
        panic!("a protocol error")
    };
    assert_eq!(
        result.structured_content.unwrap().get(),
        r#"{"titles":["nosferatu","metropolis"]}"#
    );
}

#[tokio::test]
async fn what_does_not_fit_never_reaches_the_function() {
    let rig = Rig::new().with_state(films());
    let call = rig.start(search::<Disk>, r#"{"text":"o","limit":-1}"#);
    let expected = CallToolResult::error("argument `limit`: invalid value -1, expected u32");
    assert_eq!(call.await, Outcome::Complete(expected));
    assert_eq!(
        rig.text(search::<Disk>, r#"{"txt":"nosferatu"}"#).await,
        "argument `text` is missing (`txt` is not an argument of `search`)"
    );
    assert_eq!(
        rig.text(search::<Disk>, r#"["o", 1]"#).await,
        "arguments of `search`: invalid value an array, expected an object"
    );
    assert_eq!(rig.text(add, r#"{"a":1}"#).await, "argument `b` is missing");
    assert_eq!(
        rig.text(search::<Disk>, r#"{"text":""}"#).await,
        "`text` is empty: give at least one word"
    );
}

#[tokio::test]
async fn methods_borrow_their_state_across_await() {
    let rig = Rig::new().with_state(Notes { store: films(), count: Mutex::new(0) });
    assert_eq!(rig.text(Notes::<Disk>::add_note, r#"{"text":"nosferatu"}"#).await, "1");
    assert_eq!(rig.text(Notes::<Disk>::add_note, r#"{"text":"nosferatu"}"#).await, "2");
    assert_eq!(
        rig.text(Notes::<Disk>::add_note, r#"{"text":"x"}"#).await,
        r#"{"code":-32603,"message":"nothing for ada"}"#
    );
}

#[tokio::test]
async fn generic_functions_and_patterns_are_tools() {
    #[tool]
    async fn echo<T>(mut value: Vec<T>, r#type: String, State(films): State<Disk>) -> Json<Vec<T>>
    where
        T: DeserializeOwned + Serialize + JsonSchema + Send + 'static,
    {
        yield_once().await;
        value.truncate(films.titles.len() + r#type.len());
        Json(value)
    }
    let rig = Rig::new().with_state(films());
    let arguments = r#"{"value":[1,2,3,4],"type":"a"}"#;
    assert_eq!(rig.text(echo::<u8>, arguments).await, "[1,2,3]");
}

#[tokio::test]
async fn parameters_that_are_not_mentioned_live_as_long_as_the_call() {
    struct Permit;
    static RETURNED: Mutex<u32> = Mutex::new(0);
    impl Drop for Permit {
        fn drop(&mut self) {
            *RETURNED.lock().unwrap() += 1;
        }
    }
    impl Param<Extracted> for Permit {
        fn describe(_: &mut Description) {}

        fn extract(_: &mut Call<'_>) -> Result<Self, Failure> {
            Ok(Self)
        }
    }
    #[tool]
    async fn guarded(_permit: Permit) -> u32 {
        yield_once().await;
        *RETURNED.lock().unwrap()
    }
    assert_eq!(Rig::new().text(guarded, "{}").await, "0");
    assert_eq!(*RETURNED.lock().unwrap(), 1);
}

#[derive(Debug)]
struct MaxHeight(u32);

#[tokio::test]
async fn settings_are_those_of_the_first_profile_in_force_that_has_some() {
    #[tool]
    async fn height(
        max: Settings<MaxHeight>,
        none: Option<Settings<u8>>,
        in_force: Profiles,
    ) -> String {
        format!("{} {} {}", max.0, none.is_none(), in_force.has(PREMIUM))
    }
    let set = |value| {
        let mut set = States::default();
        set.insert(std::sync::Arc::new(MaxHeight(value)));
        set
    };
    let url = |url| ProfileUrl::parse(url).unwrap();
    let mut rig = Rig::new();
    rig.provided.settings.profiles =
        vec![(url(STANDARD), States::default()), (url(PREMIUM), set(1080))];
    rig.provided.settings.default = set(480);
    assert_eq!(rig.text(height, "{}").await, "480 true false");
    let rig = rig.with_profiles(&[STANDARD]);
    assert_eq!(rig.text(height, "{}").await, "480 true false");
    let rig = rig.with_profiles(&[STANDARD, PREMIUM]);
    assert_eq!(rig.text(height, "{}").await, "1080 true true");
}

#[tokio::test]
async fn an_entitlement_function_is_a_handler_without_arguments() {
    #[derive(Debug, PartialEq)]
    struct Answer(bool);
    impl crate::handler::Concluded for Answer {}
    async fn entitled(caller: Caller, plans: State<BTreeMap<String, String>>) -> Answer {
        yield_once().await;
        Answer(plans.get("plan").is_some_and(|plan| caller.has("plan", plan)))
    }
    fn run<M, H: Handler<M, Output = Answer>>(handler: H) -> crate::handler::Run<Answer> {
        erase(handler, |answer: Result<Answer, Failure>| answer.unwrap())
    }
    let plans = BTreeMap::from([("plan".to_owned(), "paid".to_owned())]);
    let rig = Rig::new().with_state(plans);
    let callee = crate::call::Callee { name: "entitlement", arguments: &[] };
    let answer = run(entitled)(&mut Call::new(callee, &rig.provided, rig.parts(None)));
    assert_eq!(answer.await, Answer(true));
}

#[tokio::test]
async fn a_missing_state_is_an_error_and_no_panic() {
    let text = Rig::new().text(search::<Disk>, r#"{"text":"a"}"#).await;
    assert!(
        text.starts_with(r#"{"code":-32603,"message":"the server has no state of type"#),
        "{text}"
    );
}

#[test]
fn mistakes_are_collected() {
    async fn handler(_: String, _: Args<Vec<u8>>, _: CallContext, _: u8) {}
    assert_eq!(
        Tool::new("a b").params(["x"]).requires("http://x/").handler(handler).problems(),
        [
            "`a b` is no name for a tool: use 1 to 128 of `A-Z a-z 0-9 _ - .`".to_owned(),
            "the arguments of a tool are an object, and `alloc::vec::Vec<u8>` is described as \
             \"array\": take a struct or a map"
                .to_owned(),
            "argument 2, of type `u8`, has no name: give all names with `.params([…])`".to_owned(),
            format!(
                "requires the profile `http://x/`: {}",
                ProfileUrl::parse("http://x/").unwrap_err()
            ),
        ]
    );
    let two = Tool::new("x").params(["a", "a", "b"]).handler(async |a: u8, b: u8| a + b);
    assert_eq!(
        two.problems(),
        ["two arguments have the name `a`", "there is no argument for the name `b`"]
    );
    let mixed = Tool::new("x").params(["a"]).handler(async |a: u8, Args(_): Args<Query>| a);
    assert_eq!(
        mixed.problems(),
        ["takes both `Args<…>` and arguments of its own: move these into the struct"]
    );
    assert_eq!(Tool::new("x").problems(), ["it has no handler: add one with `.handler(…)`"]);
}
